import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from annotation.selectors.clock import database_now
from annotation.services import aggregation, quality
from curation.management.drains import drain_all
from curation.services import embedding, intake
from curation.services.signals import requests


class Command(BaseCommand):
    help = "Compute every derived row again from the facts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("projects", nargs="*", help="slugs; all projects where none is given")
        parser.add_argument(
            "--vectors", action="store_true", help="embed every text again, which takes long"
        )
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        done = {}
        for project in chosen(options["projects"]):
            mark_outdated(project, with_vectors=options["vectors"])
            done[project.slug] = drain_all(project)
        lines = [f"{slug}: {told(counts)} rebuilt" for slug, counts in done.items()]
        self.stdout.write(json.dumps({"rebuilt": done}) if options["json"] else "\n".join(lines))


def mark_outdated(project: Project, *, with_vectors: bool) -> None:
    """Put everything derived of a project before its drains again, what was set aside too."""
    aggregation.rebuild_consensus(project=project, now=database_now())
    quality.mark_outdated(project=project, now=database_now())
    requests.rebuild(project=project, now=database_now())
    intake.reread_items(project=project, now=database_now())
    embedding.retry_texts(project=project)
    if with_vectors:
        embedding.forget_vectors(project=project)
    embedding.request_missing(project=project, now=database_now())


def told(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def chosen(slugs: list[str]) -> list[Project]:
    found = Project.objects.filter(slug__in=slugs) if slugs else Project.objects.all()
    if unknown := set(slugs) - {project.slug for project in found}:
        raise CommandError(f"There is no project '{min(unknown)}'.")
    return list(found.order_by("slug"))
