import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from annotation.models import Project
from curation.domain.vocabulary import DuplicateKind
from curation.management.drains import drain_duplicates
from curation.selectors.duplicate_groups import every_group


class Command(BaseCommand):
    help = "List a project's groups of duplicates, after looking for those that wait."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--json", action="store_true", help="print the groups as JSON")
        parser.add_argument("--kind", choices=list(DuplicateKind), default="", help="only these")
        parser.add_argument(
            "--as-is", action="store_true", help="look for nothing, list what is known"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project '{options['project']}'.")
        if not options["as_is"]:
            drain_duplicates(project)
        groups = list(every_group(project, options["kind"]))
        if options["json"]:
            self.stdout.write(json.dumps(groups, ensure_ascii=False))
        else:
            self.write_table(groups)

    def write_table(self, groups: list[dict[str, Any]]) -> None:
        table = Table("kind", "similarity", "items", "group")
        for group in groups:
            items = ", ".join(group["items"])
            table.add_row(group["kind"], f"{group['similarity']:.3f}", items, group["group"])
        Console(file=self.stdout, markup=False, highlight=False).print(table)
        self.stdout.write(f"{len(groups)} groups.")
