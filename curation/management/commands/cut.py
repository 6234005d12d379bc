import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import WorkState
from annotation.selectors.clock import database_now
from curation.management.bars import bar
from curation.models import Version
from curation.services import datasets, versioning


class Command(BaseCommand):
    help = "Make a new immutable version of a dataset, in the foreground."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", help="slug of a dataset, or of a project for its own one")
        parser.add_argument("--json", action="store_true", help="print the manifest as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dataset = datasets.dataset_named(slug=options["dataset"], now=database_now())
            version = versioning.request_version(dataset=dataset, now=database_now())
        except DomainError as error:
            raise CommandError(error.detail) from error
        with bar(f"Cutting {version}") as progress:
            versioning.build_version(version=version, now=database_now(), progress=progress)
        version.refresh_from_db()
        if version.state != WorkState.DONE:
            raise CommandError(f"{version} is {version.state}: {version.error}")
        self.stdout.write(json.dumps(version.manifest) if options["json"] else summary(version))


def summary(version: Version) -> str:
    counts = version.counts
    lines = [
        f"{version}: {counts['comparisons']} comparisons of {counts['items']} items, "
        f"{counts['judgments']} judgments; {counts['kept']} comparisons kept.",
        *[f"  dropped {number:>8}  {reason}" for reason, number in counts["dropped"].items()],
        f"digest {bytes(version.digest or b'').hex()}",
    ]
    if version.identical_to:
        lines.append(f"identical to version {version.identical_to}")
    return "\n".join(lines)
