"""Do verdicts add up to one order? Cycles and what a scale of abilities leaves unexplained.

Votes that follow a perfect scale still show cycles, because they are few. So every figure is set
against its spread in data drawn from the fitted Bradley-Terry model, never against zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from annotation.domain.errors import DomainError
from annotation.domain.verdicts import Floats

RIDGE = 1e-3  # prior precision of an ability: keeps the undefeated finite
NEWTON_STEPS = 100
FEWEST_VOTES_A_PAIR = 3  # below this a cycle says little; reported, not enforced

Fit = Callable[
    [Floats], Floats
]  # (..., n, n) points of i against j to (..., n) abilities in logits


class NotSquare(DomainError):
    """The tables of wins and ties are not square, or differ in shape."""

    code = "not_square"


@dataclass(frozen=True)
class Transitivity:
    """What a table of wins says about one common order, with p-values from a parametric bootstrap.

    cycle_share: share of triples with all three pairs compared whose majorities run in a circle.
    zeta: Kendall's coefficient of consistence, 1 without cycles, 0 at most cycles; None unless
    every pair was compared. residual_share: part of the pairwise log-odds that no scale explains.
    likelihood_ratio: saturated model against Bradley-Terry. Each p is (1 + draws at least as
    large) / (draws + 1); None where there is nothing to test. `is_enough` where some triple is
    complete and compared pairs have `FEWEST_VOTES_A_PAIR` votes on average.
    """

    n_items: int
    n_triples: int
    n_cycles: int
    cycle_share: float | None
    zeta: float | None
    residual_share: float | None
    likelihood_ratio: float | None
    p: float | None
    p_cycles: float | None
    p_residual: float | None
    n_draws: int
    is_enough: bool


def transitivity(
    wins: Floats,
    ties: Floats | None = None,
    *,
    fit: Fit | None = None,
    n_draws: int = 199,
    seed: int = 0,
) -> Transitivity:
    """Describe intransitivity and test it; `p` is that of the likelihood ratio, the best test.

    Args:
        wins: (n, n) times that row beat column, weights allowed, diagonal ignored.
        ties: (n, n) symmetric, ties of each pair; half a point to each side.
        fit: Bradley-Terry by points, for whole stacks of tables; by default the one here.
        n_draws: bootstrap tables. Cost: `n_draws` fits, seconds up to about 50 items.
    Returns:
        Nulls where no triple is complete (shares) or no pair was compared (p).
    Raises:
        NotSquare: the tables do not fit together.

    Source: Kendall and Babington Smith (1940), On the method of paired comparisons (cycles, zeta);
    Jiang et al. (2011), Statistical ranking and combinatorial Hodge theory (residual); Davison and
    Hinkley (1997), Bootstrap Methods and their Application (p).
    """
    ties = np.zeros_like(wins, dtype=float) if ties is None else ties
    if wins.ndim != 2 or wins.shape[0] != wins.shape[1] or wins.shape != ties.shape:
        raise NotSquare("Wins and ties must be square tables of the same items.")
    off = ~np.eye(len(wins), dtype=bool)
    points = np.where(off, wins + ties / 2, 0.0)
    fit = fit or fit_abilities
    found = _statistics(points[None], fit)
    n_triples, n_cycles = int(found.triples[0]), int(found.cycles[0])
    if not points.any():
        return Transitivity(len(wins), *(0, 0), *(None,) * 7, 0, False)
    drawn = _statistics(_draws(points, np.where(off, ties, 0), fit, n_draws, seed), fit)
    compared = points + points.T
    p = {
        name: float(1 + (getattr(drawn, name) >= getattr(found, name) - 1e-9).sum()) / (n_draws + 1)
        for name in ("likelihood_ratio", "cycles", "residual")
    }
    votes_a_pair = compared[compared > 0].mean()
    return Transitivity(
        n_items=len(wins),
        n_triples=n_triples,
        n_cycles=n_cycles,
        cycle_share=n_cycles / n_triples if n_triples else None,
        zeta=_zeta(len(wins), n_triples, n_cycles),
        residual_share=float(found.residual[0]),
        likelihood_ratio=float(found.likelihood_ratio[0]),
        p=p["likelihood_ratio"],
        p_cycles=p["cycles"] if n_triples else None,
        p_residual=p["residual"],
        n_draws=n_draws,
        is_enough=bool(n_triples and votes_a_pair >= FEWEST_VOTES_A_PAIR),
    )


@dataclass(frozen=True)
class _Statistics:
    triples: Floats
    cycles: Floats
    residual: Floats
    likelihood_ratio: Floats


def _statistics(points: Floats, fit: Fit) -> _Statistics:
    """All figures of a stack of (B, n, n) tables of points, each (B,)."""
    ability = fit(points)
    return _Statistics(
        _complete_triples(points),
        _cyclic_triples(points),
        hodge_residual(points),
        _likelihood_ratio(points, ability),
    )


def _complete_triples(points: Floats) -> Floats:
    compared = ((points + points.swapaxes(-1, -2)) > 0).astype(float)
    return np.rint(_trace(compared @ compared @ compared) / 6)


def _cyclic_triples(points: Floats) -> Floats:
    """Triples whose majorities run in a circle; an even pair is part of none."""
    beats = (points > points.swapaxes(-1, -2)).astype(float)
    return np.rint(_trace(beats @ beats @ beats) / 3)


def _trace(tables: Floats) -> Floats:
    return np.trace(tables, axis1=-2, axis2=-1)


def _zeta(n: int, n_triples: int, n_cycles: int) -> float | None:
    """1 - cycles / most cycles that n items can have, where every triple is complete."""
    if n < 3 or n_triples < n * (n - 1) * (n - 2) // 6:
        return None
    return 1 - n_cycles / ((n**3 - n) / 24 if n % 2 else (n**3 - 4 * n) / 24)


def hodge_residual(points: Floats) -> Floats:
    """Share of the weighted squared log-odds that no scores of items explain.

    Args:
        points: (..., n, n) points of row against column.
    Returns:
        (...,) 0 where scores explain all (also where all log-odds are 0) to 1 for pure circles.

    Source: Jiang et al. (2011), Statistical ranking and combinatorial Hodge theory.
    """
    weight = points + points.swapaxes(-1, -2)
    odds = np.log((points + 0.5) / (points.swapaxes(-1, -2) + 0.5))
    laplacian = np.eye(points.shape[-1]) * weight.sum(axis=-1)[..., None] - weight
    scores = np.linalg.pinv(laplacian, hermitian=True) @ (weight * odds).sum(axis=-1)[..., None]
    gaps = scores - scores.swapaxes(-1, -2)
    total = (weight * odds**2).sum(axis=(-2, -1))
    left = (weight * (odds - gaps) ** 2).sum(axis=(-2, -1))
    return np.divide(left, total, out=np.zeros_like(total), where=total > 1e-12)


def _likelihood_ratio(points: Floats, ability: Floats) -> Floats:
    """Twice the log-likelihood that a free probability for every pair gains over one scale."""
    weight = points + points.swapaxes(-1, -2)
    share = np.divide(points, weight, out=np.full_like(points, 0.5), where=weight > 0)
    expected = special.log_expit(ability[..., :, None] - ability[..., None, :])
    gain = special.xlogy(points, np.where(share > 0, share, 1)) - points * expected
    return 2 * gain.sum(axis=(-2, -1))


def fit_abilities(points: Floats) -> Floats:
    """Fit Bradley-Terry with a slight ridge to a stack of tables by Newton's method.

    Args:
        points: (..., n, n) points of row against column, half a point for a tie.
    Returns:
        (..., n) abilities in logits that add up to 0; finite also for the undefeated.

    Source: Bradley and Terry (1952), Rank analysis of incomplete block designs; ridge as a normal
    prior of precision `RIDGE`.
    """
    n = points.shape[-1]
    weight = points + points.swapaxes(-1, -2)
    won = points.sum(axis=-1)
    ability = np.zeros(points.shape[:-1])
    for _ in range(NEWTON_STEPS):
        p = special.expit(ability[..., :, None] - ability[..., None, :])
        slope = weight * p * (1 - p)
        hessian = np.eye(n) * (slope.sum(axis=-1) + RIDGE)[..., None] - slope
        gradient = won - (weight * p).sum(axis=-1) - RIDGE * ability
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        ability += np.clip(step, -2, 2)  # far from the top a full step can overshoot
        if np.abs(step).max() < 1e-8:
            break
    return ability - ability.mean(axis=-1, keepdims=True)


def _draws(points: Floats, ties: Floats, fit: Fit, n_draws: int, seed: int) -> Floats:
    """Draw tables of points from the fitted scale, with as many votes for every pair.

    Ties keep their rate: with p the fitted share of points, a pair ties with probability
    k sqrt(p (1 - p)), as in Davidson's model, k chosen to give the ties that were seen, and wins
    with p minus half of that, so that expected points stay p.
    """
    n = len(points)
    ability = fit(points)
    left, right = np.triu_indices(n, 1)
    votes = np.rint(points[left, right] + points[right, left]).astype(np.int64)
    p = special.expit(ability[left] - ability[right])
    seen = ties[left, right].sum()
    possible = float((votes * np.sqrt(p * (1 - p))).sum())
    tied = np.minimum(
        np.sqrt(p * (1 - p)) * (seen / possible if possible else 0), 2 * np.minimum(p, 1 - p)
    )
    rng = np.random.default_rng(seed)
    drawn_ties = rng.binomial(votes, tied, size=(n_draws, len(votes)))
    decided = np.divide(p - tied / 2, 1 - tied, out=np.full_like(p, 0.5), where=tied < 1)
    won = rng.binomial(votes - drawn_ties, np.clip(decided, 0, 1))
    tables = np.zeros((n_draws, n, n))
    tables[:, left, right] = won + drawn_ties / 2
    tables[:, right, left] = votes - won - drawn_ties / 2
    return tables
