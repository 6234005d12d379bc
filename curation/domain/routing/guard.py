"""How often judges err in a slice of the work, and when that is too often to go on.

An error is a verdict other than people's. The audited comparisons are a random share of those that
judges settle, so their errors are coin tosses with the slice's own probability, and two things
follow: how often judges err at worst, for whoever looks now; and whether they err too often, which
is asked anew with every audit that comes in and so must withstand being asked again and again.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

LEVEL = 0.95
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Watch:
    """What the audits of one slice say.

    Attributes:
        rate: share of verdicts that people did not share, None without audits.
        bound: what the error does not exceed, for one look; 1 without audits.
        least: what the error exceeds, however often one looks; 0 without errors.
        must_turn: `least` is above the limit.
    """

    n_audited: int
    n_wrong: int
    rate: float | None
    bound: float
    least: float
    must_turn: bool


def watch(n_wrong: int, n_audited: int, limit: float, *, level: float = LEVEL) -> Watch:
    """Tell what the audits of a slice say, and whether it must be turned to people.

    Args:
        n_wrong: verdicts that people did not share, 0 to `n_audited`.
        limit: the error that is allowed, in (0, 1); at 0 or 1 as near to it as makes sense.
        level: probability in (0, 1) with which each of the two bounds holds. Of slices that err no
            more than the limit, at most 1 - level are ever turned.
    Raises:
        ValueError: the counts do not fit together.
    """
    _, bound = error_limits(n_wrong, n_audited, level=level)
    return Watch(
        n_audited=n_audited,
        n_wrong=n_wrong,
        rate=n_wrong / n_audited if n_audited else None,
        bound=bound,
        least=running_least(n_wrong, n_audited, level=level),
        must_turn=errs_too_often(n_wrong, n_audited, limit, level=level),
    )


def error_limits(n_wrong: int, n_audited: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Bound a probability from a number of trials, exactly and for one look.

    Returns:
        What it exceeds and what it does not exceed, each with probability `level`, in [0, 1];
        (0, 1) without trials.
    Raises:
        ValueError: the counts do not fit together.

    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the
    case of the binomial, by the quantiles of the beta distribution.
    """
    check(n_wrong, n_audited)
    n_right = n_audited - n_wrong
    low = stats.beta.ppf(1 - level, n_wrong, n_right + 1) if n_wrong else 0.0
    high = stats.beta.ppf(level, n_wrong + 1, n_right) if n_right else 1.0
    return float(low), float(high)


def errs_too_often(n_wrong: int, n_audited: int, limit: float, *, level: float = LEVEL) -> bool:
    """Say whether the probability of an error is above a limit, however often this is asked.

    Of slices whose probability is at most `limit`, at most 1 - level are ever told to be above it,
    no matter how many audits there are and how often one looks.
    """
    if not n_audited or n_wrong <= limit * n_audited:
        return False
    return bool(log_odds_against(n_wrong, n_audited, limit) >= -np.log(1 - level))


def running_least(n_wrong: int, n_audited: int, *, level: float = LEVEL) -> float:
    """What the probability of an error exceeds, at all looks together with probability `level`.

    Returns:
        In [0, n_wrong / n_audited]; 0 without errors. It is below the one-sided limit of
        Clopper and Pearson, which holds for one look alone.
    """
    check(n_wrong, n_audited)
    if not n_wrong:
        return 0.0
    rate = n_wrong / n_audited

    def excess(probability: float) -> float:
        return log_odds_against(n_wrong, n_audited, probability) + float(np.log(1 - level))

    if excess(TINY) <= 0:
        return 0.0
    return float(optimize.brentq(excess, TINY, rate, xtol=1e-10))


def log_odds_against(n_wrong: int, n_audited: int, probability: float) -> float:
    """How much likelier the audits are if any probability may be the true one than under this one.

    Averaged over all probabilities alike, this ratio is a martingale under the true one, so it ever
    reaches 1 / (1 - level) with probability 1 - level at most (Ville's inequality).

    Returns:
        The natural logarithm of the ratio; 0 without audits.

    Source: Robbins (1970), Statistical methods related to the law of the iterated logarithm; for
    the mixture over all probabilities of Bernoulli trials Howard, Ramdas, McAuliffe and Sekhon
    (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences.
    """
    under = min(max(probability, TINY), 1 - TINY)
    n_right = n_audited - n_wrong
    any_at_all = special.betaln(n_wrong + 1, n_right + 1)
    return float(any_at_all - n_wrong * np.log(under) - n_right * np.log1p(-under))


def check(n_wrong: int, n_audited: int) -> None:
    if not 0 <= n_wrong <= n_audited:
        raise ValueError(f"{n_wrong} of {n_audited} audits cannot be wrong")
