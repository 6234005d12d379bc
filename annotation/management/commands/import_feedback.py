import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from annotation.domain.importing.refusals import LineRefused
from annotation.models import Project
from annotation.selectors.clock import database_now
from annotation.services.feedback.taking import Taken, take_file

REFUSALS_PRINTED = 50


class Command(BaseCommand):
    help = "Import what users of a product did with answers (JSON Lines, packed with gzip or not)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument("--json", action="store_true", help="print a report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        done = [(path, self.take(project, path)) for path in options["files"]]
        self.report(project, done, as_json=options["json"])
        if any(taken.refused for _, taken in done):
            sys.exit(1)

    def take(self, project: Project, path: Path) -> Taken:
        console = Console(stderr=True)
        columns = SpinnerColumn(), TextColumn("{task.description}: {task.fields[n]:,} events")
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task(path.name, total=None, n=0)

            def progress(so_far: Taken) -> None:
                bar.update(task, n=so_far.n_written + so_far.n_unchanged)

            try:
                return take_file(
                    project=project,
                    path=path,
                    name=path.name,
                    now=database_now(),
                    progress=progress,
                )
            except LineRefused as refused:
                raise CommandError(f"{path}: {refused.detail}") from refused

    def report(self, project: Project, done: list[tuple[Path, Taken]], *, as_json: bool) -> None:
        if as_json:
            files = [self.counts(path, taken) for path, taken in done]
            self.stdout.write(json.dumps({"project": project.slug, "files": files}))
            return
        for path, taken in done:
            for each in taken.refused[:REFUSALS_PRINTED]:
                where = f"{path.name}:{each.line}: {each.field or '(line)'}"
                self.stderr.write(f"{where}: {each.rule}: {each.detail}")
            if len(taken.refused) > REFUSALS_PRINTED:
                more = len(taken.refused) - REFUSALS_PRINTED
                self.stderr.write(f"… {more:,} more lines refused")
            self.stdout.write(
                f"{path.name}: {taken.n_written:,} events written, {taken.n_unchanged:,} "
                f"unchanged, {len(taken.refused):,} lines refused; "
                f"{taken.n_judgments:,} weak judgments"
            )

    def counts(self, path: Path, taken: Taken) -> dict[str, Any]:
        return {
            "file": str(path),
            "written": taken.n_written,
            "unchanged": taken.n_unchanged,
            "weak_judgments": taken.n_judgments,
            "refused": len(taken.refused),
            "refusals": [
                {"line": r.line, "field": r.field, "rule": r.rule, "detail": r.detail}
                for r in taken.refused
            ],
        }
