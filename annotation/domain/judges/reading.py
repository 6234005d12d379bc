"""What a judge's answer says, if it says anything: a verdict or a typed status, never a guess.

A verdict comes from one strict JSON object of exactly the schema that was asked for, with this
call's nonce in it. Free text is never searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.domain.judges.completions import LONGEST_BODY as LONGEST_BODY
from annotation.domain.judges.completions import AnswerRejected, content_of
from annotation.domain.judges.completions import body_of as body_of
from annotation.domain.judges.completions import usage_of as usage_of
from annotation.domain.judges.questions import Asked, JudgedCriterion, Template, criteria_of
from annotation.domain.judges.schemas import (
    ALL_BAD,
    BOTH_BAD,
    RANKED,
    TIE,
    verdict_words,
)
from annotation.domain.vocabulary import AnswerStatus, CriterionKind, Outcome

LONGEST_CONTENT = 200_000  # characters; 32,000 tokens are about 130,000
LONGEST_WHY = 20_000  # characters, as of a person's rationale

Tiers = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Said:
    """A verdict. Answers are named by their place in the order shown, from 0.

    `tiers` is empty for both bad. `criteria` maps a criterion's key to `{"ranking": [[place]…]}` or
    `{"ratings": {"place": whole number}}`.
    """

    outcome: Outcome
    tiers: Tiers = ()
    criteria: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the JSON value that `from_json` reads."""
        return {
            "outcome": self.outcome.value,
            "tiers": [list(tier) for tier in self.tiers],
            "criteria": dict(self.criteria),
            "why": self.why,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Said":
        """Read what `as_json` wrote."""
        tiers = tuple(tuple(tier) for tier in value["tiers"])
        return cls(Outcome(value["outcome"]), tiers, value["criteria"], value["why"])


@dataclass(frozen=True)
class Reading:
    """What an answer was worth. Only a usable one says something; `detail` tells why not."""

    status: AnswerStatus
    said: Said | None = None
    detail: str = ""


def read_answer(body: Any, *, template: Template, asked: Asked, nonce: str) -> Reading:
    """Read the verdict from the body of a chat completion.

    Args:
        body: the parsed JSON; anything else (None, a text) is malformed.
        nonce: what the request carried.
    """
    try:
        content = content_of(body)
        said = verdict_of(object_in(content), template, asked, nonce)
    except AnswerRejected as rejected:
        return Reading(rejected.status, None, rejected.detail)
    return Reading(AnswerStatus.USABLE, said)


def object_in(content: str) -> dict[str, Any]:
    """Parse the message as one strict JSON object, with nothing around it but white space."""
    if len(content) > LONGEST_CONTENT:
        raise AnswerRejected(f"The message is longer than {LONGEST_CONTENT:,} characters.")
    try:
        value = loads_strict(content.encode())
    except UnicodeEncodeError as error:
        raise AnswerRejected("The message holds half of a surrogate pair.") from error
    except LineRefused as refused:
        raise AnswerRejected(f"The message is not one JSON object: {refused.detail}") from refused
    if not isinstance(value, dict):
        raise AnswerRejected("The message is JSON, but no object.")
    return value


def verdict_of(answer: dict[str, Any], template: Template, asked: Asked, nonce: str) -> Said:
    """Check an answer against the schema of `schemas.schema_of` and the call's nonce."""
    criteria = criteria_of(template, asked)
    is_pair = len(asked.answers) == 2
    parts = (
        ("nonce", True),
        ("why", template.asks_why),
        ("criteria", bool(criteria)),
        ("verdict", is_pair or asked.allows_both_bad),
        ("places", not is_pair),
    )
    check_keys(answer, "The answer", [name for name, is_asked in parts if is_asked])
    if answer["nonce"] != nonce:
        raise AnswerRejected("“nonce” is not the code of this call.")
    outcome, tiers = overall(answer, asked)
    return Said(outcome, tiers, criteria_said(answer, criteria, asked), why_said(answer))


def overall(answer: dict[str, Any], asked: Asked) -> tuple[Outcome, Tiers]:
    if len(asked.answers) == 2:
        word = word_in(answer["verdict"], "verdict", verdict_words(asked))
        return (Outcome.BOTH_BAD, ()) if word == BOTH_BAD else (Outcome.RANKED, tiers_of(word))
    word = RANKED
    if asked.allows_both_bad:
        word = word_in(answer["verdict"], "verdict", (RANKED, ALL_BAD))
    tiers = placed(answer["places"], "places", asked, may_tie=word == ALL_BAD or asked.allows_tie)
    return (Outcome.BOTH_BAD, ()) if word == ALL_BAD else (Outcome.RANKED, tiers)


def tiers_of(word: str) -> Tiers:
    """Turn a verdict on two answers into tiers of places."""
    if word == TIE:
        return ((0, 1),)
    return ((0,), (1,)) if word == "A" else ((1,), (0,))


def placed(value: Any, path: str, asked: Asked, *, may_tie: bool) -> Tiers:
    """Read places (1 is best) into tiers; equal places are one tier, gaps mean nothing."""
    places = numbers_in(value, path, asked.letters, 1, len(asked.answers))
    tiers = tuple(
        tuple(n for n, place in enumerate(places) if place == rank) for rank in sorted(set(places))
    )
    if not may_tie and len(tiers) < len(places):
        raise AnswerRejected(f"“{path}” holds a tie, which is not offered.")
    return tiers


def why_said(answer: dict[str, Any]) -> str:
    why = answer.get("why", "")
    if not isinstance(why, str):
        raise AnswerRejected("“why” is no text.")
    if len(why) > LONGEST_WHY:
        raise AnswerRejected(f"“why” is longer than {LONGEST_WHY:,} characters.")
    return why


def criteria_said(
    answer: dict[str, Any], criteria: Sequence[JudgedCriterion], asked: Asked
) -> dict[str, Any]:
    if not criteria:
        return {}
    said = answer["criteria"]
    check_keys(said, "“criteria”", [criterion.key for criterion in criteria])
    return {
        criterion.key: criterion_said(said[criterion.key], criterion, asked)
        for criterion in criteria
    }


def criterion_said(value: Any, criterion: JudgedCriterion, asked: Asked) -> dict[str, Any]:
    path = f"criteria.{criterion.key}"
    if criterion.kind == CriterionKind.RATING:
        ratings = numbers_in(value, path, asked.letters, criterion.scale_min, criterion.scale_max)
        return {"ratings": {str(place): rating for place, rating in enumerate(ratings)}}
    if len(asked.answers) > 2:
        tiers = placed(value, path, asked, may_tie=asked.allows_tie)
    else:
        words = tuple(word for word in verdict_words(asked) if word != BOTH_BAD)
        tiers = tiers_of(word_in(value, path, words))
    return {"ranking": [list(tier) for tier in tiers]}


def numbers_in(value: Any, path: str, letters: str, lowest: int, highest: int) -> list[int]:
    """Read one whole number for each letter, in the order of the letters."""
    check_keys(value, f"“{path}”", list(letters))
    numbers = [value[letter] for letter in letters]
    if any(type(number) is not int or not lowest <= number <= highest for number in numbers):
        raise AnswerRejected(f"“{path}” takes whole numbers from {lowest} to {highest}.")
    return numbers


def word_in(value: Any, path: str, words: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise AnswerRejected(f"“{path}” must be one of {', '.join(words)}.")
    return value


def check_keys(value: Any, path: str, keys: Sequence[str]) -> None:
    """Ask for an object with exactly these keys. Which come in what order does not matter."""
    if not isinstance(value, dict):
        raise AnswerRejected(f"{path} is no object.")
    if set(value) != set(keys):
        raise AnswerRejected(f"{path} must have exactly the keys {', '.join(keys)}.")
