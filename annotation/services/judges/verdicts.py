"""Makes one verdict, and one judgment, of a judge's answers on a comparison."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

from annotation.domain.answers import Answer, RationaleAnswer
from annotation.domain.judges.combining import Combined, combined
from annotation.domain.judges.recorded import Explained, explained
from annotation.domain.vocabulary import OrderPolicy, Outcome, RequestState
from annotation.models import (
    Comparison,
    Criterion,
    Judge,
    JudgeRequest,
    JudgeVerdict,
    Response,
)
from annotation.services import judging
from annotation.services.inserting import insert_rows
from annotation.services.judges.reasons import criteria_of, rationale_of

OPEN = (RequestState.QUEUED, RequestState.RUNNING)

# Of a request and its answer; the answer's text may be long, and is not looked at.
OF_REQUEST = (
    *("judge_id", "comparison_id", "is_trial", "state", "order", "shown_order", "verdict"),
    *("chances", "is_cached", "cost", "answer__cost", "answer__seconds"),
)
OF_RESPONSE = ("pk", "external_id", "content_hash", "item_id", "item__external_id")

Key = tuple[int, int, bool]


@dataclass(frozen=True)
class Facts:
    """What verdicts on some comparisons rest on, read at once, the comparisons locked.

    Keys are of judge, comparison and whether it is a trial. Responses and requests are rows of what
    is looked at, as they are many.
    """

    comparisons: Mapping[int, Comparison]
    responses: Mapping[int, Any]
    criteria: Mapping[int, Sequence[Criterion]]
    requests: Mapping[Key, Sequence[Any]]
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
    with transaction.atomic(savepoint=False):
        facts = facts_on(keys)
        fresh = {
            key: verdict_row(by_id[key[0]], facts, key, now)
            for key in sorted(keys)
            if key not in facts.there and is_complete(facts.requests.get(key, ()))
        }
        append_judgments(fresh, by_id, facts, now)
        insert_rows(list(fresh.values()))
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
        .only("item_id", "response_ids", "project__allows_tie", "project__allows_both_bad")
        .filter(pk__in=about["comparison__in"])
        .order_by("pk")
    }
    responses = {pk for each in comparisons.values() for pk in each.response_ids}
    rows = Response.objects.filter(pk__in=responses).values_list(*OF_RESPONSE, named=True)
    requests: defaultdict[Key, list[Any]] = defaultdict(list)
    asked = JudgeRequest.objects.filter(**about).order_by("order", "sample")
    for request in asked.values_list(*OF_REQUEST, named=True):
        requests[request.judge_id, request.comparison_id, request.is_trial].append(request)
    criteria: defaultdict[int, list[Criterion]] = defaultdict(list)
    if any(speaks_of_criteria(request) for each in requests.values() for request in each):
        projects = {each.project_id for each in comparisons.values()}
        for criterion in Criterion.objects.filter(project__in=projects):
            criteria[criterion.project_id].append(criterion)
    there = {
        key: verdict
        for verdict in JudgeVerdict.objects.filter(**about)
        if (key := (verdict.judge_id, verdict.comparison_id, verdict.is_trial)) in keys
    }
    return Facts(comparisons, {row.pk: row for row in rows}, criteria, requests, there)


def speaks_of_criteria(request: Any) -> bool:
    return bool(request.verdict and request.verdict.get("criteria"))


def is_complete(requests: Sequence[Any]) -> bool:
    states = {request.state for request in requests}
    return bool(requests) and not states & {*OPEN, RequestState.CANCELLED}


def verdict_row(judge: Judge, facts: Facts, key: Key, now: datetime) -> JudgeVerdict:
    requests = facts.requests[key]
    comparison = facts.comparisons[key[1]]
    verdict = verdict_on(comparison, judge, answers_in(requests), facts)
    paid = [one for one in requests if one.answer__cost is not None and not one.is_cached]
    return JudgeVerdict(
        judge=judge,
        comparison=comparison,
        is_trial=key[2],
        project_id=comparison.project_id,
        cost=max(sum(request.cost for request in requests), sum(one.answer__cost for one in paid)),
        seconds=sum(one.answer__seconds for one in paid),
        concluded_at=now,
        **fields_of(verdict),
    )


def answers_in(requests: Sequence[Any]) -> list[Explained]:
    return [one for request in requests if (one := read(request)) is not None]


def read(request: Any) -> Explained | None:
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
    return len({bytes(facts.responses[pk].content_hash) for pk in comparison.response_ids}) == 1


def append_judgments(
    verdicts: Mapping[Key, JudgeVerdict], judges: Mapping[int, Judge], facts: Facts, now: datetime
) -> None:
    """Append each judge's one judgment on a comparison; none where no answer was usable."""
    voting = {
        key: verdict
        for key, verdict in verdicts.items()
        if not verdict.is_trial and verdict.outcome != Outcome.UNPARSED
    }
    written = [
        (answer_of(verdict, facts, key), context_of(judges[key[0]], verdict, facts, now))
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
        criteria=criteria_of(comparison, said, facts.criteria.get(comparison.project_id, ())),
        rationale=RationaleAnswer(rationale_of(comparison, said)),
    )


def context_of(judge: Judge, verdict: JudgeVerdict, facts: Facts, now: datetime) -> dict[str, Any]:
    comparison = facts.comparisons[verdict.comparison_id]
    return {
        "project_id": verdict.project_id,
        "comparison_id": verdict.comparison_id,
        "annotator_id": judge.annotator_id,
        "client_key": key_of(judge, verdict.comparison_id),
        "metadata": {
            "judge": f"{judge.name} {judge.number}",
            "template": bytes(judge.template.digest).hex(),
            "chances": named(verdict.chances, comparison, facts),
            "bias": verdict.bias,
        },
        "judged_at": now,
    }


def named(chances: Mapping[str, float], comparison: Comparison, facts: Facts) -> dict[str, float]:
    """Put names for response ids, as datasets do: no version of one may depend on ids."""
    names = {}
    for response in (facts.responses[pk] for pk in comparison.response_ids):
        is_own = response.item_id == comparison.item_id
        other = "" if is_own else f"{response.item__external_id}/"
        names[str(response.pk)] = f"{other}{response.external_id}"
    return {names.get(verdict, verdict): share for verdict, share in chances.items()}


def key_of(judge: Judge, comparison_id: int) -> UUID:
    """The client key of a judge's judgment: the same whenever it is made anew."""
    return uuid5(NAMESPACE_URL, f"quorum:judge:{judge.pk}:comparison:{comparison_id}")
