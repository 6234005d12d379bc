"""Shows what an import would read, without writing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from annotation.domain.content import text_of
from annotation.domain.errors import DomainError
from annotation.domain.importing.items import ItemRecord
from annotation.domain.importing.refusals import RefusedLine
from annotation.domain.importing.sources import open_source
from annotation.domain.importing.votes import VoteRecord
from annotation.domain.vocabulary import ImportKind
from annotation.services.importing.reading import Reading, guessed_mapping, readings

PREVIEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file as they would be imported.

    `columns` are the names in the first row; `mapping` is {} for the interchange schema.
    """

    columns: list[str]
    mapping: dict[str, str]
    rows: list[Reading]

    @property
    def n_refused(self) -> int:
        return sum(reading.refusal is not None for reading in self.rows)


def excerpts(reading: Reading) -> list[tuple[str, str]]:
    """What the record of a line holds, as (name, text) for people to look at."""
    match reading.record:
        case ItemRecord() as item:
            answers = [
                (answer.model_name or f"response {place}", text_of(answer.content))
                for place, answer in enumerate(item.responses, 1)
            ]
            return [("id", item.external_id), ("prompt", last_text(item)), *answers]
        case VoteRecord() as vote:
            said = vote.outcome or vote.ranking or vote.choice
            named = {"item": vote.item_id, "annotator": vote.annotator, "kind": vote.kind}
            what = {"vote": "unparsed" if said in (None, []) else str(said), "why": vote.rationale}
            return [(name, text) for name, text in (named | what).items() if text]
    return []


def last_text(item: ItemRecord) -> str:
    return text_of(item.messages[-1]["content"])


class FileGone(DomainError):
    """What was uploaded is not there to be read."""

    code, status = "file_gone", 409


def preview(*, path: Path, name: str, kind: ImportKind, mapping: Mapping[str, str]) -> Preview:
    """Read the first rows of a file under a mapping; {} guesses one.

    Raises:
        FileGone: there is no such file any more.
    """
    if not path.is_file():
        raise FileGone(f"The file {name} is not on the server any more; upload it again.")
    source = open_source(path, name=name)
    first = next((row.value for row in source.rows if row.refusal is None), {})
    used = dict(mapping) or guessed_mapping(path, name=name, kind=kind)
    rows = readings(path, name=name, kind=kind, mapping=used)
    return Preview(list(first), used, list(islice(rows, PREVIEW_ROWS)))


def as_json(shown: Preview) -> dict[str, Any]:
    """Spell a preview out for machines."""
    return {
        "columns": shown.columns,
        "mapping": shown.mapping,
        "lines": [
            {"line": reading.row.line, "refused": refusal_json(reading.refusal)}
            for reading in shown.rows
        ],
    }


def refusal_json(refusal: RefusedLine | None) -> dict[str, str] | None:
    if refusal is None:
        return None
    return {"field": refusal.field, "rule": refusal.rule, "detail": refusal.detail}
