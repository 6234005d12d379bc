"""Items and judgments in the JSON Lines that Quorum imports: what went in comes out again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from annotation.domain.consensus import TIE
from annotation.domain.content import chat_messages, text_of
from annotation.domain.vocabulary import Outcome
from curation.domain.recipes import Recipe
from curation.domain.records import Record

ITEMS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("prompt", pa.string()),
        ("messages", pa.string()),
        ("responses", pa.string()),
        ("meta", pa.string()),
    ]
)
VOTES = pa.schema(
    [
        ("id", pa.string()),
        ("item_id", pa.string()),
        ("annotator", pa.string()),
        ("kind", pa.string()),
        ("model", pa.string()),
        ("choice", pa.string()),
        ("strength", pa.int32()),
        ("ranking", pa.string()),
        ("ratings", pa.string()),
        ("aspects", pa.string()),
        ("rationale", pa.string()),
        ("seconds", pa.float64()),
        ("position_swapped", pa.bool_()),
        ("meta", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("judged_at", pa.string()),
        ("confidence", pa.int32()),
        ("tags", pa.string()),
        ("spans", pa.string()),
        ("responses", pa.string()),
    ]
)

Row = dict[str, Any]
Rows = Iterator[tuple[Row | None, str]]


def item_rows(record: Record, recipe: Recipe) -> Rows:
    """Write an item in the schema of imports, its texts byte for byte.

    A conversation of one user turn is written as `prompt`, any other as `messages`.
    """
    metadata = dict(record["metadata"])
    source = metadata.pop("source", None)
    yield (
        {
            "id": record["item"],
            **({} if source is None else {"source": source}),
            **prompt_fields(record["messages"]),
            "responses": [response_fields(response) for response in record["responses"]],
            "meta": metadata,
        },
        "",
    )


def prompt_fields(messages: Sequence[Mapping[str, Any]]) -> Row:
    turns = chat_messages(messages)  # type: ignore[arg-type]
    if len(turns) == 1 and turns[0]["role"] == "user" and isinstance(turns[0]["content"], str):
        return {"prompt": turns[0]["content"]}
    return {"messages": turns}


def response_fields(response: Record) -> Row:
    own = {"messages": chat_messages(response["messages"])} if response["messages"] else {}
    origin = {"revision_of": response["revision_of"]} if response["revision_of"] else {}
    return {
        "id": response["response"],
        "text": text_of(response["content"]),
        "model": response["model"] or None,
        **response["metadata"],
        **own,
        **origin,
    }


def vote_rows(record: Record, recipe: Recipe) -> Rows:
    """Write the judgments in force in the schema of imports; corrected ones are "superseded".

    What users' feedback implies follows, of kind "user": it is no vote, `import_judgments` refuses
    it, and how far each kind of feedback is to be trusted is in the version's manifest.
    """
    for comparison in record["comparisons"]:
        said = [*comparison["judgments"], *comparison.get("feedback", [])]
        superseded = {judgment["supersedes"] for judgment in said}
        for judgment in said:
            if judgment["judgment"] in superseded:
                yield None, "superseded"
            else:
                yield vote_row(record, comparison, judgment), ""


def vote_row(record: Record, comparison: Record, judgment: Record) -> Row:
    order = comparison["responses"]
    choice = choice_of(judgment["ranking"], order) if len(record["responses"]) == 2 else None
    ratings = ratings_of(judgment["criteria"])
    return {
        "id": judgment["judgment"],
        "item_id": record["item"],
        "annotator": judgment["annotator"],
        "kind": judgment["kind"],
        "model": judgment["model"] or None,
        "choice": choice,
        "strength": judgment["strength"],
        "ranking": judgment["ranking"] or None if choice is None else None,
        "ratings": ratings or None,
        "aspects": aspects_of(judgment["criteria"], order) or None,
        "rationale": judgment["rationale"],
        "seconds": judgment["active_seconds"],
        "position_swapped": is_swapped(order, judgment["shown_order"]),
        "meta": judgment["metadata"] or None,
        **beside(record, comparison, judgment, bool(ratings)),
    }


def beside(record: Record, comparison: Record, judgment: Record, is_rated: bool) -> Row:
    """Add what only some votes have, each field just where it says something."""
    outcome = judgment["outcome"]
    is_plain = outcome == Outcome.RANKED or (outcome == Outcome.UNPARSED and not is_rated)
    is_whole = len(comparison["responses"]) == len(record["responses"])
    fields = {
        "outcome": None if is_plain else outcome,
        "reason": judgment["reason"],
        "judged_at": judgment["judged_at"],
        "confidence": judgment["confidence"],
        "tags": judgment["tags"],
        "spans": judgment["spans"],
        "responses": None if is_whole or judgment["ranking"] else comparison["responses"],
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def choice_of(tiers: Sequence[Sequence[str]], order: Sequence[str]) -> int | str | None:
    """Spell tiers as the place of the one best response or "tie"; None where that loses some."""
    if len(tiers) == 1:
        return TIE
    if len(tiers) == 2 and len(tiers[0]) == 1:
        return list(order).index(tiers[0][0])
    return None


def is_swapped(order: Sequence[str], shown: Sequence[str] | None) -> bool | None:
    """Say whether the responses were shown in reverse; None where they were in another order."""
    orders = {tuple(order): False, tuple(reversed(order)): True}
    return None if shown is None else orders.get(tuple(shown))


def ratings_of(criteria: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    rated: dict[str, dict[str, float]] = {}
    for key, answer in criteria.items():
        for response, rating in answer.get("ratings", {}).items():
            rated.setdefault(response, {})[key] = rating
    return rated


def aspects_of(
    criteria: Mapping[str, Mapping[str, Any]], order: Sequence[str]
) -> dict[str, int | str]:
    choices = {
        key: choice_of(answer["ranking"], order)
        for key, answer in criteria.items()
        if answer.get("ranking")
    }
    return {key: choice for key, choice in choices.items() if choice is not None}
