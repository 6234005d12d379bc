import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Comparison, Project
from annotation.selectors.clock import database_now
from annotation.services import aggregation, quality, rounds, skills
from curation.management.bars import bar


class Command(BaseCommand):
    help = "Bring everything derived from a project's judgments up to date now, until quiet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project '{options['project']}'.")
        done = drain(project)
        opened = rounds.open_second_rounds(project=project, now=database_now())
        aside = Comparison.objects.filter(project=project, stale_tries__gte=aggregation.MOST_TRIES)
        report = {
            "project": project.slug,
            "refreshed": done,
            "second_rounds": opened,
            "set_aside": aside.count(),
        }
        self.stdout.write(
            json.dumps(report)
            if options["json"]
            else f"{project.slug}: {done} comparisons refreshed, {report['set_aside']} set aside."
        )
        if first := aside.order_by("id").first():
            raise CommandError(f"Comparison {first.pk} cannot be read: {first.stale_error}")


def drain(project: Project) -> int:
    """Refresh a project's comparisons, how its annotators err, and its quality, until quiet.

    Returns:
        How many comparisons were worked out, those counted twice that new skills changed.
    """
    done = 0
    total = Comparison.objects.filter(project=project, stale_since__isnull=False).count()
    with bar(f"Consensus of {project.slug}") as progress:
        is_learned = True
        while is_learned:
            while taken := aggregation.refresh_next_stale(now=database_now(), project=project):
                done += taken
                progress(done, max(done, total))
            is_learned = skills.refresh_skills(project=project, now=database_now(), at_once=True)
    quality.refresh_report(project=project, now=database_now())
    return done
