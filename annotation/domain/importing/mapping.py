"""From a file's own columns to our fields: guessed from their names, fixed by hand, then applied.

A mapping is `{our field: path of the column}`; a path goes into nested values with dots, as in
`completions.0.text`. An empty mapping reads the interchange schema itself, where unknown fields are
refused. In a mapped file, what is not mapped is left out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from annotation.domain.importing.items import RESPONSES_MAX, digest
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.domain.vocabulary import AnnotatorKind, ImportKind

META = "meta."
NUMBERS = range(1, RESPONSES_MAX + 1)
LETTERS = dict(zip(NUMBERS, "abcdefghi", strict=True))
WINNER, LOSER = "chosen", "rejected"

# Our field → names that files give it, the first one present wins.
ITEM_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "item_id", "external_id", "prompt_id", "question_id", "uid"),
    "prompt": ("prompt", "question", "instruction", "query", "context", "input"),
    "messages": ("messages",),
    "source": ("source",),
    "meta": ("meta", "metadata"),
} | {
    f"{ours}_{number}": tuple(
        f"{theirs}{gap}{mark}"
        for theirs in names
        for gap in ("_", "")
        for mark in (number, LETTERS[number])
    )
    + extra.get(number, ())
    for ours, names, extra in (
        (
            "response",
            ("response", "answer", "completion", "output"),
            {1: (WINNER,), 2: (LOSER,)},
        ),
        ("model", ("model", "generator"), {1: ("chosen_model",), 2: ("rejected_model",)}),
        ("response_id", ("response_id",), {}),
        ("author", ("author",), {}),
    )
    for number in NUMBERS
}
VOTE_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "vote_id", "judgment_id", "external_id"),
    "item_id": ("item_id", "item", "task_id", "pair_id", "question_id"),
    "annotator": ("annotator", "annotator_id", "worker", "worker_id", "rater", "user", "judge"),
    "kind": ("kind",),
    "model": ("model",),
    "choice": ("choice", "winner", "preference", "vote", "label"),
    "strength": ("strength",),
    "ranking": ("ranking",),
    "ratings": ("ratings",),
    "aspects": ("aspects",),
    "rationale": ("rationale", "reason_text", "comment", "justification", "feedback"),
    "seconds": ("seconds", "duration"),
    "position_swapped": ("position_swapped",),
    "outcome": ("outcome",),
    "reason": ("reason",),
    "judged_at": ("judged_at", "submitted_at", "created_at", "timestamp"),
    "confidence": ("confidence",),
    "tags": ("tags",),
    "spans": ("spans",),
    "responses": ("responses",),
    "meta": ("meta", "metadata"),
}
COLUMNS = {ImportKind.ITEMS: ITEM_COLUMNS, ImportKind.JUDGMENTS: VOTE_COLUMNS}
STRUCTURED = frozenset(
    ["messages", "meta", "ranking", "ratings", "aspects", "tags", "spans", "responses"]
)
CHOICE_WORDS: dict[str, Any] = {
    **dict.fromkeys(("a", "model_a", "response_a", "left"), 0),
    **dict.fromkeys(("b", "model_b", "response_b", "right"), 1),
    "tie": "tie",
    "equal": "tie",
    "draw": "tie",
    "both_bad": "both_bad",
    "tie (bothbad)": "both_bad",
}
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def guess_mapping(columns: Iterable[str], kind: ImportKind, *, is_table: bool) -> dict[str, str]:
    """Guess a mapping from the names in a file's first row.

    Returns:
        {} for the interchange schema, and where too little is recognised to map anything; else the
        guess, with every column that has no field of ours kept below `meta.`.
    """
    names = list(columns)
    is_schema = "responses" in names if kind is ImportKind.ITEMS else "item_id" in names
    if is_schema and not is_table:
        return {}
    found = {
        field: next(candidate for candidate in candidates if candidate in names)
        for field, candidates in COLUMNS[kind].items()
        if not set(candidates).isdisjoint(names)
    }
    if not is_usable(found, kind):
        return {}
    rest = [name for name in names if name not in found.values()]
    return found | {META + name: name for name in rest}


def is_usable(mapping: Mapping[str, str], kind: ImportKind) -> bool:
    if kind is ImportKind.JUDGMENTS:
        return "item_id" in mapping and "annotator" in mapping
    has_prompt = "prompt" in mapping or "messages" in mapping
    return has_prompt and "response_1" in mapping and "response_2" in mapping


def check_mapping(mapping: Any, kind: ImportKind) -> dict[str, str]:
    """Refuse a mapping that names fields which do not exist.

    Raises:
        LineRefused: rule unknown_field or wrong_type.
    """
    if not isinstance(mapping, dict) or not all(
        isinstance(name, str) for pair in mapping.items() for name in pair
    ):
        raise LineRefused("wrong_type", "A mapping is {our field: column}, both texts.", "mapping")
    for field in mapping:
        if field not in COLUMNS[kind] and not field.startswith(META):
            listed = ", ".join(COLUMNS[kind])
            raise LineRefused("unknown_field", f"“{field}” is none of {listed}, meta.….", "mapping")
    return mapping


def mapped(
    mapping: Mapping[str, str], row: Mapping[str, Any], kind: ImportKind, *, is_text: bool
) -> Mapping[str, Any]:
    """Bring a row into the interchange schema.

    Args:
        is_text: every cell is a text, as in CSV; numbers and lists must be read from it.
    Raises:
        LineRefused: a cell cannot be read as what its field holds.
    """
    if not mapping:
        return row
    values = {field: value_at(row, path) for field, path in mapping.items()}
    if is_text:
        values = {field: cell_value(field, text, kind) for field, text in values.items()}
    extra = {
        field.removeprefix(META): values.pop(field) for field in mapping if field.startswith(META)
    }
    record = (item_record if kind is ImportKind.ITEMS else vote_record)(values, mapping)
    if extra:
        record["meta"] = (record.get("meta") or {}) | extra
    if kind is ImportKind.ITEMS and record.get("id") in (None, ""):
        record["id"] = digest(record).hex()[:32]
    return record


def value_at(row: Mapping[str, Any], path: str) -> Any:
    if path in row:
        return row[path]
    value: Any = row
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def cell_value(field: str, text: Any, kind: ImportKind) -> Any:
    """Read a text cell as what the field holds; an empty cell of an optional field is null."""
    if not isinstance(text, str):
        return None
    if field in STRUCTURED:
        return read_cell(field, text, lambda: loads_strict(text.encode()))
    if kind is ImportKind.JUDGMENTS and field in VOTE_CELLS:
        return read_cell(field, text, lambda: VOTE_CELLS[field](text))
    is_further = field.startswith("response_") and field[-1] not in "12"
    return None if is_further and not text else text


def read_cell(field: str, text: str, read: Callable[[], Any]) -> Any:
    if not text:
        return None
    try:
        return read()
    except (ValueError, KeyError) as error:
        raise LineRefused("wrong_type", f"“{text[:40]}” cannot be read here.", field) from error
    except LineRefused as refused:
        raise LineRefused(refused.rule, refused.detail, field) from refused


def choice_cell(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() else CHOICE_WORDS[text.lower()]


VOTE_CELLS: dict[str, Callable[[str], Any]] = {
    "choice": choice_cell,
    "strength": int,
    "confidence": int,
    "seconds": float,
    "position_swapped": lambda text: TRUTHS[text.lower()],
}


def item_record(values: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {
        field: values[field] for field in ("source", "meta") if field in values
    }
    if values.get("id") is not None:
        record["id"] = str(values["id"])
    for field in ("prompt", "messages"):
        if values.get(field) is not None:
            # A conversation may stand in the column of the prompt.
            record["messages" if isinstance(values[field], list) else field] = values[field]
    record["responses"] = [
        response_record(values, number)
        for number in NUMBERS
        if values.get(f"response_{number}") is not None
    ]
    if (mapping.get("response_1"), mapping.get("response_2")) == (WINNER, LOSER):
        record["meta"] = {"gold": 0, "gold_by": "columns chosen and rejected"} | (
            record.get("meta") or {}
        )
    return record


def response_record(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    text = values[f"response_{number}"]
    own = {"text": text}
    if isinstance(text, list) and text and isinstance(text[-1], dict):
        own = {"text": text[-1].get("content")} | ({"messages": text} if len(text) > 1 else {})
    named = {"id": values.get(f"response_id_{number}") or f"response-{number}"}
    return (
        own
        | named
        | {
            field: values[f"{field}_{number}"]
            for field in ("model", "author")
            if values.get(f"{field}_{number}")
        }
    )


def vote_record(values: dict[str, Any], _: Mapping[str, str]) -> dict[str, Any]:
    record = {field: value for field, value in values.items() if value is not None}
    choice = record.get("choice")
    if isinstance(choice, str):
        record["choice"] = CHOICE_WORDS.get(choice.lower(), choice)
    for field in ("id", "item_id", "annotator"):
        if field in record:
            record[field] = str(record[field])
    kind = AnnotatorKind.LLM if record.get("model") else AnnotatorKind.HUMAN
    record.setdefault("kind", kind.value)
    return record
