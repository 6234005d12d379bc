import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from annotation.domain.agreement import alpha, gwet_ac1, pairwise_agreement, tally_of_counts
from annotation.domain.live_agreement import effective_units, live_agreement
from annotation.domain.resampling import intervals_by_item

tables = arrays.arrays(
    np.int64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 3)
)


def simulated(n_items, n_votes, rng):
    """Votes of people who err on one vote in four."""
    truth = rng.integers(0, 3, n_items)
    said = np.where(
        rng.random((n_items, n_votes)) < 0.75, truth[:, None], rng.integers(0, 3, (n_items, 1))
    )
    counts = np.zeros((n_items, 4), np.int64)
    np.add.at(counts, (np.arange(n_items)[:, None], said), 1)
    return counts, np.repeat(np.arange(n_items), n_votes), said.ravel()


class TestLiveAgreement:
    @given(tables)
    def test_has_the_values_of_the_plain_coefficients(self, counts):
        tally = tally_of_counts(counts)

        found = live_agreement(tally)

        assert found.pairwise.value == pairwise_agreement(tally).value
        assert found.n_units == (counts.sum(axis=1) > 1).sum()
        if found.n_units:
            assert found.alpha.value == alpha(tally).value
            assert found.ac1.value == gwet_ac1(tally).value

    @given(tables)
    def test_holds_each_value_inside_its_interval(self, counts):
        found = live_agreement(tally_of_counts(counts))

        for rate in (found.pairwise, found.pairwise_no_ties, found.unanimous, found.alpha):
            if rate.low is not None:
                assert rate.low - 1e-9 <= rate.value <= rate.high + 1e-9

    def test_is_undefined_without_two_votes_on_one_unit(self):
        found = live_agreement(tally_of_counts(np.array([[1, 0, 0, 0], [0, 1, 0, 0]])))

        assert (found.n_units, found.n_votes) == (0, 2)
        assert found.pairwise.value is found.alpha.value is found.ac1.value is None

    @pytest.mark.parametrize("n_votes", [2, 5])
    def test_is_at_least_as_wide_as_resampled_items(self, n_votes):
        counts, unit, said = simulated(400, n_votes, np.random.default_rng(0))

        found = live_agreement(tally_of_counts(counts))
        resampled = intervals_by_item(unit, said, 4)

        for rate, interval in (
            (found.pairwise, resampled.pairwise),
            (found.alpha, resampled.alpha),
        ):
            assert rate.high - rate.low > 0.95 * (interval.high - interval.low)
            assert rate.high - rate.low < 2.5 * (interval.high - interval.low)


class TestEffectiveUnits:
    def test_is_the_number_of_units_where_all_weigh_the_same(self):
        tally = tally_of_counts(np.array([[2, 1, 0, 0]] * 7))

        assert effective_units(tally, np.array([0, 0, 1, 3])) == pytest.approx(7)

    def test_shrinks_where_one_unit_outweighs_the_others(self):
        tally = tally_of_counts(np.array([[20, 0, 0, 0]] + [[2, 0, 0, 0]] * 7))
        m = np.arange(21)

        assert effective_units(tally, m * (m - 1) / 2) < 1.1
