import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.special import expit

from annotation.domain import bradley_terry as bt
from annotation.domain.comparisons import (
    BadComparisons,
    Comparisons,
    win_matrix,
    win_shares,
    wins_and_ties,
)

A, B, C = range(3)
CHAIN = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]], float)  # a > b > c, nobody ever lost back
FLAT = 1e4


def judged(seed, *, n_items=8, n_rows=400, ties=0.0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, n_items)
    first = rng.integers(0, n_items, n_rows)
    second = (first + rng.integers(1, n_items, n_rows)) % n_items
    outcome = (rng.random(n_rows) < expit(truth[first] - truth[second])).astype(float)
    outcome[rng.random(n_rows) < ties] = 0.5
    return Comparisons(first, second, outcome, n_items), truth


def counts(n=4, top=9):
    table = arrays(float, (n, n), elements=st.integers(0, top).map(float))
    return table.map(lambda wins: wins * (1 - np.eye(n)))


class TestCounting:
    def test_gives_half_a_win_to_both_for_a_tie(self):
        played = Comparisons(np.array([A, A, B]), np.array([B, B, A]), np.array([1, 0.5, 0]), 3)

        assert win_matrix(played).tolist() == [[0, 2.5, 0], [0.5, 0, 0], [0, 0, 0]]

    def test_keeps_strict_wins_and_ties_apart(self):
        played = Comparisons(np.array([A, A, B]), np.array([B, B, C]), np.array([1, 0.5, 0]), 3)

        wins, ties = wins_and_ties(played)

        assert wins.tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]
        assert ties.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
        assert np.array_equal(wins + ties / 2, win_matrix(played))

    def test_shows_the_share_of_wins_of_every_pair_that_met(self):
        shares = win_shares(CHAIN + 2 * CHAIN.T * np.array([[0], [1], [0]]))

        assert shares[A, B] == pytest.approx(1 / 3)
        assert np.isnan(np.diag(shares)).all()

    @pytest.mark.parametrize(
        ("first", "second", "outcome"),
        [([0], [0], [1.0]), ([0], [3], [1.0]), ([0], [1], [1.5]), ([0, 1], [1], [1.0])],
    )
    def test_refuses_what_is_not_a_comparison(self, first, second, outcome):
        with pytest.raises(BadComparisons):
            Comparisons(np.array(first), np.array(second), np.array(outcome), 3)


class TestFit:
    def test_is_finite_and_sensible_where_nobody_ever_lost_back(self):
        found = bt.fit(CHAIN)
        a_over_c = bt.strength(found.scores, found.covariance, A, C)

        assert found.scores == pytest.approx([1.225, 0, -1.225], abs=1e-3)
        assert a_over_c.probability == pytest.approx(0.83, abs=1e-2)
        assert a_over_c.sd == pytest.approx(1.87, abs=1e-2)
        assert found.is_separable

    def test_does_not_collapse_on_an_undefeated_newcomer_as_evalica_does(self):
        import evalica

        played, _ = judged(0, n_items=20, n_rows=5000)
        newcomer = Comparisons(
            np.append(played.first, 20),
            np.append(played.second, 0),
            np.append(played.outcome, 1),
            21,
        )
        verdict = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y}
        theirs = evalica.bradley_terry(
            newcomer.first.tolist(),
            newcomer.second.tolist(),
            [verdict[y] for y in newcomer.outcome],
        ).scores

        before, after = bt.fit(win_matrix(played)), bt.fit(win_matrix(newcomer))

        assert theirs.nunique() == 1
        moved = (after.scores[:20] - after.scores[:20].mean()) - before.scores
        assert np.abs(moved).max() < 0.05
        assert after.scores[20] > after.scores[0]
        assert np.sqrt(after.covariance[20, 20]) > 5 * np.sqrt(after.covariance[0, 0])

    def test_equals_evalica_on_data_without_undefeated_items(self):
        import evalica

        played, _ = judged(1, ties=0.2)
        verdict = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
        theirs = evalica.bradley_terry(
            played.first.tolist(),
            played.second.tolist(),
            [verdict[y] for y in played.outcome],
            tie_weight=0.5,
            tolerance=1e-12,
            limit=10_000,
        ).scores.sort_index()

        ours = bt.fit(win_matrix(played), prior_sd=FLAT)

        assert not ours.is_separable
        logits = np.log(theirs.to_numpy())
        assert ours.scores == pytest.approx(logits - logits.mean(), abs=1e-5)

    def test_gives_the_half_win_worths_of_the_pudding_data(self, pudding):
        wins, ties = pudding

        worth = np.exp(bt.fit(wins + ties / 2, prior_sd=FLAT).scores)

        expected = [0.1461, 0.1715, 0.1633, 0.1659, 0.1610, 0.1922]
        assert worth / worth.sum() == pytest.approx(expected, abs=1e-4)

    def test_has_the_covariance_of_a_logistic_regression(self):
        import statsmodels.api as statsmodels

        played, _ = judged(2)
        n = played.n_items
        design = np.zeros((len(played.first), n))
        design[np.arange(len(design)), played.first] = 1
        design[np.arange(len(design)), played.second] = -1
        theirs = statsmodels.Logit(played.outcome, design[:, 1:]).fit(disp=0)

        ours = bt.fit(win_matrix(played), prior_sd=FLAT)
        to_first = bt.strength(ours.scores, ours.covariance, np.arange(1, n), np.zeros(n - 1, int))

        assert to_first.mean == pytest.approx(theirs.params, abs=1e-5)
        assert to_first.sd == pytest.approx(theirs.bse, abs=1e-5)

    def test_reports_the_groups_that_were_never_compared(self):
        apart = np.zeros((5, 5))
        apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 1

        found = bt.fit(apart)

        assert found.component.tolist() == [0, 0, 1, 1, 2]
        assert (found.n_components, found.is_separable) == (3, False)

    def test_leaves_everything_at_zero_without_comparisons(self):
        found = bt.fit(np.zeros((3, 3)))

        assert found.scores.tolist() == [0, 0, 0]
        assert bt.strength(found.scores, found.covariance, A, B).sd == pytest.approx(np.sqrt(8))

    @pytest.mark.parametrize("wins", [np.zeros((2, 3)), np.eye(2), -CHAIN, np.full((2, 2), np.nan)])
    def test_refuses_what_is_not_a_table_of_wins(self, wins):
        with pytest.raises(BadComparisons):
            bt.fit(wins)

    @settings(max_examples=50)
    @given(counts(), st.sampled_from([0.5, 2.0, 50.0]))
    def test_finds_the_mode_whatever_the_counts(self, wins, prior_sd):
        found = bt.fit(wins, prior_sd=prior_sd)

        met = wins + wins.T
        expected = (met * expit(found.scores[:, None] - found.scores)).sum(1)
        slope = wins.sum(1) - expected - found.scores / prior_sd**2
        assert found.has_converged
        assert slope == pytest.approx(np.zeros(4), abs=1e-6)

    @settings(max_examples=50)
    @given(counts(), st.permutations(range(4)))
    def test_does_not_depend_on_names(self, wins, names):
        ours, renamed = bt.fit(wins), bt.fit(wins[np.ix_(names, names)])

        assert renamed.scores == pytest.approx(ours.scores[names], abs=1e-8)
        assert renamed.covariance == pytest.approx(ours.covariance[np.ix_(names, names)], abs=1e-8)

    @settings(max_examples=50)
    @given(counts())
    def test_turns_round_when_all_outcomes_do(self, wins):
        assert bt.fit(wins.T).scores == pytest.approx(-bt.fit(wins).scores, abs=1e-8)

    @settings(max_examples=50)
    @given(counts())
    def test_has_a_covariance_of_scores_that_sum_to_zero(self, wins):
        covariance = bt.fit(wins).covariance

        assert covariance.sum(1) == pytest.approx(np.zeros(4), abs=1e-9)
        assert np.linalg.eigvalsh(covariance).min() > -1e-9

    @pytest.mark.slow
    def test_covers_the_truth_95_times_in_100(self):
        inside = []
        for seed in range(200):
            played, truth = judged(seed, n_rows=600)
            found = bt.fit(win_matrix(played))
            sd = np.sqrt(np.diag(found.covariance))
            inside.append(np.abs(found.scores - (truth - truth.mean())) < 1.96 * sd)

        assert 0.93 <= np.mean(inside) <= 0.97


class TestFitMany:
    def test_equals_one_fit_after_the_other(self):
        wins = np.random.default_rng(0).integers(0, 3, (50, 4, 4)).astype(float)
        wins[:, range(4), range(4)] = 0

        many = bt.fit_many(wins)

        for number, one in enumerate(wins):
            alone = bt.fit(one)
            assert many.scores[number] == pytest.approx(alone.scores, abs=1e-9)
            assert many.covariance[number] == pytest.approx(alone.covariance, abs=1e-9)

    def test_works_through_more_problems_than_fit_into_one_chunk(self, monkeypatch):
        wins = np.tile(CHAIN, (7, 1, 1))
        monkeypatch.setattr(bt, "CHUNK", 3)

        assert bt.fit_many(wins).scores == pytest.approx(np.tile(bt.fit(CHAIN).scores, (7, 1)))

    def test_gives_the_strength_of_each_problem(self):
        many = bt.fit_many(np.stack([CHAIN, CHAIN.T]))

        strength = bt.strength(many.scores, many.covariance, A, C)

        assert strength.probability[0] == pytest.approx(1 - strength.probability[1])


class TestStrength:
    def test_of_an_item_over_itself_is_none(self):
        found = bt.fit(CHAIN)

        same = bt.strength(found.scores, found.covariance, B, B)

        assert (same.mean, same.sd, same.probability) == (0, 0, 0.5)

    def test_averages_the_logistic_over_the_posterior(self):
        draws = np.random.default_rng(0).normal(1.0, 1.5, 200_000)
        scores, covariance = np.array([0.5, -0.5]), np.diag([2.25, 0.0])

        strength = bt.strength(scores, covariance, 0, 1)

        assert strength.probability == pytest.approx(expit(draws).mean(), abs=0.01)

    def test_agrees_with_the_table_of_win_probabilities(self):
        scores = np.array([1.0, 0.0, -1.0])

        assert bt.win_probabilities(scores)[A, C] == pytest.approx(expit(2.0))


class TestMode:
    def test_is_where_a_general_optimiser_finds_it(self):
        played, _ = judged(3, n_items=5, n_rows=60)
        wins = win_matrix(played)

        def loss(t):
            gap = t[:, None] - t
            return np.sum(wins * np.logaddexp(0, -gap)) + t @ t / 8

        found = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8})
        assert bt.fit(wins).scores == pytest.approx(found.x, abs=1e-5)
