from typing import Any

from annotation.domain.vocabulary import ImportKind, ResponseFormat
from annotation.management.importing import ImportCommand
from annotation.models import Project
from annotation.services.importing import creating


class Command(ImportCommand):
    help = "Import items (JSON Lines, CSV or Parquet, packed with gzip or not) into a project."
    kind = ImportKind.ITEMS

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--create",
            action="store_true",
            help="make the project if there is none: for rankings if an item among the first "
            "rows has more than two responses, else pairwise",
        )
        parser.add_argument("--format", choices=list(ResponseFormat), help="what --create makes")
        parser.add_argument("--name", default="", help="name of the project that --create makes")
        parser.add_argument(
            "--overlap", type=int, default=1, help="human judgments per comparison, with --create"
        )

    def project(self, options: dict[str, Any]) -> Project:
        found = Project.objects.filter(slug=options["project"]).first()
        if found or not options["create"]:
            return found or super().project(options)
        return creating.create_project_for(
            slug=options["project"],
            name=options["name"],
            path=options["files"][0],
            mapping=options["mapping"],
            response_format=options["format"],
            overlap=options["overlap"],
            now=self.now,
        )
