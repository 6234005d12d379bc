"""How good labels are when a share of the comparisons goes to people, the rest to judges."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import Floats, Ints
from curation.domain.difficulty.correlation import interval

STEPS = 100
GRID = np.linspace(0.0, 1.0, STEPS + 1)
AT_ONCE = 1 << 22  # draws times comparisons held in memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What came of n comparisons whose labels are known, in folds of models.

    Attributes:
        human: (n,) probability that one person's label is right. right: (n,) that the judges' is.
        fold: (n,) which model scored it; an order holds within a fold only.
        prompt: (n,) from 0 to P - 1.
        weights: (D, n) how often each comparison counts: once in the first row, as often as its
            prompt was drawn in the others.
    """

    human: Floats
    right: Floats
    fold: Ints
    prompt: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the middle 95 % of what it is when prompts are drawn anew; None: undefined."""

    value: float | None
    low: float | None
    high: float | None


def outcomes_of(human: Floats, right: Floats, fold: Ints, prompt: Ints, draws: Floats) -> Outcomes:
    """Put the draws of prompts, (B, P), beside the comparisons as they are."""
    weights = np.vstack([np.ones(len(right)), draws[:, prompt]])
    return Outcomes(human, right, fold, prompt, weights)


def curve(outcomes: Outcomes, gain: Floats) -> Floats:
    """Quality when people judge the share b of each fold where most is expected of them.

    q(b) = [sum over those of `human` + sum over the rest of `right`] / n, each fold counting by its
    size. Comparisons of equal gain are sent in random order: between two groups of equals the
    curve is the straight line of its expectation.

    Args:
        gain: (n,) what is expected of asking people, in any unit; only the order counts.
    Returns:
        (D, 101) at the shares 0, .01, … 1, the first row without resampling.
    """
    n_draws = len(outcomes.weights)
    total, size = np.zeros((n_draws, len(GRID))), np.zeros(n_draws)
    for number in np.unique(outcomes.fold):
        rows = np.flatnonzero(outcomes.fold == number)
        order = rows[np.argsort(-gain[rows], kind="stable")]
        ends = np.flatnonzero(np.append(np.diff(gain[order]) != 0, True))
        step = max(AT_ONCE // len(order), 1)
        for start in range(0, n_draws, step):
            part = slice(start, start + step)
            added, n = fold_curve(outcomes, order, ends, outcomes.weights[part])
            total[part] += added
            size[part] += n
    found: Floats = total / np.where(size > 0, size, np.nan)[:, None]
    return found


def fold_curve(
    outcomes: Outcomes, order: Ints, ends: Ints, weights: Floats
) -> tuple[Floats, Floats]:
    """Sums of right labels at each share of a fold, (D, 101), and its sizes, (D,)."""
    own = weights[:, order]
    change = np.cumsum(own * (outcomes.human - outcomes.right)[order], axis=1)[:, ends]
    share = np.cumsum(own, axis=1)[:, ends]
    size = share[:, -1]
    at_first = own @ outcomes.right[order]
    rows = [
        np.interp(GRID * last, np.append(0.0, x), np.append(0.0, y))
        for last, x, y in zip(size, share, change, strict=True)
    ]
    return at_first[:, None] + np.array(rows), size


def straight(outcomes: Outcomes) -> Floats:
    """The curve of sending comparisons to people at random, exactly: a straight line. (D, 101)"""
    size = outcomes.weights.sum(axis=1)
    size = np.where(size > 0, size, np.nan)
    start = outcomes.weights @ outcomes.right / size
    end = outcomes.weights @ outcomes.human / size
    found: Floats = start[:, None] + (end - start)[:, None] * GRID
    return found


def area(curves: Floats) -> Floats:
    """Mean quality over all shares, by the trapezoid rule: (D,) from (D, 101)."""
    return np.asarray(np.trapezoid(curves, GRID, axis=-1), float)


def at_share(curves: Floats, share: float) -> Floats:
    found: Floats = curves[:, round(share * STEPS)]
    return found


def figure(drawn: Floats) -> Figure:
    """The first of (D,) numbers with the middle of the others."""
    if not np.isfinite(drawn[0]):
        return Figure(None, None, None)
    low, high = interval(drawn[1:])
    return Figure(float(drawn[0]), low, high)


def ratio(part: Floats, whole: Floats) -> Floats:
    """(D,) NaN where there is hardly anything to divide by."""
    is_some = whole > 1e-9
    found: Floats = np.where(is_some, part / np.where(is_some, whole, 1.0), np.nan)
    return found
