import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from curation.domain.routing.learned import route_by_utility, threshold_for, utility
from curation.domain.routing.off_policy import chances_of_labels, ips, snips

SEEDS = 40


@pytest.fixture(scope="module")
def routed():
    """Estimates over seeds: a fifth to people by an estimate of where judges err, a twentieth by
    chance, 4,000 comparisons."""
    rows = []
    for seed in range(SEEDS):
        draw = np.random.default_rng(seed)
        score = draw.normal(0.6, 1.4, 4000)
        right = draw.random(4000) < expit(score)
        gain = utility(expit(score + draw.normal(0, 0.7, 4000)), 0.85)
        found = route_by_utility(
            gain, threshold=threshold_for(gain, 0.2), explore=0.05, draws=draw.random(4000)
        )
        told = snips(right.astype(float), found.propensity, found.to_people)
        plain = ips(right.astype(float), found.propensity, found.to_people)
        naive = right[found.to_people].mean()
        rows.append((right.mean(), told.value, told.se, naive, plain.value, plain.se))
    return np.array(rows)


class TestSnips:
    def test_is_within_its_standard_error_of_the_truth_as_often_as_it_says(self, routed):
        truth, value, se = routed[:, :3].T
        errors = (value - truth) / se

        assert abs(errors.mean()) < 3 / np.sqrt(SEEDS)
        assert (np.abs(errors) < 1).mean() > 0.5
        assert (np.abs(errors) < 3).all()

    def test_leaves_the_plain_mean_far_behind(self, routed):
        truth, value, se, naive = routed[:, :4].T

        assert (naive < truth - 3 * se).all()

    def test_is_steadier_than_without_normalising(self, routed):
        truth, value, _, _, plain, _ = routed.T

        assert (value - truth).std() < (plain - truth).std()

    def test_weighs_each_observation_by_its_propensity(self):
        found = snips(np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.5, 0.5]), np.array([1, 1, 0]) > 0)

        assert found.value == pytest.approx(1 / 3)
        assert found.effective_n == pytest.approx(9 / 5)
        assert found.n_observed == 2

    def test_of_nothing_observed_is_unknown(self):
        found = snips(np.ones(3), np.full(3, 0.5), np.zeros(3, bool))

        assert (found.value, found.se, found.effective_n) == (None, None, 0.0)

    def test_refuses_what_could_not_be_observed(self):
        with pytest.raises(ValueError):
            snips(np.ones(1), np.zeros(1), np.ones(1, bool))

    @given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=1))
    def test_stays_within_the_outcomes(self, rows):
        outcomes, propensities = np.array(rows).T

        found = snips(outcomes, propensities, np.ones(len(rows), bool))

        assert outcomes.min() - 1e-9 <= found.value <= outcomes.max() + 1e-9
        assert 1 - 1e-9 <= found.effective_n <= len(rows) + 1e-9


class TestIps:
    def test_is_near_the_truth_on_average(self, routed):
        truth, _, _, _, plain, se = routed.T

        assert abs((plain - truth).mean()) < 3 * se.mean() / np.sqrt(SEEDS)


class TestRouteByUtility:
    def test_never_asks_people_where_nothing_is_gained(self):
        found = route_by_utility(
            np.array([-0.1, 0.0, 0.1]), threshold=-1.0, explore=0.0, draws=np.zeros(3)
        )

        assert found.to_people.tolist() == [False, False, True]
        assert found.propensity.tolist() == [0.0, 0.0, 1.0]

    def test_explores_the_rest_by_chance_and_says_so(self):
        found = route_by_utility(
            np.array([0.5, -0.5, -0.5]),
            threshold=0.0,
            explore=0.05,
            draws=np.array([0.01, 0.01, 0.5]),
        )

        assert found.to_people.tolist() == [True, True, False]
        assert found.explored.tolist() == [False, True, False]
        assert found.propensity.tolist() == [1.0, 0.05, 0.05]

    def test_leaves_the_unknown_to_chance(self):
        found = route_by_utility(
            np.array([np.nan, np.nan]), threshold=0.0, explore=0.5, draws=np.array([0.4, 0.6])
        )

        assert found.to_people.tolist() == [True, False]
        assert found.propensity.tolist() == [0.5, 0.5]

    @given(
        st.lists(st.floats(-1, 1) | st.just(float("nan")), min_size=1, max_size=50),
        st.floats(0, 1),
    )
    def test_keeps_to_the_share_that_the_threshold_was_made_for(self, gains, share):
        gain = np.array(gains)

        found = route_by_utility(
            gain, threshold=threshold_for(gain, share), explore=0.0, draws=np.zeros(len(gain))
        )

        assert found.to_people.mean() <= share + 1e-9


class TestUtility:
    def test_is_the_gain_in_right_labels_less_the_price(self):
        gain = utility(np.array([0.5, 0.9]), 0.8, 2.0, cost_human=0.5, cost_judge=0.1, price=0.5)

        assert gain.tolist() == pytest.approx([0.4, -0.4])


AUDIT_SHARE = 0.1


def turned_slice(seed, answered):
    """The truth, the SNIPS estimate and the plain mean where judges are right in 60 % of one slice
    of 2,000 and in 90 % of another of 4,000; the first was turned to people after its audits, who
    have judged a share `answered` of the rest. Another 600 of the first, of which judges are right
    in 20 %, people had been asked to judge in any case, and have."""
    draw = np.random.default_rng(seed)
    is_turned = np.arange(6_600) < 2_600
    is_hard = np.arange(6_600) < 600
    right = draw.random(6_600) < np.select([is_hard, is_turned], [0.2, 0.6], 0.9)
    is_early = is_hard | (draw.random(6_600) < AUDIT_SHARE)
    asked = is_early | is_turned
    labelled = (is_early | (is_turned & (draw.random(6_600) < answered)))[asked]
    propensity = np.where(is_turned, 1.0, AUDIT_SHARE)[asked]
    lowest = np.where(is_hard, 1.0, AUDIT_SHARE)[asked]
    chance = chances_of_labels(propensity, lowest, is_turned[asked].astype(np.int64), labelled)
    told = snips(right[asked].astype(float), chance, labelled)
    return right.mean(), told.value, told.se, right[asked][labelled].mean()


class TestChancesOfLabels:
    @pytest.mark.parametrize("answered", [0.0, 0.3, 1.0])
    def test_keep_the_estimate_at_the_truth_whatever_part_of_a_turned_slice_is_judged(
        self, answered
    ):
        rows = np.array([turned_slice(seed, answered) for seed in range(SEEDS)])
        truth, value, se, naive = rows.T

        assert abs((value - truth).mean()) < 3 * se.mean() / np.sqrt(SEEDS)
        assert (np.abs(value - truth) < 4 * se).all()
        if answered:
            assert (naive < truth - 3 * se).all()

    def test_are_the_propensity_where_all_have_answered_and_less_before(self):
        propensities = np.array([1.0, 1.0, 0.1, 0.1, 0.1, 0.1])
        labelled = np.array([1, 1, 1, 0, 0, 0]) > 0

        found = chances_of_labels(propensities, propensities, np.zeros(6, np.int64), labelled)

        assert found == pytest.approx([1, 1, 0.025, 0.025, 0.025, 0.025])

    def test_of_nothing_are_none(self):
        none = np.empty(0)

        assert len(chances_of_labels(none, none, none.astype(np.int64), none > 0)) == 0
