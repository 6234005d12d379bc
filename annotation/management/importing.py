"""What the two import commands share: arguments, progress, the report, the exit code."""

import json
import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from annotation.domain.errors import DomainError
from annotation.domain.importing.mapping import check_mapping
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.vocabulary import ImportKind, WorkState
from annotation.models import Import, Project, Refusal
from annotation.selectors.clock import database_now
from annotation.services.importing import running, uploads
from annotation.services.importing.preview import as_json, preview

REFUSALS_PRINTED = 50


def json_object(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArgumentTypeError('give {"our field": "their column"}')
    return value


class ImportCommand(BaseCommand):
    kind: ImportKind
    now: datetime

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument(
            "--mapping",
            type=json_object,
            default={},
            help='columns as JSON, such as {"prompt": "question", "response_1": "answer"}; '
            "guessed where it is not given",
        )
        parser.add_argument(
            "--preview", action="store_true", help="show the first rows; write nothing"
        )
        parser.add_argument(
            "--strict", action="store_true", help="stop at the first refused line of a file"
        )
        parser.add_argument(
            "--allow-refused",
            action="store_true",
            help="exit with 0 even where single lines were refused",
        )
        parser.add_argument("--json", action="store_true", help="print a report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        self.now = database_now()
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        try:
            check_mapping(options["mapping"], self.kind)
            self.act(options)
        except (DomainError, LineRefused) as refused:
            raise CommandError(refused.detail) from refused

    def act(self, options: dict[str, Any]) -> None:
        if options["preview"]:
            for path in options["files"]:
                self.show(path, options)
            return
        project = self.project(options)
        done = [self.run_one(project, path.resolve(), options) for path in options["files"]]
        self.report(project, done, options)
        if any(each.state != WorkState.DONE for each in done):
            sys.exit(1)
        if any(each.n_refused for each in done) and not options["allow_refused"]:
            sys.exit(1)

    def project(self, options: dict[str, Any]) -> Project:
        found = Project.objects.filter(slug=options["project"]).first()
        if found is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        return found

    def run_one(self, project: Project, path: Path, options: dict[str, Any]) -> Import:
        upload = uploads.register_file(
            project=project,
            kind=self.kind,
            path=path,
            mapping=options["mapping"],
            is_strict=options["strict"],
            now=self.now,
        )
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[written]:,} written, {task.fields[refused]:,} refused"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task(path.name, total=None, written=0, refused=0)

            def progress(now_at: Import) -> None:
                bar.update(task, written=now_at.n_written, refused=now_at.n_refused)

            return running.run_import(import_id=upload.id, now=self.now, progress=progress)

    def report(self, project: Project, done: list[Import], options: dict[str, Any]) -> None:
        if options["json"]:
            files = [self.counts(each) for each in done]
            self.stdout.write(json.dumps({"project": project.slug, "files": files}))
            return
        for each in done:
            for refusal in each.refusals.all()[:REFUSALS_PRINTED]:
                self.stderr.write(self.sentence(each, refusal))
            if each.n_refused > REFUSALS_PRINTED:
                self.stderr.write(f"… {each.n_refused - REFUSALS_PRINTED:,} more lines refused")
            self.stdout.write(
                f"{each.file_name}: {each.n_written:,} written, {each.n_unchanged:,} unchanged, "
                f"{each.n_refused:,} refused{' – ' + each.error if each.error else ''}"
            )

    def sentence(self, upload: Import, refusal: Refusal) -> str:
        where = f"{upload.file_name}:{refusal.line}"
        return f"{where}: {refusal.field or '(line)'}: {refusal.rule}: {refusal.detail}"

    def counts(self, upload: Import) -> dict[str, Any]:
        return {
            "file": upload.stored_path,
            "import": upload.id,
            "state": upload.state,
            "written": upload.n_written,
            "unchanged": upload.n_unchanged,
            "refused": upload.n_refused,
            "refusals": list(upload.refusals.values("line", "field", "rule", "detail")),
            "error": upload.error,
        }

    def show(self, path: Path, options: dict[str, Any]) -> None:
        shown = preview(path=path, name=path.name, kind=self.kind, mapping=options["mapping"])
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(path)} | as_json(shown)))
            return
        self.stdout.write(f"{path.name}: columns {', '.join(shown.columns)}")
        self.stdout.write(
            f"mapping: {json.dumps(shown.mapping) if shown.mapping else 'none needed'}"
        )
        for reading in shown.rows:
            refused = reading.refusal
            what = f"{refused.field}: {refused.rule}: {refused.detail}" if refused else "good"
            self.stdout.write(f"line {reading.row.line}: {what}")
