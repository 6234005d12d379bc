"""What an annotator says about a comparison, and the one place that decides if it is an answer.

Pages and API hand over parsed JSON; everything that it may say is checked here against the question
that was asked, and every refusal names the field and the rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from annotation.domain.content import content_hash
from annotation.domain.errors import InvalidField
from annotation.domain.ranking import Ranking, is_tie, ranking_of
from annotation.domain.vocabulary import (
    CannotJudgeReason,
    CriterionKind,
    Outcome,
    RationalePolicy,
    ResponseFormat,
)

KEYS = frozenset(
    {
        "outcome",
        "ranking",
        "strength",
        "criteria",
        "confidence",
        "is_unsafe",
        "reason",
        "rationale",
        "shown_order",
        "active_seconds",
        "client_key",
    }
)
OFFERED = (Outcome.RANKED, Outcome.BOTH_BAD, Outcome.CANNOT_JUDGE, Outcome.UNSURE)
LONGEST_RATIONALE = 20_000  # code points
MOST_SPANS = 200
LONGEST_TIME = 7 * 86_400  # seconds, the longest lease
HIGHEST_ID = 2**63 - 1


class UnknownKey(InvalidField):
    """The payload has a key that means nothing here; a typing error must not pass unseen."""

    code = "unknown_field"


class WrongType(InvalidField):
    """A value is not of the JSON type that its field takes."""

    code = "wrong_type"


class NotOffered(InvalidField):
    """The project does not offer this answer."""

    code = "not_offered"


class Missing(InvalidField):
    """The question asks for more than was said."""

    code = "required"


class OutOfRange(InvalidField):
    """A number, a length or a place lies outside its bounds."""

    code = "out_of_range"


class UnstorableText(InvalidField):
    """A text holds a NUL or half a surrogate pair, which no UTF-8 file or database can keep."""

    code = "unstorable_text"


@dataclass(frozen=True)
class CriterionAsked:
    """A criterion as asked: ratings are whole numbers from `scale_min` to `scale_max`."""

    key: str
    kind: str
    scale_min: int = 1
    scale_max: int = 5


@dataclass(frozen=True)
class Question:
    """The facts of a comparison and its project that decide which answers are possible.

    `text_lengths` maps each compared response id to the length of its text in code points.
    """

    text_lengths: Mapping[int, int]
    response_format: str = ResponseFormat.PAIRWISE
    strength_levels: int = 3
    allows_tie: bool = True
    allows_both_bad: bool = True
    rationale_policy: str = RationalePolicy.OPTIONAL
    rationale_min_chars: int = 0
    criteria: Sequence[CriterionAsked] = ()
    reason_tags: Sequence[str] = ()
    span_labels: Sequence[str] = ()
    guidelines_id: int | None = None


@dataclass(frozen=True)
class SpanAnswer:
    """A stretch of a response: code points from `start` up to, not including, `end`."""

    response: int
    start: int
    end: int
    label: str
    criterion: str = ""


@dataclass(frozen=True)
class RationaleAnswer:
    text: str = ""
    tags: tuple[str, ...] = ()
    spans: tuple[SpanAnswer, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.tags or self.spans)


@dataclass(frozen=True)
class Answer:
    """A checked answer. Its fields are those of a Judgment."""

    outcome: str
    ranking: Ranking = field(default_factory=list)
    strength: int | None = None
    criteria: dict[str, Any] = field(default_factory=dict)
    confidence: int | None = None
    is_unsafe: bool = False
    reason: str = ""
    rationale: RationaleAnswer = field(default_factory=RationaleAnswer)
    shown_order: tuple[int, ...] | None = None
    active_seconds: float | None = None
    guidelines_id: int | None = None

    @property
    def digest(self) -> bytes:
        """32 bytes that are equal for the same answer sent again, under whichever guidelines."""
        said = {name: value for name, value in vars(self).items() if name != "guidelines_id"}
        rationale = vars(self.rationale) | {"spans": [vars(s) for s in self.rationale.spans]}
        return content_hash(said | {"rationale": rationale})


def answer_from(payload: Any, question: Question) -> Answer:
    """Read an answer from parsed JSON. Texts are kept byte for byte.

    Args:
        payload: `{"outcome", "ranking", "strength", "criteria", "confidence", "is_unsafe",
            "reason", "rationale": {"text", "tags", "spans"}, "shown_order", "active_seconds"}`;
            all but `outcome` and `shown_order` may be left out where the project does not ask for
            them. `client_key`, which travels along, is not looked at.
        question: what was asked.
    Raises:
        InvalidField: a subclass that says which rule of which field is broken.
    """
    given = _object(payload, "", KEYS)
    outcome = _one_of(given.get("outcome"), "outcome", OFFERED)
    if outcome == Outcome.BOTH_BAD and not question.allows_both_bad:
        raise NotOffered("This project does not offer “both bad”.", field="outcome")
    ranking = _ranking(given.get("ranking"), outcome, question)
    return Answer(
        outcome=outcome,
        ranking=ranking,
        strength=_strength(given.get("strength"), ranking, question),
        criteria=_criteria(given.get("criteria"), question),
        confidence=_optional_whole(given.get("confidence"), "confidence", 1, 5),
        is_unsafe=_flag(given.get("is_unsafe"), "is_unsafe"),
        reason=_reason(given.get("reason"), outcome),
        rationale=_rationale(given.get("rationale"), outcome, question),
        shown_order=_shown_order(given.get("shown_order"), question),
        active_seconds=_seconds(given.get("active_seconds")),
        guidelines_id=question.guidelines_id,
    )


def client_key_from(value: Any, field: str = "client_key") -> UUID:
    """Read the key that makes a submit safe to repeat: a UUID in its usual spelling.

    Raises:
        InvalidField: it is missing or no UUID.
    """
    if not isinstance(value, str) or not value:
        raise Missing("Send a UUID that is new for each answer.", field=field)
    try:
        key = UUID(value)
    except ValueError:
        raise WrongType("The key must be a UUID.", field=field) from None
    if str(key) != value.lower():
        raise WrongType("Write the UUID in its usual form, with four hyphens.", field=field)
    return key


def storable_text(value: Any, field: str, longest: int) -> str:
    """Check that a value is a text that can be kept as it is, byte for byte.

    Raises:
        InvalidField: no string, over `longest` code points, or with a NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise WrongType(f"{field} must be a text.", field=field)
    if len(value) > longest:
        raise OutOfRange(f"{field} may be {longest:,} characters long at most.", field=field)
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise UnstorableText(
            f"{field} holds a NUL character or half of a surrogate pair; remove it.", field=field
        )
    return value


def _object(value: Any, field: str, keys: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WrongType(f"{field or 'The answer'} must be a JSON object.", field=field)
    for key in value:
        if key not in keys:
            path = f"{field}.{key}" if field else str(key)
            raise UnknownKey(f"There is no field called “{path[:80]}”.", field=path[:80])
    return value


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise WrongType(f"{field} must be a list.", field=field)
    return value


def _one_of(value: Any, field: str, words: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise NotOffered(f"{field} must be one of: {', '.join(words)}.", field=field)
    return str(value)


def _whole(value: Any, field: str, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongType(f"{field} must be a whole number.", field=field)
    if not lowest <= value <= highest:
        raise OutOfRange(f"{field} must be from {lowest} to {highest}.", field=field)
    return value


def _optional_whole(value: Any, field: str, lowest: int, highest: int) -> int | None:
    return None if value is None else _whole(value, field, lowest, highest)


def _flag(value: Any, field: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise WrongType(f"{field} must be true or false.", field=field)
    return bool(value)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType("active_seconds must be a number.", field="active_seconds")
    if not 0 <= value <= LONGEST_TIME:  # NaN is in no range
        raise OutOfRange(
            f"active_seconds must be from 0 to {LONGEST_TIME}.", field="active_seconds"
        )
    return float(value)


def _tiers(value: Any, field: str, question: Question) -> Ranking:
    tiers = [
        [_whole(response, field, 1, HIGHEST_ID) for response in _list(tier, field)]
        for tier in _list(value, field)
    ]
    try:
        ranking = ranking_of(tiers, question.text_lengths)
    except InvalidField as error:
        error.field = field
        raise
    if not question.allows_tie and any(len(tier) > 1 for tier in ranking):
        raise NotOffered("This project does not offer ties; put one above the other.", field=field)
    return ranking


def _ranking(value: Any, outcome: str, question: Question) -> Ranking:
    if outcome == Outcome.RANKED:
        return _tiers(value, "ranking", question)
    if value not in (None, []):
        raise NotOffered(f"With the outcome {outcome} there is no ranking.", field="ranking")
    return []


def _strength(value: Any, ranking: Ranking, question: Question) -> int | None:
    if ranking and is_tie(ranking):
        if value in (None, 0) and not isinstance(value, bool):
            return 0
        raise OutOfRange("The strength of a tie is 0.", field="strength")
    if not ranking or question.strength_levels == 1:
        if value is not None:
            raise NotOffered("Strength is not asked for here; leave it out.", field="strength")
        return None
    if value is None and question.response_format == ResponseFormat.PAIRWISE:
        raise Missing("Say how strong the preference is.", field="strength")
    return _optional_whole(value, "strength", 1, question.strength_levels)


def _criteria(value: Any, question: Question) -> dict[str, Any]:
    asked = {criterion.key: criterion for criterion in question.criteria}
    given = _object({} if value is None else value, "criteria", frozenset(asked))
    return {key: _criterion(said, asked[key], question) for key, said in given.items()}


def _criterion(said: Any, asked: CriterionAsked, question: Question) -> dict[str, Any]:
    path = f"criteria.{asked.key}"
    form = "ranking" if asked.kind == CriterionKind.PREFERENCE else "ratings"
    given = _object(said, path, frozenset({form}))
    if form not in given:
        raise Missing(f"{path} needs “{form}”.", field=path)
    if form == "ranking":
        return {"ranking": _tiers(given["ranking"], f"{path}.ranking", question)}
    compared = frozenset(str(response) for response in question.text_lengths)
    ratings = _object(given["ratings"], f"{path}.ratings", compared)
    if not ratings:
        raise Missing(f"{path} rates no response; leave it out.", field=path)
    return {
        "ratings": {
            response: _whole(rating, f"{path}.ratings", asked.scale_min, asked.scale_max)
            for response, rating in ratings.items()
        }
    }


def _reason(value: Any, outcome: str) -> str:
    if outcome == Outcome.CANNOT_JUDGE:
        return _one_of(value, "reason", tuple(CannotJudgeReason))
    if value not in (None, ""):
        raise NotOffered("A reason belongs to the outcome cannot_judge only.", field="reason")
    return ""


def _rationale(value: Any, outcome: str, question: Question) -> RationaleAnswer:
    given = _object(
        {} if value is None else value, "rationale", frozenset({"text", "tags", "spans"})
    )
    text = storable_text(given.get("text", ""), "rationale.text", LONGEST_RATIONALE)
    said = RationaleAnswer(
        text, _tags(given.get("tags", []), question), _spans(given.get("spans", []), question)
    )
    if question.rationale_policy == RationalePolicy.NONE and not said.is_empty:
        raise NotOffered("This project asks for no rationale.", field="rationale")
    is_needed = outcome in (Outcome.RANKED, Outcome.BOTH_BAD)
    if question.rationale_policy == RationalePolicy.REQUIRED and is_needed:
        _check_length(text, max(question.rationale_min_chars, 1))
    return said


def _check_length(text: str, fewest: int) -> None:
    written = sum(not char.isspace() for char in text)
    if written < fewest:
        raise Missing(
            f"Say why in at least {fewest} characters, not counting spaces; you have {written}.",
            field="rationale.text",
        )


def _tags(value: Any, question: Question) -> tuple[str, ...]:
    tags = [
        _one_of(tag, "rationale.tags", tuple(question.reason_tags))
        for tag in _list(value, "rationale.tags")
    ]
    if len(tags) != len(set(tags)):
        raise InvalidField("A reason tag is given twice.", field="rationale.tags")
    return tuple(tags)


def _spans(value: Any, question: Question) -> tuple[SpanAnswer, ...]:
    spans = _list(value, "rationale.spans")
    if len(spans) > MOST_SPANS:
        raise OutOfRange(f"At most {MOST_SPANS} spans can be marked.", field="rationale.spans")
    return tuple(_span(span, f"rationale.spans.{n}", question) for n, span in enumerate(spans))


def _span(value: Any, path: str, question: Question) -> SpanAnswer:
    given = _object(value, path, frozenset({"response", "start", "end", "label", "criterion"}))
    response = _whole(given.get("response"), f"{path}.response", 1, HIGHEST_ID)
    if response not in question.text_lengths:
        raise InvalidField("A span marks a response that is not compared here.", field=path)
    length = question.text_lengths[response]
    start = _whole(given.get("start"), f"{path}.start", 0, max(length - 1, 0))
    end = _whole(given.get("end"), f"{path}.end", start + 1, max(length, start + 1))
    if end > length:
        raise OutOfRange("A span marks a response that has no text.", field=path)
    label = _one_of(given.get("label"), f"{path}.label", tuple(question.span_labels))
    keys = ("", *(criterion.key for criterion in question.criteria))
    criterion = _one_of(given.get("criterion", ""), f"{path}.criterion", keys)
    return SpanAnswer(response, start, end, label, criterion)


def _shown_order(value: Any, question: Question) -> tuple[int, ...]:
    if value is None:
        raise Missing("Say in which order the responses were shown.", field="shown_order")
    order = [_whole(r, "shown_order", 1, HIGHEST_ID) for r in _list(value, "shown_order")]
    if sorted(order) != sorted(question.text_lengths):
        raise InvalidField(
            "shown_order must name each compared response once.", field="shown_order"
        )
    return tuple(order)
