"""How far prompts differ in what a judge gets right: what labels of few prompts cannot tell."""

import numpy as np
from scipy import special

from annotation.domain.verdicts import Bools, Floats, Ints

DECIMALS = 6


def spread_over(prompt: Ints, p: Floats, is_right: Bools) -> float:
    """Standard deviation between prompts of the share right less what is foretold.

    With n_g labels of prompt g and mean residual r_g, n_g r_g^2 is p (1 - p) + n_g s^2 on average;
    s^2 is solved for over all prompts, 0 where chance alone explains what is seen.
    """
    _, who = np.unique(prompt, return_inverse=True)
    n = np.bincount(who)
    residual = np.bincount(who, is_right - p) / n
    by_chance = np.bincount(who, p * (1 - p)) / n
    variance = float((n * residual**2 - by_chance).sum() / n.sum())
    return round(max(variance, 0.0) ** 0.5, DECIMALS)


def off_elsewhere(prompt: Ints, p: Floats, is_right: Bools) -> float:
    """How far the share right on other prompts may be from the mean probability, 0 to 1.

    The half-width of a 95 % interval of the mean residual over prompts that are drawn at random, by
    the t distribution. Folds that are made alike hide it: with few prompts that differ it is by far
    the greater doubt.

    Args:
        prompt: (n,) of two or more different ones. p, is_right: (n,).

    Source: Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, for
    the variance of a mean whose terms go together.
    """
    _, who = np.unique(prompt, return_inverse=True)
    residual = is_right - p
    sums = np.bincount(who, residual - residual.mean())
    error = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(p)
    return round(min(float(special.stdtrit(len(sums) - 1, 0.975) * error), 1.0), DECIMALS)
