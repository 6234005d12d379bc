import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit

from annotation.domain import biased_bt, bradley_terry
from annotation.domain.biased_bt import Priors
from annotation.domain.comparisons import BadComparisons, Comparisons, win_matrix


class Campaign:
    """Annotators who differ in sharpness and lean to a side, and to the longer response."""

    def __init__(self, seed, *, n_items=10, n_raters=20, n_rows=3000, side=0.3, length=0.35):
        rng = np.random.default_rng(seed)
        self.scores = rng.normal(0, 1, n_items)
        self.scores -= self.scores.mean()
        self.sharpness = rng.normal(0, 0.5, n_raters)
        self.side = side + rng.normal(0, 0.5, n_raters)
        rater = rng.integers(0, n_raters, n_rows)
        first = rng.integers(0, n_items, n_rows)
        second = (first + rng.integers(1, n_items, n_rows)) % n_items
        self.covariates = rng.normal(size=(n_rows, 1))
        gap = self.scores[first] - self.scores[second]
        z = np.exp(self.sharpness[rater]) * gap + self.side[rater] + length * self.covariates[:, 0]
        outcome = (rng.random(n_rows) < expit(z)).astype(float)
        self.comparisons = Comparisons(first, second, outcome, n_items, rater, n_raters)


class TestFit:
    def test_recovers_ability_reliability_side_and_length_together(self):
        campaign = Campaign(0, n_items=20, n_raters=50, n_rows=20_000)

        found = biased_bt.fit(campaign.comparisons, campaign.covariates)

        assert np.corrcoef(found.scores, campaign.scores)[0, 1] > 0.99
        assert np.corrcoef(found.sharpness.value, campaign.sharpness)[0, 1] > 0.9
        assert np.corrcoef(found.own_side.value, campaign.side)[0, 1] > 0.9
        assert found.covariates.low[0] < 0.35 < found.covariates.high[0]
        assert found.side.low[0] < campaign.side.mean() < found.side.high[0]

    def test_keeps_verbose_items_from_winning_by_length(self):
        rng = np.random.default_rng(1)
        truth, longer = np.array([1.0, 0.0, -1.0]), np.array([-1.0, 0.0, 1.0])
        first = rng.integers(0, 3, 4000)
        second = (first + rng.integers(1, 3, 4000)) % 3
        gap = truth[first] - truth[second]
        length = (longer[first] - longer[second] + rng.normal(0, 1, 4000))[:, None]
        outcome = (rng.random(4000) < expit(gap + 1.5 * length[:, 0])).astype(float)
        rows = Comparisons(first, second, outcome, 3, np.zeros(4000, int), 1)

        plain = bradley_terry.fit(win_matrix(rows)).scores
        aware = biased_bt.fit(rows, length).scores

        assert plain[0] < plain[2]
        assert aware[0] > aware[1] > aware[2]

    def test_equals_bradley_terry_where_nobody_may_be_biased(self):
        campaign = Campaign(2)
        none = np.empty((3000, 0))
        strict = Priors(score=2.0, sharpness=1e-4, side=1e-4, own_side=1e-4)

        ours = biased_bt.fit(campaign.comparisons, none, priors=strict)

        theirs = bradley_terry.fit(win_matrix(campaign.comparisons))
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-3)
        assert ours.covariance == pytest.approx(theirs.covariance, abs=1e-4)

    def test_has_the_gradient_of_its_objective(self):
        campaign = Campaign(3, n_items=4, n_raters=3, n_rows=30)
        who = campaign.comparisons.annotator
        rest = (campaign.comparisons, who, campaign.covariates, Priors())
        theta = np.random.default_rng(0).normal(0, 0.5, 4 + 1 + 1 + 6)

        numeric = approx_fprime(
            theta, lambda at: biased_bt.negative_log_posterior(at, *rest)[0], 1e-7
        )

        _, analytic = biased_bt.negative_log_posterior(theta, *rest)
        assert analytic == pytest.approx(numeric, abs=1e-4)

    def test_has_the_covariance_of_its_curvature(self):
        campaign = Campaign(4, n_items=3, n_raters=2, n_rows=4000)
        who = campaign.comparisons.annotator
        rest = (campaign.comparisons, who, campaign.covariates, Priors())
        found = biased_bt.fit(campaign.comparisons, campaign.covariates)
        shared = np.concatenate([found.scores, found.side.value, found.covariates.value])
        own = found.own_side.value - found.side.value
        theta = np.concatenate([shared, found.sharpness.value, own])
        nudges = 1e-4 * np.eye(len(theta))

        def slope(at):
            return biased_bt.negative_log_posterior(at, *rest)[1]

        hessian = np.array([(slope(theta + n) - slope(theta - n)) / 2e-4 for n in nudges])
        inverse = np.linalg.inv(hessian)

        assert found.covariates.se[0] == pytest.approx(np.sqrt(inverse[4, 4]), rel=0.05)
        assert found.side.se[0] == pytest.approx(np.sqrt(inverse[3, 3]), rel=0.05)
        assert found.sharpness.se == pytest.approx(np.sqrt(np.diag(inverse)[5:7]), rel=0.05)
        whole = inverse[3, 3] + 2 * inverse[3, 7] + inverse[7, 7]
        assert found.own_side.se[0] == pytest.approx(np.sqrt(whole), rel=0.05)

    def test_turns_the_side_round_when_sides_are_swapped(self):
        campaign = Campaign(5)
        rows = campaign.comparisons
        swapped = Comparisons(rows.second, rows.first, 1 - rows.outcome, 10, rows.annotator, 20)

        ours = biased_bt.fit(rows, campaign.covariates)
        theirs = biased_bt.fit(swapped, -campaign.covariates)

        assert theirs.side.value == pytest.approx(-ours.side.value, abs=1e-3)
        assert theirs.scores == pytest.approx(ours.scores, abs=1e-3)
        assert theirs.covariates.value == pytest.approx(ours.covariates.value, abs=1e-3)

    def test_knows_nothing_without_comparisons(self):
        nothing = np.empty(0, np.int64)
        rows = Comparisons(nothing, nothing, np.empty(0), 3, nothing, 2)

        found = biased_bt.fit(rows, np.empty((0, 1)))

        assert found.scores.tolist() == [0, 0, 0]
        assert found.covariates.se == pytest.approx([3.0])
        assert found.sharpness.se == pytest.approx([0.7, 0.7])

    def test_refuses_covariates_that_do_not_fit(self):
        campaign = Campaign(6, n_rows=30)

        with pytest.raises(BadComparisons):
            biased_bt.fit(campaign.comparisons, np.zeros((3, 1)))
        with pytest.raises(BadComparisons):
            biased_bt.fit(campaign.comparisons, np.full((30, 1), np.nan))

    @pytest.mark.slow
    def test_covers_the_effects_95_times_in_100(self):
        inside = {"length": [], "sides": [], "sharpness": [], "scores": []}
        for seed in range(100):
            campaign = Campaign(seed)
            found = biased_bt.fit(campaign.comparisons, campaign.covariates)
            own, sharp = found.own_side, found.sharpness
            sd = np.sqrt(np.diag(found.covariance))
            inside["length"].append(found.covariates.low[0] < 0.35 < found.covariates.high[0])
            inside["sides"].append((own.low < campaign.side) & (campaign.side < own.high))
            inside["sharpness"].append(
                (sharp.low < campaign.sharpness) & (campaign.sharpness < sharp.high)
            )
            inside["scores"].append(np.abs(found.scores - campaign.scores) < 1.96 * sd)

        # 100 intervals for the length, 1000 and 2000 for the others.
        assert 0.90 <= np.mean(inside["length"]) <= 1.0
        for effect in ("sides", "sharpness", "scores"):
            assert 0.93 <= np.mean(inside[effect]) <= 0.98, effect
