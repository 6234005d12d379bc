"""How far votes on the same units agree, and how much of that is beyond chance.

Everything here follows from a `Tally`: for each number of votes m, how often two votes of one unit
said (v, w). Its counts are whole numbers, so a tally that is changed unit by unit equals the one
counted afresh, exactly. A coefficient is never shown alone: `prevalence` says how lopsided the
values are, without which a kappa near zero can not be read (the kappa paradox).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from annotation.domain.errors import DomainError
from annotation.domain.verdicts import Floats, Ints

FEW_CELLS = 1 << 22  # up to here a dense table of units by values costs less than sorting


class TooFewRatings(DomainError):
    """No unit carries two ratings, so there is nothing to compare."""

    code = "too_few_ratings"

    def __init__(self) -> None:
        super().__init__("No unit has two ratings yet; agreement needs at least one such unit.")


class Level(StrEnum):
    """What the differences between values mean (Stevens' levels of measurement)."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


@dataclass(frozen=True)
class Coefficient:
    """A chance-corrected agreement: 1 - (1 - observed) / (1 - expected).

    `observed` and `expected` are agreements (1 minus disagreement in units of `level`'s distance
    for Krippendorff's alpha). `value` is None where chance alone already agrees fully.
    """

    name: str
    value: float | None
    observed: float
    expected: float
    n_units: int
    n_votes: int
    prevalence: tuple[float, ...] = ()


@dataclass(frozen=True)
class Share:
    """A share of `n` things; None where there are none."""

    value: float | None
    n: int


def share(part: float, whole: float) -> Share:
    return Share(float(part / whole) if whole else None, int(whole))


@dataclass(frozen=True)
class Tally:
    """Votes and pairs of votes by the number m of votes of their unit, which indexes each array.

    units: (M + 1,) units with m votes. unanimous: (M + 1,) those whose votes are all alike.
    votes: (M + 1, V) their votes by value. pairs: (M + 1, V, V) ordered pairs of different votes
    of one unit, by the values they gave. Whole numbers all.
    """

    units: Ints
    unanimous: Ints
    votes: Ints
    pairs: Ints

    @property
    def n_values(self) -> int:
        return self.votes.shape[1]

    def replaced(self, old: Sequence[int], new: Sequence[int]) -> "Tally":
        """Exchange one unit's votes, at a cost that does not depend on the number of units.

        Args:
            old: (V,) the unit's votes by value as they were counted; all 0 for a new unit.
            new: (V,) as they are now; all 0 for a unit that is gone.
        Returns:
            The tally that `tally_of` would count from the changed votes.
        """
        most = max(sum(old), sum(new))
        arrays = [_grown(a, most) for a in (self.units, self.unanimous, self.votes, self.pairs)]
        units, unanimous, votes, pairs = arrays
        for counts, sign in ((np.asarray(old), -1), (np.asarray(new), 1)):
            m = int(counts.sum())
            if m:
                units[m] += sign
                unanimous[m] += sign * int(counts.max() == m)
                votes[m] += sign * counts
                pairs[m] += sign * (np.outer(counts, counts) - np.diag(counts))
        return Tally(*arrays)

    def as_json(self) -> dict[str, Any]:
        """Plain lists, from which `tally_from_json` restores an equal tally."""
        return {name: array.tolist() for name, array in vars(self).items()}


def tally_from_json(stored: dict[str, Any]) -> Tally:
    return Tally(**{name: np.array(stored[name], np.int64) for name in stored})


def _grown(array: Ints, most: int) -> Ints:
    missing = max(most + 1 - len(array), 0)
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), np.int64)])


def counts_by_unit(unit: Ints, value: Ints, n_values: int, n_units: int | None = None) -> Ints:
    """Count votes by unit and value.

    Args:
        unit: (n,) unit of each vote, from 0. Units without votes are allowed.
        value: (n,) code of each vote, 0 to n_values - 1; negative where missing.
    Returns:
        (U, V) counts, U = `n_units` or one more than the highest unit.
    """
    n_units = int(unit.max(initial=-1)) + 1 if n_units is None else n_units
    if value.size and value.min() < 0:
        unit, value = unit[value >= 0], value[value >= 0]
    cells = np.multiply(unit, n_values, dtype=np.int64) + value
    return np.bincount(cells, minlength=n_units * n_values).reshape(n_units, n_values)


def tally_of(unit: Ints, value: Ints, n_values: int) -> Tally:
    """Count the votes of all units. Arguments as in `counts_by_unit`; rows in any order."""
    return tally_of_counts(counts_by_unit(unit, value, n_values))


def tally_of_counts(counts: Ints) -> Tally:
    """Count units, votes and pairs from (U, V) votes by unit and value."""
    n_values = counts.shape[1]
    m = counts @ np.ones(n_values, np.int64)  # five times as fast as a sum over so short an axis
    sizes = np.flatnonzero(np.bincount(m, minlength=1))
    most = int(sizes.max(initial=0))
    units, unanimous = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64)
    votes = np.zeros((most + 1, n_values), np.int64)
    pairs = np.zeros((most + 1, n_values, n_values), np.int64)
    for size in sizes[sizes > 0]:
        own = (counts if len(sizes) == 1 else counts[m == size]).astype(float)
        units[size], votes[size] = len(own), np.rint(np.ones(len(own)) @ own)
        unanimous[size] = np.count_nonzero(own == size)
        pairs[size] = np.rint(own.T @ own) - np.diag(votes[size])
    return Tally(units, unanimous, votes, pairs)


def pairwise_agreement(tally: Tally, among: Collection[int] | None = None) -> Share:
    """Share of pairs of votes on one unit that are equal, pooled over all units.

    Args:
        among: the values to look at; pairs with another value on either side are left out. Ties
            left out is `among=DECISIVE`.
    Returns:
        0 to 1 and the number of unordered pairs. Repeated votes of one annotator count as pairs.
    """
    pairs = tally.pairs.sum(axis=0)
    if among is not None:
        pairs = pairs[np.ix_(sorted(among), sorted(among))]
    return share(np.trace(pairs) / 2, pairs.sum() / 2)


def mean_unit_agreement(tally: Tally) -> Share:
    """Average over units of the share of equal pairs: every unit weighs one. 0 to 1."""
    m = np.arange(len(tally.units))
    alike = np.trace(tally.pairs, axis1=1, axis2=2) / np.maximum(m * (m - 1), 1)
    return share(alike[2:].sum(), tally.units[2:].sum())


def unanimous_share(tally: Tally) -> Share:
    """Share of the units with two or more votes whose votes are all equal. 0 to 1."""
    return share(tally.unanimous[2:].sum(), tally.units[2:].sum())


def value_share(tally: Tally, value: int) -> Share:
    """Share of all votes, also on units with one vote, that say `value`. 0 to 1."""
    return share(tally.votes[:, value].sum(), tally.votes.sum())


def prevalence(tally: Tally) -> tuple[float, ...]:
    """Share of each value among all votes: V numbers that add up to 1, or all 0 without votes."""
    votes = tally.votes.sum(axis=0)
    return tuple((votes / max(votes.sum(), 1)).tolist())


def alpha(
    tally: Tally, level: Level | str = Level.NOMINAL, scale: Sequence[float] | Floats | None = None
) -> Coefficient:
    """Krippendorff's alpha of coded votes, missing ones simply absent.

    Args:
        level: how distance is measured. Units with one vote are left out.
        scale: (V,) the number that each code stands for, by default the code itself; the order of
            values for `ordinal`, the values for `interval` and `ratio`; unused for `nominal`.
    Returns:
        1 for perfect agreement, 0 for chance, negative below chance, at most 1; 1.0 when every
        vote is the same.
    Raises:
        TooFewRatings: no unit carries two votes.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, case C and D.
    """
    weight = 1 / np.maximum(np.arange(len(tally.units)) - 1, 1)
    coincidences = np.tensordot(weight[2:], tally.pairs[2:], axes=1)
    votes = tally.votes[2:].sum(axis=0)
    n = int(votes.sum())
    if n == 0:
        raise TooFewRatings
    numbers = np.arange(tally.n_values, dtype=float) if scale is None else np.array(scale, float)
    used = votes > 0
    distance = squared_distances(numbers[used], votes[used], level)
    by_chance = (np.outer(votes, votes) - np.diag(votes))[np.ix_(used, used)] / (n - 1)
    observed = float((coincidences[np.ix_(used, used)] * distance).sum()) / n
    expected = float((by_chance * distance).sum()) / n
    value = 1 - observed / expected if expected else 1.0
    n_units = int(tally.units[2:].sum())
    return Coefficient(
        f"alpha_{Level(level)}", value, 1 - observed, 1 - expected, n_units, n, prevalence(tally)
    )


def squared_distances(numbers: Floats, votes: Ints, level: Level | str) -> Floats:
    """Krippendorff's difference function between values.

    Args:
        numbers: (V,) the values. votes: (V,) how often each was given, for `ordinal`.
    Returns:
        (V, V) squared distances, 0 on the diagonal. `ordinal` is the squared difference of mean
        ranks; `ratio` of two zeros is 0.

    Source: Krippendorff (2011), section "difference functions".
    """
    if level == Level.NOMINAL:
        return 1.0 - np.eye(len(numbers))
    if level == Level.ORDINAL:
        numbers = mean_ranks(numbers, votes)
    gaps = numbers[:, None] - numbers[None, :]
    if level == Level.RATIO:
        sums = numbers[:, None] + numbers[None, :]
        gaps = np.divide(gaps, sums, out=np.zeros_like(gaps), where=sums != 0)
    return gaps**2


def mean_ranks(numbers: Floats, votes: Ints) -> Floats:
    """Mean rank of each value among all votes; equal numbers share a rank. (V,) to (V,)."""
    order, inverse = np.unique(numbers, return_inverse=True)
    votes_at = np.bincount(inverse, votes, len(order))
    return (np.cumsum(votes_at) - votes_at / 2)[inverse]


def gwet_ac1(tally: Tally) -> Coefficient:
    """Gwet's AC1: agreement beyond chance where chance only strikes on hard units.

    pe = sum_v q_v (1 - q_v) / (V - 1), with q_v the share of v averaged over units, and observed
    agreement averaged over the units with two or more votes. V is the number of values that can be
    given, used or not.

    Returns:
        At most 1; stays high under lopsided values where kappa and alpha collapse.
    Raises:
        TooFewRatings: no unit carries two votes.

    Source: Gwet (2008), Computing inter-rater reliability and its variance in the presence of high
    agreement; missing ratings as in Gwet (2014), Handbook of Inter-Rater Reliability.
    """
    observed = mean_unit_agreement(tally)
    if observed.value is None:
        raise TooFewRatings
    m = np.maximum(np.arange(len(tally.units)), 1)
    q = (tally.votes / m[:, None]).sum(axis=0) / tally.units[1:].sum()
    expected = float((q * (1 - q)).sum() / (tally.n_values - 1))
    value = (observed.value - expected) / (1 - expected)
    n_votes = int(tally.votes.sum())
    return Coefficient(
        "ac1", value, observed.value, expected, observed.n, n_votes, prevalence(tally)
    )


def cohen_kappa(first: Ints, second: Ints, n_values: int) -> Coefficient:
    """Cohen's kappa between two raters of the same units.

    Args:
        first, second: (n,) codes 0 to n_values - 1; rows where either is negative are left out.
    Returns:
        -1 to 1; value None where both always give the same one value, since chance then explains
        all. `prevalence` is that of both raters together.
    Raises:
        TooFewRatings: no unit is rated by both.

    Source: Cohen (1960), A coefficient of agreement for nominal scales.
    """
    rated = (first >= 0) & (second >= 0)
    n = int(rated.sum())
    if n == 0:
        raise TooFewRatings
    cells = first[rated].astype(np.int64) * n_values + second[rated]
    table = np.bincount(cells, minlength=n_values**2).reshape(n_values, n_values) / n
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    observed, expected = float(np.trace(table)), float(rows @ columns)
    value = (observed - expected) / (1 - expected) if expected < 1 - 1e-12 else None
    shares = tuple(((rows + columns) / 2).tolist())
    return Coefficient("kappa", value, observed, expected, n, 2 * n, shares)
