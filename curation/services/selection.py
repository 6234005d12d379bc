"""Selections: drafted, applied to the queue, and undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.domain.errors import DomainError, NotFound
from annotation.models import Comparison, Project, User
from annotation.services import audit, ranks
from curation.domain.selection.plan import plan_of
from curation.domain.selection.pool import Plan
from curation.domain.selection.wish import Wish, wish_json
from curation.domain.vocabulary import SelectionMethod, SelectionState
from curation.models import Pick, Selection
from curation.selectors import candidates, response_subsets
from curation.selectors.selections import first_rank, latest_applied

LOWEST_RANK = -(2**31)


class NothingToPick(DomainError):
    """No candidate is left under this wish."""

    code, status = "nothing_to_pick", 409


class SelectionOutdated(DomainError):
    """The queue was rearranged since the draft was made, so its preview no longer holds."""

    code, status = "selection_outdated", 409


class NotNow(DomainError):
    """What is asked does not fit the state of the selection."""

    code, status = "selection_not_now", 409


def draft_selection(*, project: Project, user: User | None, wish: Wish, now: datetime) -> Selection:
    """Work out what a wish picks and keep it as a draft; nothing in the queue changes.

    Raises:
        FloorsTooHigh, NoPickFound: the floors cannot hold.
        NoVectors: likeness is asked for and nothing is embedded yet.
        NothingToPick: nothing open is left to choose from, or nothing has these signals.
    """
    found = candidates.open_candidates(project, leaves_out_duplicates=wish.leaves_out_duplicates)
    pool = candidates.pool_of(project, found, wish)
    items = dict(zip(found.comparisons.tolist(), found.items.tolist(), strict=True))
    if wish.method == SelectionMethod.RESPONSES:
        items = {item: item for item in pool.ids.tolist()}
    plan = plan_of(pool, wish, candidates.PromptVectors(items))
    if not plan.picks:
        raise NothingToPick(_why_nothing(plan))
    if wish.method == SelectionMethod.RESPONSES:
        rows, extra = _picked_responses(project, plan, wish)
    else:
        rows, extra = _picked_comparisons(plan, items), {}
    outcome = plan.outcome | extra | {"duplicates": found.n_duplicates, "picked": len(rows)}
    return _keep(project, user, wish, outcome, rows, now)


def apply_selection(*, selection: Selection, user: User | None, now: datetime) -> Selection:
    """Put the picks first in the queue, in their order. Harmless when it is applied already.

    A pick without an open slot gets one; responses that are not compared yet get a comparison.

    Raises:
        SelectionOutdated: somebody applied or undid another selection since the draft was made.
        NotNow: it was undone.
    """
    with transaction.atomic():
        selection = _locked(selection)
        if selection.state == SelectionState.APPLIED:
            return selection
        if selection.state == SelectionState.UNDONE:
            raise NotNow("This selection was undone; make a new draft.")
        if latest_applied(selection.project) != selection.outcome["on_top_of"]:
            raise SelectionOutdated(
                "Another selection was applied or undone since this draft was made: "
                "make a new draft and look at its preview."
            )
        _rank(selection, now)
        selection.state, selection.applied_at = SelectionState.APPLIED, now
        selection.save(update_fields=["state", "applied_at", "outcome"])
        _audit(selection, user, "selection.applied", now)
    return selection


def undo_selection(*, selection: Selection, user: User | None, now: datetime) -> Selection:
    """Put the ranks from before back, and close slots that it opened and nobody took.

    Harmless when it is undone already. What was ranked anew since keeps its rank.

    Raises:
        NotNow: it was never applied, or another one was applied after it.
    """
    with transaction.atomic():
        selection = _locked(selection)
        if selection.state == SelectionState.UNDONE:
            return selection
        if selection.state == SelectionState.DRAFT:
            raise NotNow("This selection is a draft; there is nothing to undo.")
        latest = latest_applied(selection.project)
        if latest != selection.number:
            raise NotNow(f"Selection {latest} was applied on top of this one; undo that first.")
        _rank_back(selection)
        ranks.close_slots(slot_ids=selection.outcome["opened"])
        selection.state, selection.undone_at = SelectionState.UNDONE, now
        selection.save(update_fields=["state", "undone_at"])
        _audit(selection, user, "selection.undone", now)
    return selection


def selection_for(*, project: Project, number: int) -> Selection:
    """Find a selection by its number.

    Raises:
        NotFound: there is none.
    """
    found = Selection.objects.filter(project=project, number=number).select_related("project")
    for selection in found:
        return selection
    raise NotFound("There is no such selection.")


def _locked(selection: Selection) -> Selection:
    """Lock the project's selections, so that two people act one after the other."""
    Project.objects.select_for_update(no_key=True).get(pk=selection.project_id)
    return Selection.objects.select_related("project").get(pk=selection.pk)


def _keep(
    project: Project,
    user: User | None,
    wish: Wish,
    outcome: dict[str, Any],
    rows: Sequence[Pick],
    now: datetime,
) -> Selection:
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        known = Selection.objects.filter(project=project)
        last = known.aggregate(last=Max("number"))["last"] or 0
        selection = Selection.objects.create(
            project=project,
            number=last + 1,
            method=wish.method,
            parameters=wish_json(wish),
            outcome=outcome | {"on_top_of": latest_applied(project)},
            created_by=user,
            created_at=now,
        )
        for row in rows:
            row.selection = selection
        Pick.objects.bulk_create(rows, batch_size=2_000)
    return selection


def _picked_comparisons(plan: Plan, item_of: dict[int, int]) -> list[Pick]:
    return [
        Pick(
            place=place,
            comparison_id=pick.id,
            item_id=item_of[pick.id],
            score=pick.score,
            reason=pick.reason,
        )
        for place, pick in enumerate(plan.picks, 1)
    ]


def _picked_responses(
    project: Project, plan: Plan, wish: Wish
) -> tuple[list[Pick], dict[str, Any]]:
    """A row for each comparison among the chosen responses, and what there is to say of them."""
    why = {pick.id: pick for pick in plan.picks}
    chosen = response_subsets.chosen_responses(list(why), wish)
    rows: list[Pick] = []
    for one in chosen:
        for responses in response_subsets.compared(one, project):
            reason = "; ".join(filter(None, (one.reason, why[one.item].reason)))
            rows.append(
                Pick(
                    place=len(rows) + 1,
                    item_id=one.item,
                    response_ids=list(responses),
                    score=one.subset.value,
                    reason=reason[:300],
                )
            )
    if not rows:
        raise NothingToPick(
            "No item has enough responses with a vector"
            + (" and a quality." if wish.quality else ".")
        )
    return rows, {"n_items": len(chosen), "without_vectors": len(why) - len(chosen)}


def _rank(selection: Selection, now: datetime) -> None:
    picks = list(selection.picks.order_by("place"))
    comparisons = _comparisons_of(selection, picks, now)
    first = first_rank(selection.project) - len(picks)
    if first <= LOWEST_RANK:
        raise NotNow("The queue has no lower ranks left; undo an older selection first.")
    wanted = {comparisons[pick.pk]: first + at for at, pick in enumerate(picks)}
    before = ranks.rank_comparisons(project=selection.project, ranks=wanted)
    for pick in picks:
        pick.comparison_id = comparisons[pick.pk]
        pick.rank_before = before[comparisons[pick.pk]]
    Pick.objects.bulk_update(picks, ["comparison", "rank_before"], batch_size=2_000)
    still_open = candidates.unsettled(selection.project).filter(id__in=list(wanted))
    opened = ranks.open_first_slots(comparison_ids=list(still_open.values_list("id", flat=True)))
    selection.outcome |= {"first_rank": first, "opened": opened}


def _comparisons_of(selection: Selection, picks: Sequence[Pick], now: datetime) -> dict[int, int]:
    """The comparison of each pick, by the pick's id; responses get one where there is none."""
    known = {pick.pk: pick.comparison_id for pick in picks if pick.comparison_id is not None}
    wanted = {
        pick.pk: (pick.item_id, tuple(pick.response_ids)) for pick in picks if pick.pk not in known
    }
    planned = ranks.plan_comparisons(
        project=selection.project, pairs=list(wanted.values()), now=now
    )
    return known | {pk: planned[pair] for pk, pair in wanted.items()}


def _rank_back(selection: Selection) -> None:
    given = selection.outcome["first_rank"] - 1
    rows = selection.picks.filter(comparison__isnull=False, rank_before__isnull=False)
    before = {
        comparison: (given + place, rank)
        for comparison, place, rank in rows.values_list("comparison_id", "place", "rank_before")
    }
    now_ranked = Comparison.objects.filter(id__in=before).values_list("id", "rank")
    untouched = {pk: before[pk][1] or 0 for pk, rank in now_ranked if rank == before[pk][0]}
    ranks.rank_comparisons(project=selection.project, ranks=untouched)


def _audit(selection: Selection, user: User | None, action: str, now: datetime) -> None:
    audit.record_event(
        actor=user,
        action=action,
        subject=f"project:{selection.project.slug}",
        detail={"selection": selection.number, "picks": selection.picks.count()},
        now=now,
    )


def _why_nothing(plan: Plan) -> str:
    if not plan.outcome["candidates"]:
        return "Nothing is open to pick from: all is settled, left out, or not imported yet."
    if plan.outcome["unscored"] == plan.outcome["candidates"]:
        return "No candidate has a value of these signals yet; wait for them, or choose others."
    return "The budget buys no candidate at all; raise it."
