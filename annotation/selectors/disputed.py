"""The comparisons on which people disagree most: what a reviewer should look at first."""

from dataclasses import dataclass

from annotation.models import Comparison, Consensus, Project
from annotation.selectors.items import excerpt_of
from annotation.selectors.totals import MOST_LOOKED_AT

MOST_SHOWN = 10


@dataclass(frozen=True)
class DisputedRow:
    """A comparison that enough people judged and that is still not settled.

    agreement: share of pairs of votes that are equal. top: probability of the likeliest outcome.
    """

    id: int
    excerpt: str
    n_votes: int
    agreement: float | None
    top: float


def most_disputed(project: Project, most: int = MOST_SHOWN) -> list[DisputedRow]:
    """Find disputed comparisons, least agreement first, then the most votes.

    Looks at the first MOST_LOOKED_AT unsettled comparisons.
    """
    unsettled = Consensus.objects.filter(project=project, is_settled=False).order_by()
    rows = unsettled.values_list("comparison_id", "n_votes", "agreement")[:MOST_LOOKED_AT]
    fewest = max(2, project.settle_min_votes)
    disputed = [(1.0 if a is None else a, -n, pk) for pk, n, a in rows if n >= fewest]
    worst = [pk for _, _, pk in sorted(disputed)[:most]]
    found = Comparison.objects.select_related("item", "consensus").in_bulk(worst)
    return [_row(found[pk]) for pk in worst]


def _row(comparison: Comparison) -> DisputedRow:
    consensus = comparison.consensus
    return DisputedRow(
        id=comparison.pk,
        excerpt=excerpt_of(comparison.item),
        n_votes=consensus.n_votes,
        agreement=consensus.agreement,
        top=max(consensus.posterior.values(), default=0.0),
    )
