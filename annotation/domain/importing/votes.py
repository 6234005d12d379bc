"""The vote of the interchange schema, with what Quorum adds to it, before it meets its item."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.domain.importing import checks
from annotation.domain.importing.items import digest
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.vocabulary import VOTERS, AnnotatorKind, CannotJudgeReason, Outcome

TIE = "tie"
FLAGS = frozenset({Outcome.BOTH_BAD, Outcome.CANNOT_JUDGE, Outcome.UNSURE, Outcome.UNPARSED})
VOTE_KEYS = frozenset(
    [
        "id",
        "item_id",
        "annotator",
        "kind",
        "model",
        "choice",
        "strength",
        "ranking",
        "ratings",
        "aspects",
        "rationale",
        "seconds",
        "position_swapped",
        "meta",
        "outcome",
        "reason",
        "judged_at",
        "confidence",
        "tags",
        "spans",
        "responses",
    ]
)
SPAN_KEYS = frozenset({"response", "start", "end", "label", "criterion"})
LABEL_MAX = 60

Choice = int | str | None  # index into the responses, "tie", or unknown


@dataclass(frozen=True, slots=True)
class SpanRecord:
    response: str
    start: int
    end: int
    label: str
    criterion: str


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """A vote that is well formed by itself. Responses are named by their external ids."""

    line: int
    external_id: str
    item_id: str
    annotator: str
    kind: AnnotatorKind
    model_name: str
    outcome: Outcome | None
    reason: str
    choice: Choice
    strength: int | None
    ranking: list[list[str]]
    compared: list[str]
    ratings: dict[str, dict[str, float]]
    aspects: dict[str, Choice]
    rationale: str
    tags: list[str]
    spans: list[SpanRecord]
    seconds: float | None
    is_swapped: bool | None
    confidence: int | None
    judged_at: datetime | None
    metadata: dict[str, Any]
    digest: bytes


def vote_of(record: Mapping[str, Any], line: int) -> VoteRecord:
    """Check one record against the schema of votes.

    Raises:
        LineRefused: names the field and the rule.
    """
    checks.only_known(record, VOTE_KEYS)
    outcome, choice = outcome_and_choice(record)
    fingerprint = digest(record)
    return VoteRecord(
        line=line,
        external_id=checks.optional_name_at(record, "id") or fingerprint.hex()[:32],
        item_id=checks.name_at(record, "item_id"),
        annotator=checks.name_at(record, "annotator"),
        kind=kind_of(record),
        model_name=checks.optional_name_at(record, "model"),
        outcome=outcome,
        reason=reason_of(record, outcome),
        choice=choice,
        strength=checks.whole_at(record, "strength", 0, 4),
        ranking=ranking_of(record),
        compared=[checks.checked_name(*named) for named in texts_at(record, "responses")],
        ratings=ratings_of(record),
        aspects=aspects_of(record),
        rationale="" if record.get("rationale") is None else checks.text_at(record, "rationale"),
        tags=[label(*named) for named in texts_at(record, "tags")],
        spans=[
            span_of(span, f"spans.{n}.") for n, span in enumerate(checks.list_at(record, "spans"))
        ],
        seconds=seconds_of(record),
        is_swapped=checks.flag_at(record, "position_swapped"),
        confidence=checks.whole_at(record, "confidence", 1, 5),
        judged_at=judged_at_of(record),
        metadata=checks.object_at(record, "meta"),
        digest=fingerprint,
    )


def kind_of(record: Mapping[str, Any]) -> AnnotatorKind:
    kind = checks.text_at(record, "kind")
    if kind == AnnotatorKind.USER:
        detail = "What users did is no vote; bring it in as feedback (import_feedback)."
        raise LineRefused("not_a_vote", detail, "kind")
    if kind not in VOTERS:
        raise LineRefused("unknown_word", f"“{kind}” is neither human nor llm.", "kind")
    return AnnotatorKind(kind)


def outcome_and_choice(record: Mapping[str, Any]) -> tuple[Outcome | None, Choice]:
    """Read what the vote says beside a ranking. None leaves the outcome to the ranking."""
    choice = record.get("choice")
    said = record.get("outcome")
    if choice == Outcome.BOTH_BAD and said is None:
        return Outcome.BOTH_BAD, None
    chosen = choice_of(choice, "choice")
    if said is None:
        return None, chosen
    if said not in list(Outcome):
        raise LineRefused("unknown_word", f"It must be one of {', '.join(Outcome)}.", "outcome")
    if said == Outcome.RANKED:
        return None, chosen
    if chosen is not None or record.get("ranking"):
        raise LineRefused("contradiction", f"A vote that is {said} prefers nothing.", "outcome")
    return Outcome(said), None


def reason_of(record: Mapping[str, Any], outcome: Outcome | None) -> str:
    reason = checks.optional_name_at(record, "reason")
    if outcome is Outcome.CANNOT_JUDGE and reason not in list(CannotJudgeReason):
        words = ", ".join(CannotJudgeReason)
        raise LineRefused("unknown_word", f"Say why it cannot be judged: {words}.", "reason")
    if reason and outcome is not Outcome.CANNOT_JUDGE:
        raise LineRefused("contradiction", "Only cannot_judge has a reason.", "reason")
    return reason


def choice_of(value: Any, field: str) -> Choice:
    if value is None or value == TIE or (type(value) is int and value >= 0):
        return value
    raise LineRefused("not_a_choice", "It must be an index from 0, “tie” or null.", field)


def ranking_of(record: Mapping[str, Any]) -> list[list[str]]:
    tiers = checks.list_at(record, "ranking")
    for place, tier in enumerate(tiers):
        field = f"ranking.{place}"
        if type(tier) is not list or not tier:
            raise LineRefused("wrong_type", "A tier must be a list with at least one id.", field)
        for name in tier:
            if type(name) is not str:
                raise checks.wrong_type(name, "a response id", field)
    return tiers


def texts_at(record: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    """Texts of a list, each with the name of its place."""
    values = [(value, f"{key}.{place}") for place, value in enumerate(checks.list_at(record, key))]
    for value, field in values:
        if type(value) is not str:
            raise checks.wrong_type(value, "a string", field)
    return values


def ratings_of(record: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """`{response id: {aspect: number}}`; an aspect without a number is left out."""
    found: dict[str, dict[str, float]] = {}
    for name, rated in checks.object_at(record, "ratings").items():
        field = f"ratings.{name}"
        if type(rated) is not dict:
            raise checks.wrong_type(rated, "an object", field)
        found[name] = {
            aspect: checks.number_of(number, f"{field}.{aspect}")
            for aspect, number in rated.items()
            if number is not None
        }
    return found


def aspects_of(record: Mapping[str, Any]) -> dict[str, Choice]:
    """`{aspect: choice}`; an aspect that was not answered is left out."""
    answers = checks.object_at(record, "aspects").items()
    return {
        aspect: choice_of(answer, f"aspects.{aspect}")
        for aspect, answer in answers
        if answer is not None
    }


def label(text: str, field: str) -> str:
    if not 0 < len(text) <= LABEL_MAX:
        raise LineRefused("too_long", f"It must have 1 to {LABEL_MAX} characters.", field)
    return text


def span_of(value: Any, within: str) -> SpanRecord:
    if type(value) is not dict:
        raise checks.wrong_type(value, "an object", within[:-1])
    checks.only_known(value, SPAN_KEYS, within)
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise LineRefused("not_a_span", "It must have 0 ≤ start < end.", within + "start")
    criterion = checks.optional_name_at(value, "criterion", within + "criterion")
    return SpanRecord(
        response=checks.name_at(value, "response", within + "response"),
        start=start,
        end=end,
        label=label(checks.text_at(value, "label", within + "label"), within + "label"),
        criterion=criterion and label(criterion, within + "criterion"),
    )


def seconds_of(record: Mapping[str, Any]) -> float | None:
    seconds = record.get("seconds")
    if seconds is None:
        return None
    if checks.number_of(seconds, "seconds") < 0:
        raise LineRefused("out_of_range", "It must not be negative.", "seconds")
    return float(seconds)


def judged_at_of(record: Mapping[str, Any]) -> datetime | None:
    """When the vote was given, where the source says so; `meta.submitted_at` stands in for it."""
    if record.get("judged_at") is not None:
        return checks.time_of(record["judged_at"], "judged_at")
    submitted = checks.object_at(record, "meta").get("submitted_at")
    try:
        return None if submitted is None else checks.time_of(submitted, "meta.submitted_at")
    except LineRefused:
        return None  # metadata is free text; only our own field promises a time
