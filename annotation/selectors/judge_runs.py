"""Which comparisons a judge may be asked about, and what its answers on some of them were."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Exists, Func, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from annotation.domain.judges.money import amount_of
from annotation.domain.rates import wilson
from annotation.domain.vocabulary import AnnotatorKind, Outcome, RequestState, RunPurpose
from annotation.domain.wording import letters_of, verdict_sentence
from annotation.models import (
    Comparison,
    Judge,
    JudgeRequest,
    JudgeRun,
    JudgeVerdict,
    Judgment,
    Project,
)
from annotation.selectors.items import excerpt_of

N_TRIED = 20
VOTES = (Outcome.RANKED, Outcome.BOTH_BAD)


class Among(StrEnum):
    """Which comparisons to ask about: all that are left, those people judged, some at random."""

    ALL = "all"
    JUDGED = "judged_by_people"
    SOME = "some"


def left_to_ask(judge: Judge, among: Among, *, is_trial: bool = False) -> QuerySet[Comparison]:
    """Comparisons that a judge was not asked about yet, in an order drawn by chance, once.

    Those of which a part was cancelled, such as one display order, are left to ask, too.
    """
    requests = JudgeRequest.objects.filter(judge=judge, is_trial=is_trial)
    cancelled = requests.filter(comparison=OuterRef("comparison"), state=RequestState.CANCELLED)
    asked = requests.exclude(state=RequestState.CANCELLED).filter(
        ~Exists(cancelled), comparison=OuterRef("pk")
    )
    left = Comparison.objects.filter(~Exists(asked), project=judge.project_id)
    if among == Among.JUDGED:
        left = left.filter(Exists(_by_people(OuterRef("pk"))))
    drawn = Func(
        Concat(Cast("pk", TextField()), Value(f" {judge.pk}"), output_field=TextField()),
        function="md5",
    )
    return left.order_by(drawn)


def to_try(judge: Judge) -> list[int]:
    """Comparisons for the next trial: those that people have judged first."""
    left = left_to_ask(judge, Among.ALL, is_trial=True)
    left = left.annotate(is_judged=Exists(_by_people(OuterRef("pk"))))
    return list(
        left.order_by("-is_judged", *left.query.order_by).values_list("pk", flat=True)[:N_TRIED]
    )


def _by_people(comparison: Any) -> QuerySet[Judgment]:
    return Judgment.objects.filter(
        comparison=comparison, annotator__kind=AnnotatorKind.HUMAN, outcome__in=VOTES
    )


@dataclass(frozen=True)
class Side:
    """What a judge said in one display order; `chances` are by letter, likeliest first."""

    shown: str
    sentence: str
    chances: list[tuple[str, float]]
    why: str


@dataclass(frozen=True)
class Tried:
    """A comparison of a run: the verdict over both orders and in each, and what people say.

    `is_alike` is None where people have no majority or the judge no vote. `troubles` are answers
    that could not be used, in words.
    """

    id: int
    excerpt: str
    sentence: str
    sides: list[Side]
    is_flipped: bool | None
    people: str
    n_people: int
    is_alike: bool | None
    cost: Decimal
    troubles: list[str]


def tried_in(run: JudgeRun, most: int = N_TRIED) -> list[Tried]:
    """The newest verdicts that a run came to, each with everything said about it."""
    asked = JudgeRequest.objects.filter(run=run, comparison=OuterRef("comparison"))
    is_trial = run.purpose == RunPurpose.TRIAL
    verdicts = JudgeVerdict.objects.filter(Exists(asked), judge=run.judge_id, is_trial=is_trial)
    verdicts = verdicts.select_related("comparison__item").order_by("-id")[:most]
    ids = [one.comparison_id for one in verdicts]
    requests, votes = _requests(run, ids), people_on(ids)
    return [
        _tried(one, requests[one.comparison_id], votes.get(one.comparison_id, []), run.project)
        for one in verdicts
    ]


@dataclass(frozen=True, slots=True)
class Tally:
    """What verdicts come to beside people's majorities: counts, and the interval of their share."""

    n_alike: int
    n_clear: int
    n_flipped: int
    low: float
    high: float


def tally_of(tried: Sequence[Tried]) -> Tally:
    """How many are as people; of comparisons without majority or vote it counts flips only."""
    clear = [one.is_alike for one in tried if one.is_alike is not None]
    n_flipped = sum(one.is_flipped is True for one in tried)
    bounds = wilson(sum(clear), len(clear)) if clear else (0.0, 1.0)
    return Tally(sum(clear), len(clear), n_flipped, *bounds)


def _requests(run: JudgeRun, comparison_ids: Sequence[int]) -> Mapping[int, list[JudgeRequest]]:
    found: dict[int, list[JudgeRequest]] = {pk: [] for pk in comparison_ids}
    rows = JudgeRequest.objects.filter(run=run, comparison__in=comparison_ids)
    for one in rows.order_by("comparison_id", "order", "sample"):
        if one.comparison_id is not None:
            found[one.comparison_id].append(one)
    return found


Said = tuple[str, Sequence[Sequence[int]]]


def people_on(comparison_ids: Sequence[int]) -> dict[int, list[Said]]:
    """What people said in force about each comparison: outcome and ranking."""
    corrected = Judgment.objects.filter(supersedes=OuterRef("pk"))
    rows = Judgment.objects.filter(
        ~Exists(corrected),
        comparison__in=comparison_ids,
        annotator__kind=AnnotatorKind.HUMAN,
        outcome__in=VOTES,
    )
    found: dict[int, list[Said]] = {}
    for pk, outcome, ranking in rows.values_list("comparison_id", "outcome", "ranking"):
        found.setdefault(pk, []).append((outcome, ranking))
    return found


def majority_of(votes: Iterable[Said]) -> Said | None:
    """The verdict that most people gave; None without votes, or where several lead."""
    counted = Counter((outcome, _spelled(ranking)) for outcome, ranking in votes)
    leading = counted.most_common(2)
    if not leading or (len(leading) > 1 and leading[0][1] == leading[1][1]):
        return None
    return leading[0][0]


def _spelled(ranking: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted(tier)) for tier in ranking)


def _tried(
    verdict: JudgeVerdict, requests: list[JudgeRequest], votes: list[Said], project: Project
) -> Tried:
    letters = letters_of(verdict.comparison.response_ids)
    majority = majority_of(votes)
    return Tried(
        id=verdict.comparison_id,
        excerpt=excerpt_of(verdict.comparison.item),
        sentence=_said(verdict.outcome, verdict.ranking, letters, project),
        sides=[_side(one, requests, letters, project) for one in verdict.by_order],
        is_flipped=verdict.is_flipped,
        people=_said(*majority, letters, project) if majority else "",
        n_people=len(votes),
        is_alike=_is_alike(verdict, majority),
        cost=amount_of(sum(one.cost for one in requests)),
        troubles=sorted({_trouble(one) for one in requests if one.status not in ("", "usable")}),
    )


def _is_alike(verdict: JudgeVerdict, majority: Said | None) -> bool | None:
    if majority is None or verdict.outcome not in VOTES:
        return None
    return (verdict.outcome, _spelled(verdict.ranking)) == majority


def _said(
    outcome: str, ranking: Sequence[Sequence[int]], letters: Mapping[int, str], project: Project
) -> str:
    return verdict_sentence(outcome, ranking, None, "", letters, project.strength_levels)


def _side(
    said: Mapping[str, Any],
    requests: list[JudgeRequest],
    letters: Mapping[int, str],
    project: Project,
) -> Side:
    named = {"tie": "equally good", "both_bad": "all bad"}
    chances = [
        (named.get(key) or f"{letters.get(int(key), '?')} is best", share)
        for key, share in said["chances"].items()
    ]
    words = [(one.verdict or {}).get("why", "") for one in requests if one.order == said["order"]]
    return Side(
        shown=", ".join(letters.get(pk, "?") for pk in said["shown"]),
        sentence=_said(said["outcome"], said["ranking"], letters, project),
        chances=sorted(chances, key=lambda pair: -pair[1]),
        why=next((text for text in words if text), ""),
    )


def _trouble(request: JudgeRequest) -> str:
    return f"{request.status}: {request.error}" if request.error else request.status


def disagreements(first: Judge, second: Judge, most: int = 50) -> list[dict[str, Any]]:
    """Comparisons on which two judges voted differently, with what people say, newest first."""
    other = JudgeVerdict.objects.filter(
        judge=second, is_trial=False, outcome__in=VOTES, comparison=OuterRef("comparison")
    )
    own = JudgeVerdict.objects.filter(judge=first, is_trial=False, outcome__in=VOTES)
    differing = own.filter(
        Exists(other.exclude(outcome=OuterRef("outcome"), ranking=OuterRef("ranking")))
    )
    found = list(differing.select_related("comparison__item").order_by("-id")[:most])
    ids = [one.comparison_id for one in found]
    theirs = {
        one.comparison_id: one
        for one in JudgeVerdict.objects.filter(judge=second, is_trial=False, comparison__in=ids)
    }
    votes = people_on(ids)
    return [_differing(one, theirs[one.comparison_id], votes, first.project) for one in found]


def _differing(
    one: JudgeVerdict, other: JudgeVerdict, votes: Mapping[int, list[Said]], project: Project
) -> dict[str, Any]:
    letters = letters_of(one.comparison.response_ids)
    majority = majority_of(votes.get(one.comparison_id, []))
    return {
        "id": one.comparison_id,
        "excerpt": excerpt_of(one.comparison.item),
        "first": _said(one.outcome, one.ranking, letters, project),
        "second": _said(other.outcome, other.ranking, letters, project),
        "people": _said(*majority, letters, project) if majority else "",
    }


def both_voted(first: Judge, second: Judge) -> tuple[int, int]:
    """On how many comparisons two judges both voted, and on how many of them alike."""
    theirs = JudgeVerdict.objects.filter(
        judge=second, is_trial=False, outcome__in=VOTES, comparison=OuterRef("comparison")
    )
    own = JudgeVerdict.objects.filter(judge=first, is_trial=False, outcome__in=VOTES)
    alike = theirs.filter(outcome=OuterRef("outcome"), ranking=OuterRef("ranking"))
    return own.filter(Exists(theirs)).count(), own.filter(Exists(alike)).count()
