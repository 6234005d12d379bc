"""Signs of how an annotator works: pace, runs on one side, drift. Signs ask for a look, not a ban.

Each sign has a p-value under honest work; over many annotators they are corrected together
(`rates.benjamini_hochberg`), so that a large project does not accuse the innocent.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal, special

from annotation.domain.verdicts import Bools, Floats, Ints

FASTEST_READER = 15.0  # tokens a second; nobody reads faster, so below this is not reading
FAR_OUT = 3.5  # robust z: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers
MAD_TO_SD = 1.4826  # of a normal distribution
MEMORY = 0.1  # weight of the newest residual: the average looks back about 20 votes
FEWEST_FOR_DRIFT = 30


def is_too_fast(seconds: Floats, tokens: Floats) -> Bools:
    """Mark votes given in less time than reading takes.

    A vote is too fast under the hard floor of `FASTEST_READER`, or where the log of seconds per
    token lies `FAR_OUT` robust standard deviations below the median of all votes given here.

    Args:
        seconds: (n,) time on each vote, above 0; NaN where unknown. tokens: (n,) reading tokens.
            Pass the votes of one kind of task together.
    Returns:
        (n,) False where either is unknown or there is nothing to read.
    """
    known = (seconds > 0) & (tokens > 0)
    pace = np.log(np.where(known, seconds, 1) / np.where(known, tokens, 1))
    if not known.any():
        return known
    median = np.median(pace[known])
    spread = MAD_TO_SD * float(np.median(np.abs(pace[known] - median)))
    far_below = pace < median - FAR_OUT * spread if spread else np.zeros(len(pace), bool)
    return known & (far_below | (pace < -np.log(FASTEST_READER)))


@dataclass(frozen=True)
class Runs:
    """The longest run of one side among an annotator's decisive votes.

    expected: mean longest run, of either side, of fair coin tosses. p_value: chance of one at
    least as long when sides are independent draws with the given shares; 1.0 without votes.
    entropy: of the sides chosen, in bits, 0 (always one side) to 1 (evenly both); None without
    votes.
    """

    longest: int
    expected: float
    p_value: float
    entropy: float | None
    n: int


def side_runs(side: Ints, share_first: float = 0.5) -> Runs:
    """Judge whether an annotator clicks one side through.

    Args:
        side: (n,) 0 for the side shown first, 1 for the other, in the order of voting.
        share_first: share of first sides that honest votes would have: 0.5 where the order is
            random, else the project's own share. In (0, 1).

    Source: Schilling (1990), The longest run of heads, for the recursion and the expectation.
    """
    n = len(side)
    if not n:
        return Runs(0, 0.0, 1.0, None, 0)
    edges = np.flatnonzero(np.diff(side)) + 1
    longest = int(np.diff(np.concatenate([[0], edges, [n]])).max())
    shares = (share_first, 1 - share_first)
    p_value = min(sum(run_probability(n, longest, share) for share in shares), 1.0)
    p = float(np.mean(side))
    entropy = -sum(q * np.log2(q) for q in (p, 1 - p) if q > 0)
    expected = max(np.log2(n) + np.euler_gamma / np.log(2) - 0.5, 1.0)
    return Runs(longest, float(expected), p_value, float(entropy), n)


def run_probability(n: int, length: int, share: float) -> float:
    """Probability that n independent draws hold a run of `length` successes of chance `share`.

    With s_t = P(no such run in t draws): s_t = s_(t-1) - (1 - share) share^length s_(t-1-length).

    Source: Schilling (1990), with unequal shares.
    """
    if length > n:
        return 0.0
    ends = share**length
    start, follow = np.zeros(length + 1), np.zeros(length + 2)
    start[0], start[length] = 1, -ends
    follow[:2], follow[length + 1] = (1, -1), (1 - share) * ends
    without = signal.lfilter(start, follow, np.eye(1, n + 1)[0])
    return float(np.clip(1 - without[n], 0, 1))


@dataclass(frozen=True)
class Drift:
    """Whether each of A annotators changed over time.

    change_at: (A,) number of an annotator's votes before the likeliest change. shift: (A,) mean
    residual after it minus before. p_value: (A,) under "the order does not matter", whatever the
    level of skill; NaN under `FEWEST_FOR_DRIFT` votes or without any spread (shift is then 0).
    """

    change_at: Ints
    shift: Floats
    p_value: Floats


def drift(who: Ints, residuals: Floats, n: int) -> Drift:
    """Test every annotator for a change of level, all at once.

    With S_t the running sum of centred residuals, max |S_t| / (sd sqrt(m)) over an annotator's m
    votes has, for an honest worker, the law of the largest distance of a Brownian bridge from 0.

    Args:
        who: (N,) annotator of each vote, from 0, below n. residuals: (N,) what was said minus what
            was expected (of the consensus of others, of the sides, of the pace…), oldest first.
    Returns:
        See `Drift`. Conservative below about 100 votes.

    Source: Page (1954), Continuous inspection schemes, for the sums; Ploberger and Kraemer (1992),
    The CUSUM test with OLS residuals, for the limit law.
    """
    order = np.argsort(who, kind="stable")
    who, residuals = who[order], residuals[order].astype(float)
    m = np.bincount(who, minlength=n)
    mean = np.bincount(who, residuals, n) / np.maximum(m, 1)
    centred = residuals - mean[who]
    spread = np.sqrt(np.bincount(who, centred**2, n) / np.maximum(m, 1))
    sums = np.abs(np.cumsum(centred))  # every annotator's own part adds up to 0
    peak, change_at, shift = np.zeros(n), np.zeros(n, np.int64), np.zeros(n)
    starts = np.cumsum(m) - m
    tested = (m >= FEWEST_FOR_DRIFT) & (spread > 1e-12)
    for i in np.flatnonzero(tested):
        rows = slice(starts[i], starts[i] + m[i])
        at = int(sums[rows][:-1].argmax()) + 1
        peak[i], change_at[i] = sums[rows][at - 1], at
        own = residuals[rows]
        shift[i] = own[at:].mean() - own[:at].mean()
    scaled = np.divide(peak, spread * np.sqrt(m), out=np.zeros(n), where=tested)
    return Drift(change_at, shift, np.where(tested, special.kolmogorov(scaled), np.nan))


def moving_average(values: Floats) -> Floats:
    """Exponentially weighted average after each of an annotator's votes, for plots.

    Args:
        values: (n,) oldest first.
    Returns:
        (n,) starting from the first value; each vote weighs `MEMORY` when it is the newest.

    Source: Roberts (1959), Control chart tests based on geometric moving averages.
    """
    if not len(values):
        return values
    start = [(1 - MEMORY) * values[0]]
    return signal.lfilter([MEMORY], [1, MEMORY - 1], values, zi=start)[0]
