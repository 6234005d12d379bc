import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.pairing import all_pairs, best_versus_rest, budgeted_pairs

sizes = st.integers(2, 9)


def reached_from(start, pairs):
    reached = {start}
    for _ in pairs:
        reached |= {end for pair in pairs if reached & set(pair) for end in pair}
    return reached


class TestAllPairs:
    def test_holds_each_pair_once(self):
        assert all_pairs(3) == [(0, 1), (0, 2), (1, 2)]


class TestBudgetedPairs:
    @given(sizes, st.integers(1, 50), st.binary(max_size=32))
    def test_gives_as_many_different_pairs_as_were_asked_for(self, n, budget, seed):
        pairs = budgeted_pairs(n, budget, seed)

        assert len(set(pairs)) == len(pairs) == min(budget, n * (n - 1) // 2)
        assert all(0 <= low < high < n for low, high in pairs)

    @given(sizes, st.integers(0, 30), st.binary(max_size=32))
    def test_connects_all_responses_as_soon_as_the_budget_can(self, n, more, seed):
        assert reached_from(0, budgeted_pairs(n, n - 1 + more, seed)) == set(range(n))

    @given(st.integers(3, 9), st.binary(max_size=32))
    def test_gives_each_response_two_opponents_where_the_budget_is_a_cycle(self, n, seed):
        ends = [end for pair in budgeted_pairs(n, n, seed) for end in pair]

        assert all(ends.count(response) == 2 for response in range(n))

    def test_is_the_same_for_the_same_seed_and_differs_between_seeds(self):
        chosen = {tuple(budgeted_pairs(9, 8, bytes([seed]))) for seed in range(20)}

        assert budgeted_pairs(9, 8, b"x") == budgeted_pairs(9, 8, b"x")
        assert len(chosen) > 10


class TestBestVersusRest:
    @pytest.mark.parametrize(("best", "pairs"), [(0, [(0, 1), (0, 2)]), (1, [(0, 1), (1, 2)])])
    def test_sets_the_best_against_each_other_one(self, best, pairs):
        assert best_versus_rest(3, best) == pairs
