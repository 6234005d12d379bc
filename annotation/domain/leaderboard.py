"""Which models win, by how much, and how far that can be trusted: one table from judged pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from annotation.domain import bradley_terry, davidson
from annotation.domain.clustering import Spread, clustered_covariance, rank_intervals
from annotation.domain.comparisons import Comparisons, Floats, Ints, win_matrix, wins_and_ties
from annotation.domain.length_control import control_length
from annotation.domain.transitivity import Transitivity, transitivity
from annotation.domain.verdicts import Bools

LEVEL = 0.95
MOST_MODELS = 300  # a step of Newton's method costs the cube of it
MOST_TESTED = 60  # models in the test of transitivity, which fits 200 tables


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """N judged pairs of answers, by the models that wrote them.

    Attributes:
        first, second: (N,) numbers of models, from 0; rows of one model against itself are left
            out, as are those with a model that is not known (below 0).
        outcome: (N,) 1.0 the first is better, 0.5 a tie, 0.0 the second.
        annotator: (N,) who judged, from 0.
        length_gap: (N,) characters of the first's answer minus those of the second's.
    """

    first: Ints
    second: Ints
    outcome: Floats
    annotator: Ints
    length_gap: Floats

    def where(self, kept: Bools) -> "JudgedPairs":
        return JudgedPairs(
            self.first[kept],
            self.second[kept],
            self.outcome[kept],
            self.annotator[kept],
            self.length_gap[kept],
        )


@dataclass(frozen=True, slots=True)
class Place:
    """One model. score, low, high: logits against the average model, with a 95 % interval.

    rank, rank_low, rank_high: 1 is best. n: judged pairs. win_rate: share of them won, ties as
    halves; tie_rate: share of ties. win_rate_equal_length: mean win rate against each other model
    as it would be if all answers were equally long.
    """

    model: str
    score: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    n: int
    win_rate: float
    tie_rate: float
    win_rate_equal_length: float


@dataclass(frozen=True, slots=True, eq=False)
class Leaderboard:
    """Places, best first, and how they were obtained.

    Attributes:
        models: (M,) names in the order of places. wins, ties: (M, M) in that order; [i, j] the
            strict wins of i over j.
        spread: what intervals rest on; n_annotators: how many judged.
        tie_propensity: Davidson's delta; two equal models tie with delta / (2 + delta).
        n_components: groups of models that no comparison links; above 1 their order is a guess.
        is_separable: some group of models never lost, so that only the prior keeps it finite.
        n_left_out: models beyond `MOST_MODELS`, those with the fewest judged pairs.
    """

    places: list[Place]
    models: list[str]
    wins: Floats
    ties: Floats
    n_votes: int
    spread: Spread
    n_annotators: int
    tie_propensity: float
    n_components: int
    is_separable: bool
    n_left_out: int
    transitivity: Transitivity


def leaderboard(pairs: JudgedPairs, models: Sequence[str], *, seed: int = 0) -> Leaderboard | None:
    """Rank models by Bradley-Terry with ties as halves, intervals clustered by annotator.

    Args:
        models: names by number. seed: of draws; equal pairs in any order and seed give equal ranks.
    Returns:
        Models with at least one judged pair; None without any.

    Source: Bradley and Terry (1952) for scores; Liang and Zeger (1986) for the spread, with
    Student's t on annotators - 1 degrees of freedom; Davidson (1970) for ties.
    """
    kept = (pairs.first >= 0) & (pairs.second >= 0) & (pairs.first != pairs.second)
    pairs, known, n_left_out = _most_compared(pairs.where(kept), len(models))
    if not len(known):
        return None
    names = [models[number] for number in known]
    compared = _comparisons(pairs, len(known))
    fitted = bradley_terry.fit(win_matrix(compared))
    rng = np.random.default_rng(seed)
    clustered = clustered_covariance(compared, fitted, rng=rng)
    ranks = rank_intervals(fitted.scores, clustered.covariance, rng=rng, level=LEVEL)
    reach = _critical(clustered.spread, clustered.n_annotators) * np.sqrt(
        np.maximum(np.diag(clustered.covariance), 0)
    )
    wins, ties = wins_and_ties(compared)
    n = np.rint((wins + wins.T + ties).sum(axis=1))
    order = np.argsort(ranks.rank, kind="stable")
    columns = {
        "score": fitted.scores,
        "low": fitted.scores - reach,
        "high": fitted.scores + reach,
        "rank": ranks.rank,
        "rank_low": np.minimum(ranks.low, ranks.rank),
        "rank_high": np.maximum(ranks.high, ranks.rank),
        "n": n.astype(int),
        "win_rate": (wins + ties / 2).sum(axis=1) / n,
        "tie_rate": ties.sum(axis=1) / n,
        "win_rate_equal_length": _at_equal_length(pairs, len(known)),
    }
    rows = {name: values[order].tolist() for name, values in columns.items()}
    table = np.ix_(order, order)
    return Leaderboard(
        places=[
            Place(names[k], **{name: rows[name][place] for name in rows})
            for place, k in enumerate(order)
        ],
        models=[names[k] for k in order],
        wins=wins[table],
        ties=ties[table],
        n_votes=len(pairs.first),
        spread=clustered.spread,
        n_annotators=clustered.n_annotators,
        tie_propensity=davidson.fit(wins, ties).delta,
        n_components=fitted.n_components,
        is_separable=fitted.is_separable,
        n_left_out=n_left_out,
        transitivity=_tested(wins, ties, n, seed),
    )


def _most_compared(pairs: JudgedPairs, n_models: int) -> tuple[JudgedPairs, Ints, int]:
    """Renumber the models that were compared most; give their numbers and how many are left out."""
    n = np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=n_models)
    compared = np.flatnonzero(n)
    known = np.sort(compared[np.argsort(-n[compared], kind="stable")][:MOST_MODELS])
    place = np.full(n_models, -1)
    place[known] = np.arange(len(known))
    first, second = place[pairs.first], place[pairs.second]
    pairs = JudgedPairs(first, second, pairs.outcome, pairs.annotator, pairs.length_gap)
    return pairs.where((first >= 0) & (second >= 0)), known, len(compared) - len(known)


def _comparisons(pairs: JudgedPairs, n_models: int) -> Comparisons:
    n_annotators = int(pairs.annotator.max()) + 1
    return Comparisons(
        pairs.first, pairs.second, pairs.outcome, n_models, pairs.annotator, n_annotators
    )


def _critical(spread: Spread, n_annotators: int) -> float:
    """How many standard errors an interval reaches to either side."""
    tail = 0.5 + LEVEL / 2
    if spread == Spread.MODEL or n_annotators < 2:
        return float(special.ndtri(tail))
    return float(special.stdtrit(n_annotators - 1, tail))


def _at_equal_length(pairs: JudgedPairs, n_models: int) -> Floats:
    one_prompt = np.zeros(len(pairs.first), np.int64)  # without a baseline, prompts do not count
    control = control_length(
        pairs.first, pairs.second, one_prompt, pairs.outcome, pairs.length_gap, n_models=n_models
    )
    return control.win_rates().astype(np.float64)


def _tested(wins: Floats, ties: Floats, n: Floats, seed: int) -> Transitivity:
    most = np.sort(np.argsort(-n, kind="stable")[:MOST_TESTED])
    table = np.ix_(most, most)
    return transitivity(wins[table], ties[table], seed=seed)
