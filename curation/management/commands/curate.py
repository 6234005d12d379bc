import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Comparison, Project
from annotation.services import aggregation
from curation.management.drains import drain_all
from curation.selectors import progress


class Command(BaseCommand):
    help = "Do all waiting work of a project now: consensus, texts, vectors and what follows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project '{options['project']}'.")
        done = drain_all(project)
        aside = Comparison.objects.filter(project=project, stale_tries__gte=aggregation.MOST_TRIES)
        faults = progress.faults_of(project)
        report = {"project": project.slug, **done, "set_aside": aside.count() + faults.n}
        counted = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in done.items())
        self.stdout.write(
            json.dumps(report)
            if options["json"]
            else f"{project.slug}: {counted}, {report['set_aside']} set aside."
        )
        if first := aside.order_by("id").first():
            raise CommandError(f"Comparison {first.pk} cannot be read: {first.stale_error}")
        if faults.first:
            raise CommandError(f"{faults.first.what} was set aside: {faults.first.error}")
