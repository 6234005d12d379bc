"""What routing knows of a project's comparisons, read as columns: one query for each source."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from annotation.models import Project
from curation.domain.routing.facts import METADATA, Fact, FactKind, Facts, empty_column, fact_named
from curation.domain.signals.registry import signal_named
from curation.domain.signals.signal import Signal
from curation.domain.vocabulary import SignalFamily
from curation.selectors.duplicates import kinds_of_prompts

IDS = """
    SELECT id FROM comparison WHERE project_id = %(project)s {only} ORDER BY id
"""
SIGNALS = """
    SELECT comparison_id, {columns} FROM signals
    WHERE project_id = %(project)s AND family = %(family)s {only}
"""
CASTS = {
    FactKind.NUMBER: "(values->>%({at})s)::float8",
    FactKind.FLAG: "(values->>%({at})s)::boolean::int::float8",
    FactKind.WORD: "values->>%({at})s",
    FactKind.WORDS: "(values->%({at})s)::text",
}
OF_ITEMS = """
    SELECT comparison.id, {columns} FROM comparison JOIN item ON item.id = comparison.item_id
    WHERE comparison.project_id = %(project)s {only}
"""
MODELS = """
    SELECT comparison.id, (
        SELECT array_agg(DISTINCT model_name) FROM response
        WHERE response.id = ANY(response_ids) AND model_name <> ''
    ) FROM comparison WHERE comparison.project_id = %(project)s {only}
"""
PEOPLE = """
    SELECT comparison_id, count(DISTINCT annotator_id)::float8 FROM judgment
    JOIN annotator ON annotator.id = annotator_id AND annotator.kind = 'human'
    WHERE judgment.project_id = %(project)s {only} GROUP BY 1
"""
JUDGED = """
    SELECT comparison_id, 1.0::float8 FROM judgment
    JOIN annotator ON annotator.id = annotator_id AND annotator.kind = 'llm'
    WHERE judgment.project_id = %(project)s {only}
    UNION SELECT comparison_id, 1.0 FROM judge_verdict
    WHERE project_id = %(project)s AND NOT is_trial {only}
"""
FLIPPED = """
    SELECT comparison_id, bool_or(is_flipped)::int::float8 FROM judge_verdict
    WHERE project_id = %(project)s AND NOT is_trial AND is_flipped IS NOT NULL {only}
    GROUP BY comparison_id
"""
# With the very prompt of whoever stands for it, an item is no repeat where prompts are what counts.
REPEATED = """
    SELECT DISTINCT comparison.id, 1.0::float8 FROM comparison
    JOIN duplicate_member member ON member.item_id = comparison.item_id
    JOIN duplicate_group one ON one.id = member.group_id
    LEFT JOIN item_texts own ON own.item_id = comparison.item_id
    LEFT JOIN item_texts its ON its.item_id = one.representative_id
    WHERE comparison.project_id = %(project)s AND one.representative_id <> comparison.item_id
      AND (member.kind <> ALL(%(of_prompts)s)
           OR own.prompt_id IS DISTINCT FROM its.prompt_id)
      {only}
"""
KEYS = {REPEATED: "comparison.id"}  # what else is limited by comparison_id
Column = NDArray[Any]


@dataclass(frozen=True)
class Found:
    """Rows of a query, and the place of each one's comparison."""

    places: NDArray[np.intp]
    rows: list[tuple[Any, ...]]

    def told(self, at: int) -> list[Any]:
        return [row[at] for row in self.rows]


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
    """Reads columns of one project; each query is limited to the comparisons asked for."""

    def __init__(self, project: Project, comparison_ids: Collection[int] | None) -> None:
        self.project = project
        self.values: dict[str, Any] = {"project": project.pk}
        self.is_limited = comparison_ids is not None
        if comparison_ids is not None:
            self.values["ids"] = sorted(comparison_ids)
        self.ids = np.array([pk for (pk,) in self.read(IDS, "id")], dtype=np.int64)

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
        found = self.find(SIGNALS, "comparison_id", listed, family=family.value, **keys)
        return {
            signal.name: self.column(found, kind, at)
            for at, (signal, kind) in enumerate(zip(signals, kinds, strict=True), 1)
        }

    def metadata(self, facts: Sequence[Fact]) -> dict[str, Column]:
        """Columns of what lies in the metadata of items."""
        if not facts:
            return {}
        keys = {f"key{at}": fact.name.removeprefix(METADATA) for at, fact in enumerate(facts)}
        listed = ", ".join(f"(item.metadata->%({key})s)::text" for key in keys)
        found = self.find(OF_ITEMS, "comparison.id", listed, **keys)
        return {fact.name: self.column(found, fact.kind, at) for at, fact in enumerate(facts, 1)}

    def counted(self, query: str, absent: float, **values: Any) -> Column:
        """A column of numbers, `absent` for comparisons that the query does not find."""
        found = self.find(query, KEYS.get(query, "comparison_id"), **values)
        column = np.full(len(self.ids), absent)
        column[found.places] = found.told(1)
        return column

    def column(self, found: Found, kind: FactKind, at: int) -> Column:
        """The values at one place of the rows, put where their comparisons are."""
        column = empty_column(kind, len(self.ids))
        if kind.is_numeric:
            column[found.places] = np.array(found.told(at), dtype=np.float64)
            return column
        read = READ[kind]
        for place, value in zip(found.places.tolist(), found.told(at), strict=True):
            if value is not None:
                column[place] = read(value)
        return column

    def find(self, query: str, key: str, columns: str = "", **values: Any) -> Found:
        """Rows of the comparisons that were there at the start; others may have come since."""
        rows = self.read(query, key, columns, **values)
        ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        places = np.searchsorted(self.ids, ids)
        is_ours = np.append(self.ids, -1)[places] == ids
        if is_ours.all():
            return Found(places, rows)
        return Found(places[is_ours], [rows[at] for at in np.flatnonzero(is_ours)])

    def read(self, query: str, key: str, columns: str = "", **values: Any) -> list[Any]:
        only = f"AND {key} = ANY(%(ids)s)" if self.is_limited else ""
        with connection.cursor() as cursor:
            cursor.execute(query.format(only=only, columns=columns), self.values | values)
            return cursor.fetchall()


def models_of(reader: _Reader) -> Column:
    found = reader.find(MODELS, "comparison.id")
    column = empty_column(FactKind.WORDS, len(reader.ids))
    for place, models in zip(found.places.tolist(), found.told(1), strict=True):
        column[place] = None if models is None else tuple(models)
    return column


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
