"""The JSON schema that a judge's answer must follow, in the subset that strict servers take.

Properties are written in this order, so the explanation comes before the verdict that it leads to.
The schema is the same for every call of a template on comparisons of a size: servers compile it
once.
"""

from typing import Any

from annotation.domain.judges.questions import Asked, JudgedCriterion, Template, criteria_of
from annotation.domain.vocabulary import CriterionKind

TIE, BOTH_BAD, RANKED, ALL_BAD = "tie", "both_bad", "ranked", "all_bad"
MOST_LISTED = 50  # longer scales are given by their ends


def verdict_words(asked: Asked) -> tuple[str, ...]:
    """List what a verdict on two answers may say: a letter, or what the project offers besides."""
    offered = ((TIE, asked.allows_tie), (BOTH_BAD, asked.allows_both_bad))
    return (*asked.letters, *(word for word, is_offered in offered if is_offered))


def schema_of(template: Template, asked: Asked) -> dict[str, Any]:
    """Write the schema of the whole answer."""
    properties: dict[str, Any] = {"nonce": {"type": "string"}}
    if template.asks_why:
        properties["why"] = {"type": "string"}
    if criteria := criteria_of(template, asked):
        properties["criteria"] = closed(
            {criterion.key: criterion_schema(criterion, asked) for criterion in criteria}
        )
    return closed(properties | verdict_schemas(asked))


def verdict_schemas(asked: Asked) -> dict[str, Any]:
    """Write the properties of the overall verdict: one word for two answers, else places."""
    if len(asked.answers) == 2:
        return {"verdict": one_of(verdict_words(asked))}
    verdict = {"verdict": one_of((RANKED, ALL_BAD))} if asked.allows_both_bad else {}
    return verdict | {"places": places_schema(asked)}


def criterion_schema(criterion: JudgedCriterion, asked: Asked) -> dict[str, Any]:
    if criterion.kind == CriterionKind.RATING:
        rating = whole(criterion.scale_min, criterion.scale_max)
        return closed(dict.fromkeys(asked.letters, rating))
    if len(asked.answers) > 2:
        return places_schema(asked)
    return one_of(tuple(word for word in verdict_words(asked) if word != BOTH_BAD))


def places_schema(asked: Asked) -> dict[str, Any]:
    place = whole(1, len(asked.answers))
    return closed(dict.fromkeys(asked.letters, place))


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def one_of(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def whole(lowest: int, highest: int) -> dict[str, Any]:
    if highest - lowest < MOST_LISTED:
        return {"type": "integer", "enum": list(range(lowest, highest + 1))}
    return {"type": "integer", "minimum": lowest, "maximum": highest}
