"""Cutting datasets into immutable, numbered versions."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as library_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import VOTERS, WorkState
from annotation.models import Judgment, Project, User
from annotation.selectors import feedback, profiles
from annotation.services.verdicts import settlement_of
from curation.domain.recipes import Recipe, recipe_json, recipe_of
from curation.domain.records import SPEC, Record, Terms, record_of
from curation.models import Dataset, Version
from curation.selectors import duplicates, snapshot
from curation.services import builds, shards, storage

BUILD_ERRORS = (ArithmeticError, LookupError, OSError, TypeError, ValueError, DomainError)
LIBRARIES = ("numpy", "pyarrow")

Progress = Callable[[int, int], None]


class NothingToCut(DomainError):
    """A dataset without projects has nothing to cut."""

    code, status = "nothing_to_cut", 409


def request_version(*, dataset: Dataset, now: datetime, user: User | None = None) -> Version:
    """Queue a cut under the dataset's recipe as it stands, with the next number.

    Numbers are dense: requests for one dataset take them one at a time.

    Raises:
        NothingToCut: the dataset has no project.
        InvalidField: the recipe does not read.
    """
    if not dataset.projects.exists():
        raise NothingToCut("This dataset has no project; choose at least one first.")
    recipe = recipe_of(dataset.recipe)
    with transaction.atomic():
        Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
        last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
        return Version.objects.create(
            dataset=dataset,
            number=last + 1,
            recipe=recipe_json(recipe),
            created_by=user,
            created_at=now,
        )


def build_version(*, version: Version, now: datetime, progress: Progress | None = None) -> bool:
    """Build a queued version, or one whose builder was killed.

    Nothing of it is visible before it is whole: the row turns to done last.

    Returns:
        False where another builder has it or it is finished already. Safe to repeat.
    """
    with builds.alone_with(version) as alone:
        if not alone or not builds.begin(version):
            return False
        try:
            built = cut(version, progress or (lambda done, total: None))
        except BUILD_ERRORS as error:
            builds.fail(version, error, now)
            return True
        publish(version, built, now)
    return True


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut has written: its counts, its shards, their digest, and where its facts end."""

    counts: dict[str, Any]
    shards: list[dict[str, Any]]
    digest: bytes
    facts: dict[str, Any]


def cut(version: Version, progress: Progress) -> Cut:
    """Read one moment of the database and write its canonical shards."""
    storage.root().mkdir(parents=True, exist_ok=True)
    recipe = recipe_of(version.recipe)
    with TemporaryDirectory(dir=storage.root(), prefix=".cut-") as place:
        spooled = Path(place) / "spool"
        spooled.mkdir()
        with snapshot.one_moment():
            projects = list(version.dataset.projects.order_by("slug"))
            facts = watermark(projects)
            total = snapshot.n_items(projects)
            records = records_of(version.dataset, projects, recipe)
            counted = count_off(records, total, progress)
            tally = shards.spool(counted, shards.n_buckets_for(total), spooled)
        written, digest = shards.write_shards(spooled)
        return Cut(tally.as_json(), written, digest, facts)


def records_of(dataset: Dataset, projects: Sequence[Project], recipe: Recipe) -> Iterator[Record]:
    anchors = duplicates.split_anchors(projects, recipe.duplicates)
    for project in projects:
        terms = Terms(recipe, settlement_of(project), bytes(dataset.pseudonym_key), anchors)
        for facts in snapshot.facts_of(project):
            yield record_of(facts, terms)


def count_off(records: Iterator[Record], total: int, progress: Progress) -> Iterator[Record]:
    for done, record in enumerate(records, start=1):
        yield record
        if done % 100 == 0 or done == total:
            progress(done, total)


def watermark(projects: Sequence[Project]) -> dict[str, Any]:
    """Say up to where the facts went in, under which licences they came, and from whom.

    Of the people only what they let be published, counted in groups of ten or more.
    """
    judgments = Judgment.objects.filter(project__in=projects, annotator__kind__in=VOTERS)
    last = judgments.aggregate(last=Max("judged_at"))["last"]
    people = profiles.exported_counts(projects)
    trust = feedback.weights_of([project.pk for project in projects])
    return {
        "projects": [
            {
                "slug": project.slug,
                "name": project.name,
                "license": project.license,
                "attribution": project.attribution,
                **({"feedback_weights": trust[project.pk]} if trust[project.pk] else {}),
            }
            for project in projects
        ],
        "judgments": judgments.count(),
        "last_judged_at": last and last.isoformat(),
        **({"people": people} if people else {}),
    }


def publish(version: Version, built: Cut, now: datetime) -> None:
    """Write the manifest and turn the version to done, for good."""
    twins = Version.objects.filter(
        dataset=version.dataset_id, digest=built.digest, state=WorkState.DONE
    ).order_by("number")
    version.digest, version.built_at = built.digest, now
    version.identical_to = twins.values_list("number", flat=True).first()
    version.counts = built.counts
    version.manifest = manifest_of(version, built)
    storage.write_text(
        storage.manifest_path(version),
        json.dumps(version.manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n",
    )
    version.state, version.error = WorkState.DONE, ""
    version.save()


def manifest_of(version: Version, built: Cut) -> dict[str, Any]:
    return {
        "spec": SPEC,
        "dataset": version.dataset.slug,
        "name": version.dataset.name,
        "description": version.dataset.description,
        "version": version.number,
        "identical_to": version.identical_to,
        "digest": bytes(version.digest or b"").hex(),
        "built_at": version.built_at and version.built_at.isoformat(),
        "recipe": version.recipe,
        "counts": version.counts,
        "facts": built.facts,
        "shards": built.shards,
        "libraries": {name: library_version(name) for name in LIBRARIES},
    }
