from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from annotation.domain.agreement import TooFewRatings
from annotation.domain.rank_agreement import DifferentLengths, ranking_agreement, tau_b

tiers = st.lists(st.integers(0, 3), min_size=4, max_size=4)
rankings = st.lists(st.tuples(st.integers(0, 3), tiers), min_size=2, max_size=10)


def distance(left, right):
    """Kendall's distance, a tie against an order one half, as a share of the pairs."""
    gaps = [
        abs(np.sign(left[a] - left[b]) - np.sign(right[a] - right[b])) / 2
        for a, b in combinations(range(len(left)), 2)
    ]
    return sum(gaps) / len(gaps)


class TestTauB:
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=9))
    def test_equals_scipy(self, pairs):
        first, second = np.array(pairs, float).T

        ours, theirs = tau_b(first, second), kendalltau(first, second).statistic

        assert (ours is None) == bool(np.isnan(theirs))
        assert ours is None or ours == pytest.approx(theirs)

    def test_leaves_out_what_one_of_them_did_not_place(self):
        first, second = np.array([0, 1, 2, np.nan]), np.array([0, 1, 2, 0])

        assert tau_b(first, second) == 1.0

    def test_refuses_rankings_of_different_lengths(self):
        with pytest.raises(DifferentLengths):
            tau_b(np.zeros(2), np.zeros(3))


class TestRankingAgreement:
    def test_counts_pairs_of_responses(self):
        unit = np.array([0, 0, 1, 1])
        said = np.array([[0, 1, 2], [0, 2, 1], [0, 1, np.nan], [1, 1, np.nan]])

        found = ranking_agreement(unit, said)

        assert (found.n_units, found.n_ranking_pairs) == (2, 2)
        assert found.order.value == pytest.approx(2 / 3)  # the tie of item 1 takes no side
        assert found.tau_a.value == pytest.approx((2 - 1) / 4)
        assert found.same_top.value == pytest.approx(1 / 2)

    @given(rankings)
    def test_alpha_equals_its_definition(self, rows):
        by_unit = {u: [t for v, t in rows if v == u] for u, _ in rows}
        by_unit = {u: ts for u, ts in by_unit.items() if len(ts) > 1}
        unit = np.array([u for u, _ in rows])
        said = np.array([t for _, t in rows], float)
        if not by_unit:
            with pytest.raises(TooFewRatings):
                ranking_agreement(unit, said)
            return
        pool = [t for ts in by_unit.values() for t in ts]
        observed = sum(
            2 * sum(distance(a, b) for a, b in combinations(ts, 2)) / (len(ts) - 1)
            for ts in by_unit.values()
        ) / len(pool)
        expected = sum(2 * distance(a, b) for a, b in combinations(pool, 2)) / (
            len(pool) * (len(pool) - 1)
        )

        found = ranking_agreement(unit, said).alpha

        assert found.expected == pytest.approx(1 - expected)
        assert found.observed == pytest.approx(1 - observed)
        assert found.value is None or found.value == pytest.approx(1 - observed / expected)

    @given(rankings, st.randoms())
    def test_depends_on_neither_row_order_nor_the_order_of_responses(self, rows, random):
        unit, said = np.array([u for u, _ in rows]), np.array([t for _, t in rows], float)
        if np.bincount(unit).max() < 2:
            return
        order, columns = list(range(len(unit))), [0, 1, 2, 3]
        random.shuffle(order)
        random.shuffle(columns)

        moved = ranking_agreement(unit[order], said[order][:, columns])
        plain = ranking_agreement(unit, said)

        assert moved.order == plain.order
        assert moved.same_top == plain.same_top
        assert moved.alpha.observed == pytest.approx(plain.alpha.observed)
        assert moved.alpha.expected == pytest.approx(plain.alpha.expected)
