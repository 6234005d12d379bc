"""Rank correlations over several divisions of the votes, with intervals from drawing prompts."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from annotation.domain.verdicts import Floats, Ints

DRAWS = 1000
LEVEL = 0.95
SEED = 20


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """A correlation and what it is in each of the draws, NaN where undefined."""

    value: float
    drawn: Floats

    def interval(self) -> tuple[float, float] | tuple[None, None]:
        return interval(self.drawn)


def interval(drawn: Floats) -> tuple[float, float] | tuple[None, None]:
    """The middle 95 % of what was drawn; none where more than one draw in twenty is undefined."""
    known = drawn[np.isfinite(drawn)]
    if len(known) < LEVEL * len(drawn) or not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def prompt_draws(n_prompts: int, n_draws: int = DRAWS) -> Floats:
    """Draw prompts with replacement: how often each comes, (n_draws, P)."""
    draw = np.random.default_rng(SEED)
    return draw.multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), n_draws).astype(float)


def spearman(
    first: Floats, second: Floats, split: Ints, prompt: Ints, draws: Floats
) -> Correlation:
    """Correlate ranks within each division of the votes, and average over the divisions.

    Ranks are taken once; the draws weigh the prompts' rows anew, which is what makes a thousand of
    them cheap.

    Args:
        first, second: (m,) finite. split: (m,) division. prompt: (m,) number of the prompt.
        draws: (B, P) how often each prompt comes in each draw.
    Returns:
        -1 to 1; NaN where either is constant.
    """
    n_prompts = draws.shape[1]
    weights = np.vstack([np.ones(n_prompts), draws])
    totals, n_splits = np.zeros(len(weights)), 0
    for number in np.unique(split):
        rows = split == number
        x, y = centred_ranks(first[rows]), centred_ranks(second[rows])
        columns = (np.ones(len(x)), x, y, x * x, y * y, x * y)
        sums = np.array([np.bincount(prompt[rows], column, n_prompts) for column in columns])
        totals += pearson(weights @ sums.T)
        n_splits += 1
    values = totals / n_splits if n_splits else np.full(len(weights), np.nan)
    return Correlation(float(values[0]), values[1:])


def centred_ranks(values: Floats) -> Floats:
    ranks: Floats = rankdata(values)
    return ranks - ranks.mean()


def pearson(sums: Floats) -> Floats:
    """Correlate from (B, 6) sums: of ones, of x, y, xx, yy and xy. (B,)."""
    n, x, y, xx, yy, xy = sums.T
    spread = (n * xx - x * x) * (n * yy - y * y)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(spread > 1e-9, (n * xy - x * y) / np.sqrt(spread), np.nan)
    return found
