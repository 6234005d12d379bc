"""Makes one verdict, and one judgment, of a judge's answers on a comparison."""

from collections.abc import Sequence
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
    Judgment,
    Response,
)
from annotation.services import judging

OPEN = (RequestState.QUEUED, RequestState.RUNNING)
RANKED, UNPARSED = Outcome.RANKED, Outcome.UNPARSED


def conclude_verdict(
    *, judge: Judge, comparison_id: int, is_trial: bool, now: datetime
) -> JudgeVerdict | None:
    """Make the verdict that a judge's answers on a comparison add up to, once all are in.

    Unless it is a trial or no answer was usable, it becomes one judgment of the judge's annotator.
    Call it in the transaction that finishes a request, after the request is written: rivals that
    finish the last requests of one comparison wait for each other here, so one of them concludes.
    Safe to repeat; a verdict that is there stays.

    Returns:
        The verdict; None while requests are open, or where one was cancelled or none was made.
    """
    with transaction.atomic():
        comparison = (
            Comparison.objects.select_for_update(no_key=True, of=("self",))
            .select_related("project")
            .get(pk=comparison_id)
        )
        about = {"judge": judge, "comparison": comparison, "is_trial": is_trial}
        if there := JudgeVerdict.objects.filter(**about).first():
            return there
        requests = list(
            JudgeRequest.objects.filter(**about)
            .select_related("answer")
            .order_by("order", "sample")
        )
        states = {request.state for request in requests}
        if not requests or states & {*OPEN, RequestState.CANCELLED}:
            return None
        said = [one for request in requests if (one := read(request)) is not None]
        verdict = verdict_on(comparison, judge, said)
        return JudgeVerdict.objects.create(
            **about,
            project_id=comparison.project_id,
            judgment=None if is_trial else judged(judge, comparison, verdict, said, now),
            cost=sum(r.answer.cost for r in requests if r.answer and not r.is_cached),
            seconds=sum(r.answer.seconds for r in requests if r.answer and not r.is_cached),
            concluded_at=now,
            **fields_of(verdict),
        )


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


def verdict_on(comparison: Comparison, judge: Judge, said: Sequence[Explained]) -> Combined:
    project = comparison.project
    return combined(
        comparison.response_ids,
        [one.answered for one in said],
        allows_tie=project.allows_tie,
        allows_both_bad=project.allows_both_bad,
        are_alike=are_alike(comparison),
        needs_both_orders=judge.order_policy == OrderPolicy.BOTH,
    )


def are_alike(comparison: Comparison) -> bool:
    """Whether the responses compared have the same content."""
    hashes = Response.objects.filter(pk__in=comparison.response_ids).values_list(
        "content_hash", flat=True
    )
    return len({bytes(each) for each in hashes}) == 1


def judged(
    judge: Judge,
    comparison: Comparison,
    verdict: Combined,
    said: Sequence[Explained],
    now: datetime,
) -> Judgment | None:
    """Append the judge's one judgment on a comparison; None where no answer was usable."""
    if verdict.outcome == UNPARSED:
        return None
    is_tie = len(verdict.ranking) == 1
    answer = Answer(
        outcome=verdict.outcome,
        ranking=verdict.ranking,
        strength=0 if is_tie else None,
        criteria=criteria_of(comparison, said),
        rationale=RationaleAnswer(rationale_of(comparison, said)),
    )
    return judging.append_judgment(
        answer=answer,
        project_id=comparison.project_id,
        comparison_id=comparison.pk,
        annotator_id=judge.annotator_id,
        client_key=key_of(judge, comparison.pk),
        metadata={
            "judge": f"{judge.name} {judge.number}",
            "template": bytes(judge.template.digest).hex(),
            "chances": verdict.chances,
            "bias": verdict.bias,
        },
        judged_at=now,
    )


def key_of(judge: Judge, comparison_id: int) -> UUID:
    """The client key of a judge's judgment: the same whenever it is made anew."""
    return uuid5(NAMESPACE_URL, f"quorum:judge:{judge.pk}:comparison:{comparison_id}")


def criteria_of(comparison: Comparison, said: Sequence[Explained]) -> dict[str, Any]:
    """What the answers say on the project's criteria, combined like the verdict.

    A preference that flips with the order, or that nobody leads, is left out.
    """
    found: dict[str, Any] = {}
    for criterion in Criterion.objects.filter(project_id=comparison.project_id):
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
