"""Takes in numbers that were worked out elsewhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.importing.refusals import LineRefused, RefusedLine
from annotation.domain.importing.sources import open_source
from annotation.models import Comparison, Item, Project, Response
from curation.domain.signals.rows import SignalRow, signal_row
from curation.domain.vocabulary import SignalFamily
from curation.models import ImportedSignal
from curation.services.signals import requests

BATCH = 2_000
SOURCE_MAX, VERSION_MAX = 200, 100
Subject = tuple[int, int | None, int | None, str]


class SignalsRefused(DomainError):
    """A request for several signals holds a bad one; none was written."""

    code = "signals_refused"

    @classmethod
    def because(cls, refused: RefusedLine) -> "SignalsRefused":
        error = cls(refused.detail, field=refused.field, line=refused.line)
        error.code = refused.rule
        return error


@dataclass(frozen=True, slots=True)
class Origin:
    """By what imported values were worked out."""

    source: str
    version: str = ""


@dataclass(slots=True)
class Taken:
    """What became of a file or a request."""

    n_written: int = 0
    n_unchanged: int = 0
    refused: list[RefusedLine] = field(default_factory=list)

    def add(self, other: "Taken") -> None:
        self.n_written += other.n_written
        self.n_unchanged += other.n_unchanged
        self.refused += other.refused


def origin_of(source: str, version: str) -> Origin:
    """Check who worked the values out.

    Raises:
        InvalidField: no source is named, or a name is too long.
    """
    if not source.strip():
        raise InvalidField("Say by what the values were worked out.", field="source")
    if len(source) > SOURCE_MAX or len(version) > VERSION_MAX or "\0" in source + version:
        raise InvalidField(
            f"A source has up to {SOURCE_MAX} characters, a version up to {VERSION_MAX}.",
            field="source",
        )
    return Origin(source.strip(), version.strip())


def import_file(
    *,
    project: Project,
    path: Path,
    name: str,
    origin: Origin,
    now: datetime,
    progress: Callable[[Taken], None] | None = None,
) -> Taken:
    """Import a file of JSON Lines, CSV or Parquet, packed with gzip or not, batch by batch.

    Every good line is taken and every bad one listed; each batch is written in one transaction.
    Safe to repeat: what is there already with the same value and origin counts as unchanged.
    """
    taken = Taken()
    for rows, refused in batches(path, name):
        taken.refused += refused
        taken.add(write(project=project, rows=rows, origin=origin, now=now))
        if progress:
            progress(taken)
    taken.refused.sort(key=lambda one: one.line)
    return taken


def batches(path: Path, name: str) -> Iterator[tuple[list[SignalRow], list[RefusedLine]]]:
    source = open_source(path, name=name)
    rows: list[SignalRow] = []
    refused: list[RefusedLine] = []
    for row in source.rows:
        if row.refusal:
            refused.append(row.refusal)
        else:
            try:
                rows.append(signal_row(row.value, row.line, is_text=source.is_text))
            except LineRefused as error:
                refused.append(error.at(row.line))
        if len(rows) + len(refused) >= BATCH:
            yield rows, refused
            rows, refused = [], []
    yield rows, refused


def import_rows(
    *, project: Project, records: Sequence[Mapping[str, Any]], origin: Origin, now: datetime
) -> Taken:
    """Write values given as JSON, all of them or none. Safe to repeat.

    Raises:
        SignalsRefused: a record breaks a rule; `line` counts the records from 1.
    """
    rows = []
    for place, record in enumerate(records, 1):
        try:
            rows.append(signal_row(record, place))
        except LineRefused as error:
            raise SignalsRefused.because(error.at(place)) from error
    with transaction.atomic():
        taken = write(project=project, rows=rows, origin=origin, now=now)
        if taken.refused:
            raise SignalsRefused.because(taken.refused[0])
    return taken


def write(*, project: Project, rows: Sequence[SignalRow], origin: Origin, now: datetime) -> Taken:
    """Write checked values in one transaction, and ask for the signals that rest on them.

    A later value about the same subject under the same name takes the earlier one's place.
    """
    taken = Taken()
    with transaction.atomic():
        found = Subjects(project, rows)
        values: dict[Subject, float] = {}
        for row in rows:
            try:
                values[found.subject_of(row)] = row.value
            except LineRefused as refused:
                taken.refused.append(refused.at(row.line))
        fresh = changed(values, origin)
        save(project, fresh, origin, now)
        ask_for(fresh, now)
    taken.n_written = len(fresh)
    taken.n_unchanged = len(rows) - len(taken.refused) - len(fresh)
    return taken


class Subjects:
    """The items, responses and comparisons that some rows name."""

    def __init__(self, project: Project, rows: Sequence[SignalRow]) -> None:
        named = Item.objects.filter(project=project, external_id__in={row.item for row in rows})
        self.items = dict(named.values_list("external_id", "pk"))
        self.responses: dict[tuple[int, str | int], int] = {}
        with_response = {row.item for row in rows if row.response is not None} & self.items.keys()
        found = Response.objects.filter(item__in={self.items[name] for name in with_response})
        listed = list(found.values_list("pk", "item_id", "external_id", "position"))
        for pk, item, name, place in listed:
            self.responses[item, name] = self.responses[item, place] = pk
        for pk, item, _, place in listed:  # CSV knows no numbers; a name goes before a place
            self.responses.setdefault((item, str(place)), pk)
        numbers = {row.comparison for row in rows if row.comparison is not None}
        compared = Comparison.objects.filter(project=project, pk__in=numbers)
        self.comparisons = dict(compared.values_list("pk", "item_id"))

    def subject_of(self, row: SignalRow) -> Subject:
        """Find what a row is about.

        Raises:
            LineRefused: it is not in this project.
        """
        item = self.items.get(row.item)
        if item is None:
            raise LineRefused("unknown_item", f"There is no item “{row.item}” here.", "item")
        response = None
        if row.response is not None:
            response = self.responses.get((item, row.response))
            if response is None:
                detail = f"Item “{row.item}” has no response “{row.response}”."
                raise LineRefused("unknown_response", detail, "response")
        if row.comparison is not None and self.comparisons.get(row.comparison) != item:
            detail = f"Item “{row.item}” has no comparison {row.comparison}."
            raise LineRefused("unknown_comparison", detail, "comparison")
        return item, response, row.comparison, row.name


def changed(values: Mapping[Subject, float], origin: Origin) -> dict[Subject, float]:
    """Keep the values that are not there already, of the same origin."""
    names = {name for *_, name in values}
    there = ImportedSignal.objects.filter(item__in={item for item, *_ in values}, name__in=names)
    same = there.filter(source=origin.source, version=origin.version)
    known: dict[Subject, float] = {
        (item, response, comparison, name): value
        for item, response, comparison, name, value in same.values_list(
            "item_id", "response_id", "comparison_id", "name", "value"
        )
    }
    return {subject: value for subject, value in values.items() if known.get(subject) != value}


def save(project: Project, values: Mapping[Subject, float], origin: Origin, now: datetime) -> None:
    ImportedSignal.objects.bulk_create(
        [
            ImportedSignal(
                project=project,
                item_id=item,
                response_id=response,
                comparison_id=comparison,
                name=name,
                value=value,
                source=origin.source,
                version=origin.version,
                imported_at=now,
            )
            for (item, response, comparison, name), value in sorted(values.items(), key=str)
        ],
        update_conflicts=True,
        unique_fields=["item", "response", "comparison", "name"],
        update_fields=["value", "source", "version", "imported_at"],
    )


def ask_for(values: Mapping[Subject, float], now: datetime) -> None:
    items = {item for item, *_ in values}
    touched = Comparison.objects.filter(Q(item__in=items) | Q(other_item__in=items))
    requests.ask(
        comparison_ids=list(touched.values_list("pk", flat=True)),
        families=[SignalFamily.IMPORTED],
        now=now,
    )
