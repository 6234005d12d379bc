"""Agreement of rankings with ties: pairs of responses as the unit of account."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.domain.agreement import Coefficient, Share, TooFewRatings, share
from annotation.domain.errors import DomainError
from annotation.domain.verdicts import Floats, Ints

Signs = NDArray[np.int8]
UNPLACED = 2  # in an array of signs: one of the two responses is not in the ranking


class DifferentLengths(DomainError):
    """Two rankings of the same responses have different lengths."""

    code = "different_lengths"


@dataclass(frozen=True)
class RankingAgreement:
    """How the rankings of the same items agree, pooled over pairs of rankings of one item.

    order: pairs of responses ordered alike among those that both rankings order strictly.
    tau_a: (concordant - discordant) / all pairs of responses. same_top: pairs of rankings with
    the same set of best responses. alpha: Krippendorff's with Kendall's distance, None where no
    ranking could be expected to differ.
    """

    n_units: int
    n_ranking_pairs: int
    order: Share
    tau_a: Share
    same_top: Share
    alpha: Coefficient


def tau_b(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b of two rankings, ties corrected for.

    Args:
        first, second: (k,) tiers or scores of the same responses, NaN where not placed (the
            response is then left out of both). k in the hundreds at most: memory is k^2.
    Returns:
        -1 to 1; None where either ranking is one single tie or fewer than two responses remain.
    Raises:
        DifferentLengths: the two do not rank the same number of responses.

    Source: Kendall (1945), The treatment of ties in ranking problems.
    """
    if len(first) != len(second):
        raise DifferentLengths("Both rankings must place the same responses.")
    placed = ~(np.isnan(first) | np.isnan(second))
    left, right = (order_signs(x[placed][None])[0].astype(int) for x in (first, second))
    untied = np.abs(left).sum() * np.abs(right).sum()
    return float((left * right).sum() / np.sqrt(untied)) if untied else None


def order_signs(tiers: Floats) -> Signs:
    """Compare every pair of responses in each ranking.

    Args:
        tiers: (n, k) tier of each response, 0 best; NaN where not placed.
    Returns:
        (n, k (k - 1) / 2) -1 where the earlier response is better, 1 where the later one, 0 for
        a tie, `UNPLACED` where either is missing.
    """
    left, right = np.triu_indices(tiers.shape[1], 1)
    signs = np.sign(tiers[:, left] - tiers[:, right])
    return np.where(np.isnan(signs), UNPLACED, signs).astype(np.int8)


def ranking_agreement(unit: Ints, tiers: Floats) -> RankingAgreement:
    """Compare all rankings of the same items with each other.

    Args:
        unit: (n,) item of each ranking, from 0.
        tiers: (n, K) tier of each of the item's responses in stored order, 0 best; NaN where the
            item has fewer than K responses or the ranking leaves one out.
    Returns:
        Agreement pooled over all pairs of rankings of one item. For alpha, chance is what two
        rankings drawn from items with as many responses would show, aligned by stored order.
    Raises:
        TooFewRatings: no item carries two rankings.

    Source: Kendall (1938) for tau-a; Fagin et al. (2006), Comparing partial rankings, K^(1/2) for
    the distance (a tie against an order counts one half); Krippendorff (2011) for alpha.
    """
    signs = order_signs(tiers)
    says = np.stack([(signs == sign).astype(float) for sign in (-1, 0, 1)])
    n_units = int(unit.max(initial=-1)) + 1
    counts = np.stack([_sums_by(unit, layer, n_units) for layer in says])
    m = np.bincount(unit, minlength=n_units)
    if not (m > 1).any():
        raise TooFewRatings
    before, tied, after = counts
    concordant = _pairs(before) + _pairs(after)
    discordant = float((before * after).sum())
    comparable = _pairs(counts.sum(axis=0))
    return RankingAgreement(
        n_units=int((m > 1).sum()),
        n_ranking_pairs=int((m * (m - 1) // 2).sum()),
        order=share(concordant, concordant + discordant),
        tau_a=share(concordant - discordant, comparable),
        same_top=_same_top(unit, tiers),
        alpha=_tau_alpha(m, counts, (~np.isnan(tiers)).sum(axis=1), unit),
    )


def _sums_by(unit: Ints, rows: Floats, n_units: int) -> Floats:
    sums = np.zeros((n_units, rows.shape[1]))
    np.add.at(sums, unit, rows)
    return sums


def _pairs(counts: Floats) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _same_top(unit: Ints, tiers: Floats) -> Share:
    """Share of pairs of rankings of one item whose best tiers hold the same responses."""
    best = np.fmin.reduce(tiers, axis=1)
    tops = tiers == best[:, None]
    _, kinds, alike = np.unique(
        np.column_stack([unit, tops]), axis=0, return_inverse=True, return_counts=True
    )
    m = np.bincount(unit)
    return share(_pairs(alike.astype(float)), _pairs(m.astype(float)))


def _tau_alpha(m: Ints, counts: Floats, n_responses: Ints, unit: Ints) -> Coefficient:
    """Krippendorff's alpha with Kendall's distance as a share of the pairs of responses.

    The distance of two rankings is a sum over pairs of responses, so the counts of what rankings
    say about each pair give all distances at once.
    """
    width = np.zeros(len(m), np.int64)
    width[unit] = n_responses
    paired = (m > 1) & (width > 1)
    if not paired.any():
        raise TooFewRatings
    observed = expected = 0.0
    for k in np.unique(width[paired]):
        rows = paired & (width == k)
        within = _distances(counts[:, rows]) / (k * (k - 1) / 2)
        pool = _distances(counts[:, rows].sum(axis=1, keepdims=True)) / (k * (k - 1) / 2)
        n = m[rows].sum()
        observed += (2 * within / (m[rows] - 1)).sum()
        expected += float(2 * pool.sum() / (n - 1))
    n_votes = int(m[paired].sum())
    observed, expected = observed / n_votes, expected / n_votes
    value = float(1 - observed / expected) if expected else None
    return Coefficient(
        "alpha_tau", value, float(1 - observed), 1 - expected, int(paired.sum()), n_votes
    )


def _distances(counts: Floats) -> Floats:
    """Sum of distances over the pairs of rankings of each unit, in pairs of responses. (U,)."""
    before, tied, after = counts
    return (before * after + tied * (before + after) / 2).sum(axis=1)
