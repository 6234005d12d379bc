import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from annotation.selectors.clock import database_now
from annotation.services import aggregation, quality
from curation.management.commands.curate import drain


class Command(BaseCommand):
    help = "Compute every derived row again from the facts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("projects", nargs="*", help="slugs; all projects where none is given")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        done = {}
        for project in chosen(options["projects"]):
            aggregation.rebuild_consensus(project=project, now=database_now())
            quality.mark_outdated(project=project, now=database_now())
            done[project.slug] = drain(project)
        lines = [f"{slug}: {number} comparisons rebuilt" for slug, number in done.items()]
        self.stdout.write(json.dumps({"rebuilt": done}) if options["json"] else "\n".join(lines))


def chosen(slugs: list[str]) -> list[Project]:
    found = Project.objects.filter(slug__in=slugs) if slugs else Project.objects.all()
    if unknown := set(slugs) - {project.slug for project in found}:
        raise CommandError(f"There is no project '{min(unknown)}'.")
    return list(found.order_by("slug"))
