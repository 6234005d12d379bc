import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from annotation.domain import bradley_terry, davidson
from annotation.domain.comparisons import BadComparisons

FLAT = {"prior_sd": 1e4, "tie_prior_sd": 1e4}


def tables(n=4, top=9):
    table = arrays(float, (n, n), elements=st.integers(0, top).map(float))
    return table.map(lambda cells: cells * (1 - np.eye(n)))


class TestPuddingData:
    def test_gives_the_published_worths_and_propensity_to_tie(self, pudding):
        found = davidson.fit(*pudding, **FLAT)

        worth = np.exp(found.scores)
        published = [0.1388005, 0.1729985, 0.1617420, 0.1653930, 0.1586805, 0.2023855]
        assert worth / worth.sum() == pytest.approx(published, abs=5e-5)
        assert found.delta == pytest.approx(0.7468147, abs=5e-5)
        assert found.log_delta_se == pytest.approx(0.0825, abs=5e-5)
        assert found.delta_se == pytest.approx(0.7468 * 0.0825, abs=5e-5)
        assert found.log_likelihood == pytest.approx(-809.7095, abs=5e-5)

    def test_has_errors_like_those_of_a_numeric_hessian(self, pudding):
        wins, ties = pudding
        found = davidson.fit(wins, ties, **FLAT)

        def loss(theta):
            return -davidson.log_likelihood(wins, ties, np.append(0, theta[:5]), np.exp(theta[5]))

        start = np.append(found.scores[1:] - found.scores[0], np.log(found.delta))
        step = 1e-3 * np.eye(6)
        hessian = [
            [
                (
                    loss(start + i + j)
                    - loss(start + i - j)
                    - loss(start - i + j)
                    + loss(start - i - j)
                )
                / 4e-6
                for j in step
            ]
            for i in step
        ]
        inverse = np.linalg.inv(hessian)

        to_first = bradley_terry.strength(
            found.scores, found.covariance, np.arange(1, 6), np.zeros(5, int)
        )
        assert to_first.sd == pytest.approx(np.sqrt(np.diag(inverse)[:5]), rel=1e-4)
        assert found.log_delta_se == pytest.approx(np.sqrt(inverse[5, 5]), rel=1e-4)

    def test_is_as_likely_as_any_optimiser_can_make_it(self, pudding):
        found = davidson.fit(*pudding, **FLAT)

        best = minimize(
            lambda theta: -davidson.log_likelihood(*pudding, theta[:6], np.exp(theta[6])),
            np.zeros(7),
            method="BFGS",
        )

        assert found.log_likelihood >= -best.fun - 1e-8


class TestFit:
    def test_equals_newmans_ranking_of_evalica(self, pudding):
        import evalica

        wins, ties = pudding
        rows = [
            (i, j, winner, int(times))
            for table, winner in ((wins, evalica.Winner.X), (np.triu(ties), evalica.Winner.Draw))
            for (i, j), times in np.ndenumerate(table)
            if times
        ]
        first, second, winners, weights = map(list, zip(*rows, strict=True))
        theirs = evalica.newman(
            first, second, winners, weights=weights, tie_weight=1.0, tolerance=1e-12, limit=10_000
        )

        ours = davidson.fit(wins, ties, **FLAT)

        logits = np.log(theirs.scores.sort_index().to_numpy())
        assert ours.scores == pytest.approx(logits - logits.mean(), abs=1e-5)
        assert ours.delta == pytest.approx(2 * theirs.v, abs=1e-5)

    def test_is_finite_where_all_or_nothing_is_tied(self):
        one_way = np.array([[0.0, 3], [0, 0]])

        never = davidson.fit(one_way, np.zeros((2, 2)))
        always = davidson.fit(np.zeros((2, 2)), one_way + one_way.T)

        assert 0 < never.delta < 1 < always.delta < np.inf
        assert never.scores[0] > 0 == pytest.approx(always.scores[0])

    def test_sees_in_a_tie_a_sign_that_two_items_are_near(self):
        wins = np.array([[0.0, 20], [5, 0]])
        ties = np.array([[0.0, 30], [30, 0]])

        apart = davidson.fit(wins, np.zeros((2, 2)), **FLAT)
        near = davidson.fit(wins, ties, **FLAT)

        assert near.delta / (2 * np.cosh(near.scores[0]) + near.delta) == pytest.approx(30 / 55)
        assert near.scores[0] == pytest.approx(apart.scores[0])

    def test_knows_nothing_without_comparisons(self):
        found = davidson.fit(np.zeros((3, 3)), np.zeros((3, 3)))

        assert (found.scores.tolist(), found.delta, found.n_components) == ([0, 0, 0], 1, 3)

    def test_refuses_ties_that_are_not_mutual(self):
        with pytest.raises(BadComparisons):
            davidson.fit(np.zeros((2, 2)), np.array([[0.0, 1], [0, 0]]))
        with pytest.raises(BadComparisons):
            davidson.fit(np.zeros((2, 2)), np.zeros((3, 3)))

    @settings(max_examples=40)
    @given(tables(), tables(), st.permutations(range(4)))
    def test_finds_the_same_mode_under_any_names(self, wins, half_ties, names):
        ties = half_ties + half_ties.T
        order = np.ix_(names, names)

        ours, renamed = davidson.fit(wins, ties), davidson.fit(wins[order], ties[order])

        assert ours.has_converged
        assert renamed.scores == pytest.approx(ours.scores[names], abs=1e-7)
        assert renamed.delta == pytest.approx(ours.delta, rel=1e-6)


class TestProbabilities:
    @given(
        arrays(float, 3, elements=st.floats(-300, 300)),
        st.floats(1e-3, 100),
    )
    def test_add_up_to_one_however_far_apart_items_are(self, scores, delta):
        better, tie = davidson.probabilities(scores, delta)

        assert better + better.T + tie == pytest.approx(np.ones((3, 3)))

    def test_of_a_tie_between_equals_is_delta_over_two_plus_delta(self):
        _, tie = davidson.probabilities(np.zeros(2), 0.5)

        assert tie[0, 1] == pytest.approx(0.5 / 2.5)
