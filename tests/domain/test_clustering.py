import numpy as np
import pytest
from scipy.special import expit

from annotation.domain import bradley_terry, clustering
from annotation.domain.clustering import Spread
from annotation.domain.comparisons import BadComparisons, Comparisons, win_matrix


def tasted(seed, *, n_items=8, n_raters=30, per_rater=40, taste=1.0):
    """Raters with a taste of their own for each item, and the scores that all share."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, n_items)
    likes = truth + rng.normal(0, taste, (n_raters, n_items))
    rater = np.repeat(np.arange(n_raters), per_rater)
    first = rng.integers(0, n_items, len(rater))
    second = (first + rng.integers(1, n_items, len(rater))) % n_items
    chance = expit(likes[rater, first] - likes[rater, second])
    outcome = (rng.random(len(rater)) < chance).astype(float)
    return Comparisons(first, second, outcome, n_items, rater, n_raters), truth


def spread_of(comparisons, seed=0, resamples=200):
    fitted = bradley_terry.fit(win_matrix(comparisons))
    rng = np.random.default_rng(seed)
    return fitted, clustering.clustered_covariance(
        comparisons, fitted, rng=rng, resamples=resamples
    )


class TestClusteredCovariance:
    def test_is_wider_than_the_models_where_raters_differ(self):
        ratios = []
        for seed in range(10):
            fitted, clustered = spread_of(tasted(seed)[0])
            ratios.append(np.sqrt(np.trace(clustered.covariance) / np.trace(fitted.covariance)))

        assert clustered.spread == Spread.SANDWICH
        assert 1.25 < np.mean(ratios) < 1.8

    def test_is_about_the_models_where_raters_are_alike(self):
        ratios = []
        for seed in range(10):
            fitted, clustered = spread_of(tasted(seed, taste=0.0)[0])
            ratios.append(np.trace(clustered.covariance) / np.trace(fitted.covariance))

        assert 0.85 < np.mean(ratios) < 1.15

    def test_draws_raters_with_replacement_where_they_are_few(self):
        comparisons, _ = tasted(0, n_raters=10, per_rater=100, taste=1.5)

        fitted, clustered = spread_of(comparisons)

        assert (clustered.spread, clustered.n_annotators) == (Spread.BOOTSTRAP, 10)
        assert np.trace(clustered.covariance) > 1.5 * np.trace(fitted.covariance)

    def test_is_never_narrower_than_the_models_with_few_raters(self):
        comparisons, _ = tasted(0, n_raters=1)

        fitted, clustered = spread_of(comparisons)

        assert clustered.spread == Spread.MODEL
        assert np.array_equal(clustered.covariance, fitted.covariance)

    def test_is_the_same_for_the_same_generator(self):
        comparisons, _ = tasted(0, n_raters=5, taste=2.0)

        once, again = spread_of(comparisons)[1], spread_of(comparisons)[1]

        assert np.array_equal(once.covariance, again.covariance)

    def test_counts_only_raters_who_judged(self):
        comparisons, _ = tasted(0, n_raters=14)
        many_idle = Comparisons(
            comparisons.first,
            comparisons.second,
            comparisons.outcome,
            8,
            comparisons.annotator,
            1000,
        )

        _, clustered = spread_of(many_idle)

        assert clustered.n_annotators == 14
        assert clustered.spread != Spread.SANDWICH

    def test_needs_to_know_who_judged(self):
        comparisons, _ = tasted(0)
        anonymous = Comparisons(
            comparisons.first, comparisons.second, comparisons.outcome, comparisons.n_items
        )

        with pytest.raises(BadComparisons):
            spread_of(anonymous)

    def test_rests_on_slopes_that_cancel_at_the_mode(self):
        comparisons, _ = tasted(3)
        fitted = bradley_terry.fit(win_matrix(comparisons))

        sums = clustering.score_sums(comparisons, fitted.scores, fitted.prior_sd)

        assert sums.sum(0) == pytest.approx(np.zeros(8), abs=1e-7)

    @pytest.mark.slow
    def test_covers_the_truth_95_times_in_100_where_the_model_does_not(self):
        inside, by_model = [], []
        # Many raters: with few, the scores of "all raters" are themselves a small sample.
        for seed in range(200):
            comparisons, truth = tasted(seed, n_raters=60, per_rater=20, taste=0.7)
            fitted, clustered = spread_of(comparisons)
            # A mixture of tastes flattens the scores that fit them all; compare with the limit.
            limit = population_scores(truth, 0.7)
            off = np.abs(fitted.scores - limit)
            inside.append(off < 1.96 * np.sqrt(np.diag(clustered.covariance)))
            by_model.append(off < 1.96 * np.sqrt(np.diag(fitted.covariance)))

        assert 0.93 <= np.mean(inside) <= 0.97
        assert np.mean(by_model) < 0.93


def population_scores(truth, taste):
    """Scores that fit best when all raters there could be judge all pairs equally often."""
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    gaps = truth[:, None] - truth[None, :]
    chance = expit(gaps[..., None] + np.sqrt(2) * taste * points) @ (weights / weights.sum())
    wins = 1200 / 56 * chance * (1 - np.eye(len(truth)))
    return bradley_terry.fit(wins).scores


class TestRankIntervals:
    def test_hold_one_rank_where_scores_are_certain(self):
        found = clustering.rank_intervals(
            np.array([0.0, 2, 1]), np.zeros((3, 3)), rng=np.random.default_rng(0)
        )

        assert found.rank.tolist() == found.low.tolist() == found.high.tolist() == [3, 1, 2]

    def test_hold_every_rank_where_nothing_is_known(self):
        found = clustering.rank_intervals(
            np.zeros(3), np.eye(3) - 1 / 3, rng=np.random.default_rng(0)
        )

        assert found.low.tolist() == [1, 1, 1]
        assert found.high.tolist() == [3, 3, 3]

    def test_overlap_only_where_scores_do(self):
        scores = np.array([5.0, 0.1, 0.0, -5.0])

        found = clustering.rank_intervals(scores, 0.1 * np.eye(4), rng=np.random.default_rng(0))

        assert found.low.tolist() == [1, 2, 2, 4]
        assert found.high.tolist() == [1, 3, 3, 4]
