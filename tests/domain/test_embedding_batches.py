import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.embedding.batches import Budget, plan

RUNS = st.lists(st.integers(1, 512), max_size=60)


def planned(lengths, tokens):
    return list(plan(np.array(lengths, dtype=np.int64), Budget(tokens, tokens)))


class TestPlan:
    @given(RUNS, st.integers(1, 2000))
    def test_holds_every_run_once(self, lengths, tokens):
        batches = planned(lengths, tokens)

        places = [int(at) for batch in batches for at in batch]
        assert sorted(places) == list(range(len(lengths)))

    @given(RUNS, st.integers(1, 2000))
    def test_keeps_to_the_budget_with_padding(self, lengths, tokens):
        for batch in planned(lengths, tokens):
            widest = max(lengths[at] for at in batch)

            assert len(batch) == 1 or widest * len(batch) <= tokens

    @given(RUNS)
    def test_goes_from_the_longest_to_the_shortest(self, lengths):
        in_order = [lengths[at] for batch in planned(lengths, 600) for at in batch]

        assert in_order == sorted(lengths, reverse=True)

    def test_asks_for_the_budget_anew_for_each_batch(self):
        budget = Budget(4, 100)
        batches = plan(np.ones(12, dtype=np.int64), budget)

        first = next(batches)
        budget.tokens = 8

        assert [len(first), len(next(batches))] == [4, 8]


class TestBudget:
    def test_doubles_as_long_as_batches_gain_speed(self):
        budget = Budget(100, 800)

        for _ in range(10):
            budget.learn(budget.tokens, seconds=1.0)

        assert budget.tokens == 800

    def test_stays_where_a_larger_batch_gained_nothing(self):
        budget = Budget(100, 10_000)

        for _ in range(10):
            budget.learn(budget.tokens, seconds=1.0 if budget.tokens < 400 else 4.0)

        assert budget.tokens == 400

    def test_never_grows_again_past_what_did_not_fit(self):
        budget = Budget(400, 10_000)

        budget.halve()
        for _ in range(10):
            budget.learn(budget.tokens, seconds=1.0)

        assert budget.tokens == 200

    @pytest.mark.parametrize("tokens", [1, 40])
    def test_learns_nothing_from_small_batches(self, tokens):
        budget = Budget(100, 800)

        for _ in range(10):
            budget.learn(tokens, seconds=1e-6)

        assert budget.tokens == 100
