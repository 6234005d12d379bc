"""Makes one verdict, and one judgment, of a judge's answers on a comparison."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

from annotation.domain.answers import LONGEST_RATIONALE, Answer, RationaleAnswer
from annotation.domain.judges.combining import Answered, Combined, combined, combined_ratings
from annotation.domain.judges.recorded import Explained, explained
from annotation.domain.vocabulary import CriterionKind, OrderPolicy, Outcome, RequestState
from annotation.models import (
    Comparison,
    Criterion,
    Judge,
    JudgeRequest,
    JudgeVerdict,
    Response,
)
from annotation.services import judging

OPEN = (RequestState.QUEUED, RequestState.RUNNING)
RANKED, UNPARSED = Outcome.RANKED, Outcome.UNPARSED

Key = tuple[int, int, bool]


@dataclass(frozen=True)
class Facts:
    """What verdicts on some comparisons rest on, read at once, the comparisons locked.

    Keys are of judge, comparison and whether it is a trial.
    """

    comparisons: Mapping[int, Comparison]
    hashes: Mapping[int, bytes]
    criteria: Mapping[int, Sequence[Criterion]]
    requests: Mapping[Key, Sequence[JudgeRequest]]
    there: Mapping[Key, JudgeVerdict]


def conclude_verdict(
    *, judge: Judge, comparison_id: int, is_trial: bool, now: datetime
) -> JudgeVerdict | None:
    """Make the verdict that a judge's answers on a comparison add up to. As `conclude_verdicts`.

    Returns:
        The verdict; None while requests are open, or where one was cancelled or none was made.
    """
    key = (judge.pk, comparison_id, is_trial)
    return conclude_verdicts(judges=[judge], keys=[key], now=now).get(key)


def conclude_verdicts(
    *, judges: Iterable[Judge], keys: Collection[Key], now: datetime
) -> dict[Key, JudgeVerdict]:
    """Make the verdicts that judges' answers on comparisons add up to, once all are in.

    Unless it is a trial or no answer was usable, each becomes one judgment of the judge's
    annotator. Call it in the transaction that finishes requests, after they are written: rivals
    that finish the last requests of one comparison wait for each other here, so one of them
    concludes. Safe to repeat; a verdict that is there stays.

    Args:
        judges: with their templates; all that `keys` name.
        keys: judge, comparison and whether it is a trial.
    Returns:
        The verdicts by key, without those that wait for a request or of which one was cancelled.
    """
    by_id = {judge.pk: judge for judge in judges}
    with transaction.atomic():
        facts = facts_on(keys)
        fresh = {
            key: verdict_row(by_id[key[0]], facts, key, now)
            for key in sorted(keys)
            if key not in facts.there and is_complete(facts.requests.get(key, ()))
        }
        append_judgments(fresh, by_id, facts, now)
        JudgeVerdict.objects.bulk_create(fresh.values())
        return {**facts.there, **fresh}


def facts_on(keys: Collection[Key]) -> Facts:
    """Lock the comparisons, in the order of their ids, and read what is known of them."""
    about = {
        "judge__in": {judge for judge, _, _ in keys},
        "comparison__in": {comparison for _, comparison, _ in keys},
    }
    comparisons = {
        comparison.pk: comparison
        for comparison in Comparison.objects.select_for_update(no_key=True, of=("self",))
        .select_related("project")
        .filter(pk__in=about["comparison__in"])
        .order_by("pk")
    }
    responses = {pk for each in comparisons.values() for pk in each.response_ids}
    hashes = Response.objects.filter(pk__in=responses).values_list("pk", "content_hash")
    criteria: defaultdict[int, list[Criterion]] = defaultdict(list)
    for criterion in Criterion.objects.filter(
        project__in={each.project_id for each in comparisons.values()}
    ):
        criteria[criterion.project_id].append(criterion)
    requests: defaultdict[Key, list[JudgeRequest]] = defaultdict(list)
    # An answer's text may be long, and is not looked at here.
    asked = JudgeRequest.objects.filter(**about).select_related("answer")
    for request in asked.defer("answer__raw", "answer__body").order_by("order", "sample"):
        requests[request.judge_id, request.comparison_id, request.is_trial].append(request)
    there = {
        key: verdict
        for verdict in JudgeVerdict.objects.filter(**about)
        if (key := (verdict.judge_id, verdict.comparison_id, verdict.is_trial)) in keys
    }
    return Facts(comparisons, {pk: bytes(each) for pk, each in hashes}, criteria, requests, there)


def is_complete(requests: Sequence[JudgeRequest]) -> bool:
    states = {request.state for request in requests}
    return bool(requests) and not states & {*OPEN, RequestState.CANCELLED}


def verdict_row(judge: Judge, facts: Facts, key: Key, now: datetime) -> JudgeVerdict:
    requests = facts.requests[key]
    comparison = facts.comparisons[key[1]]
    verdict = verdict_on(comparison, judge, answers_in(requests), facts)
    paid = [request.answer for request in requests if request.answer and not request.is_cached]
    return JudgeVerdict(
        judge=judge,
        comparison=comparison,
        is_trial=key[2],
        project_id=comparison.project_id,
        cost=max(sum(request.cost for request in requests), sum(one.cost for one in paid)),
        seconds=sum(one.seconds for one in paid),
        concluded_at=now,
        **fields_of(verdict),
    )


def answers_in(requests: Sequence[JudgeRequest]) -> list[Explained]:
    return [one for request in requests if (one := read(request)) is not None]


def read(request: JudgeRequest) -> Explained | None:
    if request.verdict is None:
        return None
    return explained(
        order=request.order,
        shown=request.shown_order,
        verdict=request.verdict,
        chances=request.chances,
    )


def fields_of(verdict: Combined) -> dict[str, Any]:
    by_order = [one.as_json() for one in verdict.by_order]
    return vars(verdict) | {"by_order": by_order}


def verdict_on(
    comparison: Comparison, judge: Judge, said: Sequence[Explained], facts: Facts
) -> Combined:
    project = comparison.project
    return combined(
        comparison.response_ids,
        [one.answered for one in said],
        allows_tie=project.allows_tie,
        allows_both_bad=project.allows_both_bad,
        are_alike=are_alike(comparison, facts),
        needs_both_orders=judge.order_policy == OrderPolicy.BOTH,
    )


def are_alike(comparison: Comparison, facts: Facts) -> bool:
    """Whether the responses compared have the same content."""
    return len({facts.hashes[pk] for pk in comparison.response_ids}) == 1


def append_judgments(
    verdicts: Mapping[Key, JudgeVerdict], judges: Mapping[int, Judge], facts: Facts, now: datetime
) -> None:
    """Append each judge's one judgment on a comparison; none where no answer was usable."""
    voting = {
        key: verdict
        for key, verdict in verdicts.items()
        if not verdict.is_trial and verdict.outcome != UNPARSED
    }
    written = [
        (answer_of(verdict, facts, key), context_of(judges[key[0]], verdict, now))
        for key, verdict in voting.items()
    ]
    judgments = judging.append_judgments(written=written, now=now)
    for verdict, judgment in zip(voting.values(), judgments, strict=True):
        verdict.judgment = judgment


def answer_of(verdict: JudgeVerdict, facts: Facts, key: Key) -> Answer:
    comparison, said = facts.comparisons[key[1]], answers_in(facts.requests[key])
    return Answer(
        outcome=Outcome(verdict.outcome),
        ranking=verdict.ranking,
        strength=0 if len(verdict.ranking) == 1 else None,
        criteria=criteria_of(comparison, said, facts),
        rationale=RationaleAnswer(rationale_of(comparison, said)),
    )


def context_of(judge: Judge, verdict: JudgeVerdict, now: datetime) -> dict[str, Any]:
    return {
        "project_id": verdict.project_id,
        "comparison_id": verdict.comparison_id,
        "annotator_id": judge.annotator_id,
        "client_key": key_of(judge, verdict.comparison_id),
        "metadata": {
            "judge": f"{judge.name} {judge.number}",
            "template": bytes(judge.template.digest).hex(),
            "chances": verdict.chances,
            "bias": verdict.bias,
        },
        "judged_at": now,
    }


def key_of(judge: Judge, comparison_id: int) -> UUID:
    """The client key of a judge's judgment: the same whenever it is made anew."""
    return uuid5(NAMESPACE_URL, f"quorum:judge:{judge.pk}:comparison:{comparison_id}")


def criteria_of(comparison: Comparison, said: Sequence[Explained], facts: Facts) -> dict[str, Any]:
    """What the answers say on the project's criteria, combined like the verdict.

    A preference that flips with the order, or that nobody leads, is left out.
    """
    found: dict[str, Any] = {}
    for criterion in facts.criteria.get(comparison.project_id, ()):
        if criterion.kind == CriterionKind.PREFERENCE:
            answer = preferred(comparison, criterion.key, said)
        else:
            answer = rated(criterion, said)
        if answer:
            found[criterion.key] = answer
    return found


def preferred(comparison: Comparison, key: str, said: Sequence[Explained]) -> dict[str, Any]:
    answers = [
        Answered(one.answered.order, one.answered.shown, RANKED, one.rankings[key])
        for one in said
        if key in one.rankings
    ]
    verdict = combined(comparison.response_ids, answers, allows_tie=comparison.project.allows_tie)
    return {"ranking": verdict.ranking} if verdict.ranking else {}


def rated(criterion: Criterion, said: Sequence[Explained]) -> dict[str, Any]:
    means = combined_ratings(
        one.ratings[criterion.key] for one in said if criterion.key in one.ratings
    )
    within = {
        str(response): number
        for response, number in means.items()
        if criterion.scale_min <= number <= criterion.scale_max
    }
    return {"ratings": within} if within else {}


def rationale_of(comparison: Comparison, said: Sequence[Explained]) -> str:
    """The judge's words in the first order, and those in the other where they differ.

    Answers speak of places, so the order in which the responses were shown stands before them
    unless it is that in which they are kept.
    """
    words: dict[str, tuple[int, ...]] = {}
    orders: set[int] = set()
    for one in said:
        if one.why.strip() and one.answered.order not in orders:
            orders.add(one.answered.order)
            words.setdefault(one.why.strip(), one.answered.shown)
    parts = [told(text, shown, comparison.response_ids) for text, shown in words.items()]
    return "\n\n".join(parts)[:LONGEST_RATIONALE]


def told(text: str, shown: Sequence[int], responses: Sequence[int]) -> str:
    if list(shown) == list(responses):
        return text
    places = ", ".join(str(responses.index(response) + 1) for response in shown)
    return f"(Shown in the order {places}.) {text}"
