"""What routing knows of a project's comparisons, read as columns: one query for each source."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from annotation.models import Project
from annotation.selectors.columns import NUMBERS, TEXTS, columns_of
from curation.domain.routing.facts import METADATA, Fact, FactKind, Facts, empty_column, fact_named
from curation.domain.signals.registry import signal_named
from curation.domain.signals.signal import Signal
from curation.domain.vocabulary import SignalFamily
from curation.selectors.duplicates import kinds_of_prompts

IDS = """
    SELECT id FROM comparison WHERE project_id = %(project)s {only}
"""
SIGNALS = """
    SELECT comparison_id, {columns} FROM signals
    WHERE project_id = %(project)s AND family = %(family)s {only}
"""
CASTS = {
    FactKind.NUMBER: "(values->>%({at})s)::float8",
    FactKind.FLAG: "(values->>%({at})s)::boolean::int",
    FactKind.WORD: "values->>%({at})s",
    FactKind.WORDS: "(values->%({at})s)::text",
}
OF_ITEMS = """
    SELECT comparison.id, {columns} FROM comparison JOIN item ON item.id = comparison.item_id
    WHERE comparison.project_id = %(project)s {only}
"""
MODELS = """
    SELECT comparison.id, (
        SELECT json_agg(DISTINCT model_name)::text FROM response
        WHERE response.id = ANY(response_ids) AND model_name <> ''
    ) FROM comparison WHERE comparison.project_id = %(project)s {only}
"""
PEOPLE = """
    SELECT comparison_id, count(DISTINCT annotator_id) FROM judgment
    JOIN annotator ON annotator.id = annotator_id AND annotator.kind = 'human'
    WHERE judgment.project_id = %(project)s {only} GROUP BY 1
"""
JUDGED = """
    SELECT comparison.id, 1.0 FROM comparison
    WHERE comparison.project_id = %(project)s {only} AND (
        EXISTS (SELECT FROM judge_verdict WHERE comparison_id = comparison.id AND NOT is_trial)
        OR EXISTS (
            SELECT FROM judgment JOIN annotator ON annotator.id = annotator_id
            WHERE comparison_id = comparison.id AND annotator.kind = 'llm'
        )
    )
"""
FLIPPED = """
    SELECT comparison_id, bool_or(is_flipped)::int FROM judge_verdict
    WHERE project_id = %(project)s AND NOT is_trial AND is_flipped IS NOT NULL {only}
    GROUP BY comparison_id
"""
# With the very prompt of whoever stands for it, an item is no repeat where prompts are what counts.
REPEATED = """
    SELECT DISTINCT comparison.id, 1.0 FROM comparison
    JOIN duplicate_member member ON member.item_id = comparison.item_id
    JOIN duplicate_group one ON one.id = member.group_id
    LEFT JOIN item_texts own ON own.item_id = comparison.item_id
    LEFT JOIN item_texts its ON its.item_id = one.representative_id
    WHERE comparison.project_id = %(project)s AND one.representative_id <> comparison.item_id
      AND (member.kind <> ALL(%(of_prompts)s)
           OR own.prompt_id IS DISTINCT FROM its.prompt_id)
      {only}
"""
KEYS = {JUDGED: "comparison.id", REPEATED: "comparison.id"}  # what else is limited by comparison_id
MANY = 10_000  # comparisons: reading the whole project is quicker than naming so many
Column = NDArray[Any]


@dataclass(frozen=True)
class Found:
    """Rows of a query by column, and the place of each one's comparison."""

    places: NDArray[np.intp]
    columns: list[Column]


def facts_of(
    project: Project, names: Collection[str], comparison_ids: Collection[int] | None = None
) -> Facts:
    """Read some facts of a project's comparisons.

    Args:
        names: of facts; there is a column for each.
        comparison_ids: only these; those of other projects are passed over.
    Raises:
        KeyError: there is no fact of this name.
    """
    return _Reader(project, comparison_ids).facts(names)


class _Reader:
    """Reads columns of one project; each query is limited to the comparisons asked for, if few."""

    def __init__(self, project: Project, comparison_ids: Collection[int] | None) -> None:
        self.project = project
        self.values: dict[str, Any] = {"project": project.pk}
        self.is_limited = comparison_ids is not None and len(comparison_ids) < MANY
        if self.is_limited:
            self.values["ids"] = list(comparison_ids or ())
        (ids,) = columns_of(self.limited(IDS, "id"), self.values, [NUMBERS])
        self.ids = np.sort(ids.astype(np.int64))
        if comparison_ids is not None and not self.is_limited:
            self.ids = np.intersect1d(self.ids, list(comparison_ids))

    def facts(self, names: Collection[str]) -> Facts:
        columns: dict[str, Column] = {}
        families: dict[SignalFamily, list[Signal]] = defaultdict(list)
        of_items: list[Fact] = []
        for fact in (_known(name) for name in sorted(set(names))):
            if own := OWN.get(fact.name):
                columns[fact.name] = own(self)
            elif fact.name == "tags" or fact.name.startswith(METADATA):
                of_items.append(fact)
            elif signal := signal_named(fact.name):
                families[signal.family].append(signal)
        for family, signals in families.items():
            columns |= self.signals(family, signals)
        return Facts(self.ids, columns | self.metadata(of_items))

    def signals(self, family: SignalFamily, signals: Sequence[Signal]) -> dict[str, Column]:
        """Columns of one family's signals; a comparison without the family has none known."""
        kinds = [FactKind(signal.kind.value) for signal in signals]
        keys = {f"key{at}": signal.name for at, signal in enumerate(signals)}
        listed = ", ".join(
            CASTS[kind].format(at=key) for kind, key in zip(kinds, keys, strict=True)
        )
        query = self.limited(SIGNALS, "comparison_id", listed)
        found = self.find(query, kinds, family=family.value, **keys)
        return {
            signal.name: self.column(found.places, kind, values)
            for signal, kind, values in zip(signals, kinds, found.columns, strict=True)
        }

    def metadata(self, facts: Sequence[Fact]) -> dict[str, Column]:
        """Columns of what lies in the metadata of items, which may be long."""
        if not facts:
            return {}
        keys = {f"key{at}": fact.name.removeprefix(METADATA) for at, fact in enumerate(facts)}
        listed = ", ".join(f"(item.metadata->%({key})s)::text" for key in keys)
        with connection.cursor() as cursor:
            cursor.execute(self.limited(OF_ITEMS, "comparison.id", listed), self.values | keys)
            rows = cursor.fetchall()
        ids, *told = (objects(row[at] for row in rows) for at in range(len(facts) + 1))
        found = self.found(ids.astype(np.int64), told)
        return {
            fact.name: self.column(found.places, fact.kind, values)
            for fact, values in zip(facts, found.columns, strict=True)
        }

    def counted(self, query: str, absent: float, **values: Any) -> Column:
        """A column of numbers, `absent` for comparisons that the query does not find."""
        query = self.limited(query, KEYS.get(query, "comparison_id"))
        found = self.find(query, [FactKind.NUMBER], **values)
        column = np.full(len(self.ids), absent)
        column[found.places] = found.columns[0]
        return column

    def column(self, places: NDArray[np.intp], kind: FactKind, values: Column) -> Column:
        """The values put where their comparisons are."""
        column = empty_column(kind, len(self.ids))
        column[places] = values if kind.is_numeric else each_read(values, READ[kind])
        return column

    def find(self, query: str, kinds: Sequence[FactKind], **values: Any) -> Found:
        packed = [NUMBERS if kind.is_numeric else TEXTS for kind in kinds]
        ids, *told = columns_of(query, self.values | values, [NUMBERS, *packed])
        return self.found(ids.astype(np.int64), told)

    def found(self, ids: NDArray[np.int64], told: Sequence[Column]) -> Found:
        """Rows of the comparisons that were there at the start; others may have come since."""
        places = np.searchsorted(self.ids, ids)
        is_ours = np.append(self.ids, -1)[places] == ids
        return Found(places[is_ours], [one[is_ours] for one in told])

    def limited(self, query: str, key: str, columns: str = "") -> str:
        only = f"AND {key} = ANY(%(ids)s)" if self.is_limited else ""
        return query.format(only=only, columns=columns)


def models_of(reader: _Reader) -> Column:
    found = reader.find(reader.limited(MODELS, "comparison.id"), [FactKind.WORDS])
    return reader.column(found.places, FactKind.WORDS, found.columns[0])


def repeats_of(reader: _Reader) -> Column:
    kinds = sorted(kinds_of_prompts(reader.project.pk))
    return reader.counted(REPEATED, 0.0, of_prompts=kinds)


OWN: dict[str, Callable[[_Reader], Column]] = {
    "models": models_of,
    "n_people": lambda reader: reader.counted(PEOPLE, 0.0),
    "has_judge_verdict": lambda reader: reader.counted(JUDGED, 0.0),
    "judge_flipped": lambda reader: reader.counted(FLIPPED, np.nan),
    "is_duplicate": repeats_of,
}


def each_read(written: Column, read: Callable[[str], Any]) -> Column:
    """Read texts, each different one once; None stays."""
    known = {text: read(text) for text in set(written.tolist()) - {None}} | {None: None}
    return objects(known[text] for text in written.tolist())


def objects(values: Iterable[Any]) -> Column:
    """An array of any objects; lists and tuples, too, are one value each."""
    return np.fromiter(values, dtype=object)


def words_in(written: str) -> tuple[str, ...] | None:
    """Read a JSON list of texts; a single text is a list of one, anything else is not known."""
    value = orjson.loads(written)
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return None
    return tuple(one for one in value if isinstance(one, str))


def any_value(written: str) -> Any:
    """Read a JSON value; a list as a tuple, null and objects as not known."""
    value = orjson.loads(written)
    if isinstance(value, dict):
        return None
    return tuple(value) if isinstance(value, list) else value


READ: dict[FactKind, Callable[[str], Any]] = {
    FactKind.WORD: str,
    FactKind.WORDS: words_in,
    FactKind.METADATA: any_value,
}


def _known(name: str) -> Fact:
    fact = fact_named(name)
    if fact is None:
        raise KeyError(name)
    return fact
