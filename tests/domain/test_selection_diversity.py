import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.selection.diversity import pick_spread
from curation.domain.selection.floors import Floor, FloorsTooHigh, pick_best


def units(rng, n, dimensions=8):
    vectors = rng.normal(size=(n, dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def by_comparing_all(score, vectors, n, weight):
    """The slow twin: maximal marginal relevance as it is written down."""
    picks = []
    while len(picks) < min(n, len(score)):
        nearest = (vectors @ vectors[picks].T).max(axis=1).clip(0) if picks else 0.0
        gain = score - weight * nearest
        gain[picks] = -np.inf
        picks.append(int(gain.argmax()))
    return picks


class TestPickSpread:
    @given(
        seed=st.integers(0, 10**6),
        size=st.integers(1, 600),
        weight=st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    )
    def test_picks_as_comparing_all_with_all_does(self, seed, size, weight):
        rng = np.random.default_rng(seed)
        score, vectors = rng.random(size), units(rng, size)

        spread = pick_spread(score, vectors, n=40, weight=weight)

        assert spread.picks.tolist() == by_comparing_all(score, vectors, 40, weight)

    def test_takes_one_of_each_of_two_clusters(self):
        vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

        spread = pick_spread(np.array([1.0, 0.9, 0.5]), vectors, n=2, weight=1.0)

        assert spread.picks.tolist() == [0, 2]
        assert spread.nearest.tolist() == [0.0, 0.0]

    def test_is_the_exact_pick_without_a_weight(self):
        rng = np.random.default_rng(1)
        score = rng.random(300)
        floors = [Floor("odd", np.arange(1, 300, 2), 15)]

        spread = pick_spread(score, units(rng, 300), floors, n=20, weight=0.0)

        assert sorted(spread.picks) == sorted(pick_best(score, floors, n=20).picks)

    @given(seed=st.integers(0, 10**6), weight=st.sampled_from([0.2, 2.0]))
    def test_keeps_floors_and_budget_and_its_bound(self, seed, weight):
        rng = np.random.default_rng(seed)
        score, cost = rng.random(60), rng.integers(1, 9, 60).astype(float)
        floors = [Floor("a", np.arange(20), 3), Floor("b", np.arange(20, 30), 2)]
        cheapest = sum(np.sort(cost[f.members])[: f.least].sum() for f in floors)
        budget = cheapest + rng.integers(0, 30)

        spread = pick_spread(
            score, units(rng, 60), floors, n=60, weight=weight, cost=cost, budget=budget
        )

        assert cost[spread.picks].sum() <= budget
        for floor in floors:
            assert np.isin(spread.picks, floor.members).sum() >= floor.least
        assert spread.total <= spread.bound + 1e-9
        assert len(set(spread.picks.tolist())) == len(spread.picks)

    def test_refuses_floors_that_the_budget_does_not_buy(self):
        floors = [Floor("dear", np.array([0, 1]), 2)]

        with pytest.raises(FloorsTooHigh, match="'dear' wants 2, 1 short"):
            pick_spread(
                np.ones(3), np.eye(3), floors, n=3, weight=1.0, cost=np.full(3, 4.0), budget=7.0
            )

    def test_refuses_groups_that_share_somebody(self):
        floors = [Floor("a", np.array([0]), 1), Floor("b", np.array([0, 1]), 1)]

        with pytest.raises(ValueError, match="share nobody"):
            pick_spread(np.ones(3), np.eye(3), floors, n=3, weight=1.0)
