import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.domain.errors import DomainError
from annotation.models import Project
from annotation.selectors.clock import database_now
from curation.management.bars import bar
from curation.services.signals import importing
from curation.services.signals.importing import Origin, Taken

REFUSALS_PRINTED = 50


class Command(BaseCommand):
    help = (
        "Import numbers worked out elsewhere about items, responses or comparisons (JSON Lines, "
        "CSV or Parquet, packed with gzip or not), one a line: item, response or comparison or "
        "neither, name, value."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version, which prints its number, gives way to ours.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument("--source", required=True, help="what worked the values out")
        parser.add_argument("--version", default="", help="version of the source")
        parser.add_argument(
            "--allow-refused",
            action="store_true",
            help="exit with 0 even where single lines were refused",
        )
        parser.add_argument("--json", action="store_true", help="print a report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        try:
            origin = importing.origin_of(options["source"], options["version"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        done = {path: self.take(project, path, origin) for path in options["files"]}
        self.report(project, done, as_json=options["json"])
        if any(taken.refused for taken in done.values()) and not options["allow_refused"]:
            sys.exit(1)

    def take(self, project: Project, path: Path, origin: Origin) -> Taken:
        with bar(f"Signals of {path.name}") as show:

            def progress(taken: Taken) -> None:
                n_read = taken.n_written + taken.n_unchanged + len(taken.refused)
                show(n_read, n_read)

            return importing.import_file(
                project=project,
                path=path,
                name=path.name,
                origin=origin,
                now=database_now(),
                progress=progress,
            )

    def report(self, project: Project, done: dict[Path, Taken], *, as_json: bool) -> None:
        if as_json:
            files = [counts(path, taken) for path, taken in done.items()]
            self.stdout.write(json.dumps({"project": project.slug, "files": files}))
            return
        for path, taken in done.items():
            for one in taken.refused[:REFUSALS_PRINTED]:
                where = f"{path.name}:{one.line}: {one.field or '(line)'}"
                self.stderr.write(f"{where}: {one.rule}: {one.detail}")
            if (n_more := len(taken.refused) - REFUSALS_PRINTED) > 0:
                self.stderr.write(f"… {n_more:,} more lines refused")
            self.stdout.write(
                f"{path.name}: {taken.n_written:,} written, {taken.n_unchanged:,} unchanged, "
                f"{len(taken.refused):,} refused"
            )


def counts(path: Path, taken: Taken) -> dict[str, Any]:
    return {
        "file": str(path),
        "written": taken.n_written,
        "unchanged": taken.n_unchanged,
        "refused": len(taken.refused),
        "refusals": [
            {"line": one.line, "field": one.field, "rule": one.rule, "detail": one.detail}
            for one in taken.refused
        ],
    }
