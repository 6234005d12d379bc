"""The second round of best versus rest: once a first round has a winner, it meets all others."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q

from annotation.domain.pairing import best_versus_rest
from annotation.domain.vocabulary import ExclusionReason, PairStrategy, ProjectState, ResponseFormat
from annotation.models import Comparison, Consensus, Exclusion, Item, Project
from annotation.services.importing import copying
from annotation.services.importing.items import add_comparisons, add_slots


def open_second_rounds(*, project: Project, now: datetime, limit: int = 1000) -> int:
    """Open best-versus-rest for items whose first round is judged throughout. Safe to repeat.

    Returns:
        How many comparisons were added; 0 in projects with another strategy.
    """
    is_theirs = project.pair_strategy == PairStrategy.BEST_VERSUS_REST
    if not is_theirs or project.response_format != ResponseFormat.PAIRWISE:
        return 0
    return sum(
        open_second_round(item=item, best=best, now=now)
        for item, best in judged_first_rounds(project, limit)
    )


def open_all_second_rounds(*, now: datetime) -> int:
    """Open second rounds in every active project. Safe to repeat.

    Returns:
        How many comparisons were added.
    """
    projects = Project.objects.filter(
        state=ProjectState.ACTIVE,
        pair_strategy=PairStrategy.BEST_VERSUS_REST,
        response_format=ResponseFormat.PAIRWISE,
    )
    return sum(open_second_rounds(project=project, now=now) for project in projects.order_by("pk"))


def open_second_round(*, item: Item, best: int, now: datetime) -> int:
    """Compare one response of an item with each other one, where that is not planned yet.

    Args:
        best: id of the response that came out first.
    Returns:
        How many comparisons were added.
    """
    with transaction.atomic():
        copying.lock_project(item.project_id)
        responses = dict(item.responses.order_by("position").values_list("id", "author_id"))
        ids = list(responses)
        planned = Comparison.objects.filter(item=item, context="")
        known = {tuple(pair) for pair in planned.values_list("response_ids", flat=True)}
        pairs = [
            tuple(sorted((ids[one], ids[other])))
            for one, other in best_versus_rest(len(ids), ids.index(best))
        ]
        missing = [pair for pair in pairs if pair not in known]
        made = copying.next_ids(Comparison, len(missing))
        rows = [(new, item.id, pair) for new, pair in zip(made, missing, strict=True)]
        add_comparisons(item.project, rows, now)
        add_slots(item.project, made)
        keep_authors_away(dict(zip(made, missing, strict=True)), responses, now)
    return len(missing)


def keep_authors_away(
    pairs: Mapping[int, tuple[int, ...]], authors: Mapping[int, int | None], now: datetime
) -> None:
    Exclusion.objects.bulk_create(
        Exclusion(
            comparison_id=comparison,
            annotator_id=author,
            reason=ExclusionReason.AUTHOR,
            created_at=now,
        )
        for comparison, pair in pairs.items()
        for author in sorted({authors[response] or 0 for response in pair} - {0})
    )


def judged_first_rounds(project: Project, limit: int) -> Iterator[tuple[Item, int]]:
    """Items with just their first round, all of it judged, each with its best response.

    The best is the one with the highest mean share of wins in its comparisons.
    """
    has_votes = Q(comparisons__consensus__n_votes__gt=0)
    items = (
        Item.objects.filter(project=project)
        .select_related("project")
        .annotate(
            n_responses=Count("responses", distinct=True),
            n_planned=Count("comparisons", distinct=True),
            n_judged=Count("comparisons", filter=has_votes, distinct=True),
        )
        .filter(n_responses__gt=2, n_planned=F("n_responses") - 1, n_judged=F("n_planned"))
        .order_by("id")[:limit]
    )
    for item in items:
        yield item, best_of(item)


def best_of(item: Item) -> int:
    shares: dict[int, list[float]] = {}
    for scores in Consensus.objects.filter(comparison__item=item).values_list("scores", flat=True):
        for response, share in scores.items():
            shares.setdefault(int(response), []).append(share)
    return max(sorted(shares), key=lambda response: sum(shares[response]) / len(shares[response]))
