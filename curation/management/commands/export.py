import json
import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.domain.errors import DomainError, NotFound
from annotation.domain.vocabulary import WorkState
from annotation.selectors.clock import database_now
from curation.domain.formats import Format
from curation.management.bars import bar
from curation.models import Dataset, Export, Version
from curation.selectors.datasets import latest_version
from curation.services import exporting, storage


class Command(BaseCommand):
    help = "Write a version of a dataset in a training format into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", help="slug of the dataset")
        parser.add_argument("version", help="number of the version, or 'latest'")
        parser.add_argument("format", choices=[word.value for word in Format])
        parser.add_argument("outdir", type=Path, help="a folder that is not there yet, or is empty")
        parser.add_argument("--json", action="store_true", help="print the files as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        outdir: Path = options["outdir"]
        if outdir.exists() and (not outdir.is_dir() or any(outdir.iterdir())):
            raise CommandError(f"{outdir} is not an empty folder; name another.")
        try:
            version = version_named(options["dataset"], options["version"])
            export = exporting.request_export(
                version=version, format=Format(options["format"]), now=database_now()
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.build(export)
        with storage.new_folder(outdir.resolve()) as folder:
            shutil.copytree(storage.export_path(export), folder, dirs_exist_ok=True)
        self.stdout.write(json.dumps(report(export)) if options["json"] else summary(export))

    def build(self, export: Export) -> None:
        with bar(f"Writing {export.version} as {export.format}") as progress:
            exporting.build_export(export=export, now=database_now(), progress=progress)
        export.refresh_from_db()
        if export.state != WorkState.DONE:
            raise CommandError(f"The export is {export.state}: {export.error or 'try again'}")


def version_named(slug: str, number: str) -> Version:
    dataset = Dataset.objects.filter(slug=slug).first()
    if dataset is None:
        raise NotFound(f"There is no dataset '{slug}'; cut one first.")
    if number == "latest":
        return latest_version(dataset)
    found = dataset.versions.filter(number=number).first() if number.isdecimal() else None
    if found is None:
        raise NotFound(f"Dataset '{slug}' has no version '{number}'.")
    return found


def report(export: Export) -> dict[str, Any]:
    return {
        "dataset": export.version.dataset.slug,
        "version": export.version.number,
        "format": export.format,
        "counts": export.counts,
        "files": export.files,
    }


def summary(export: Export) -> str:
    lines = []
    for table, counts in export.counts.items():
        lines.append(f"{table}: {counts['rows']} rows")
        lines += [f"  dropped {number:>8}  {why}" for why, number in counts["dropped"].items()]
    return "\n".join([*lines, *[f"  {file['path']}" for file in export.files]])
