from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.domain.selection import narrowing
from curation.domain.selection.floors import (
    Floor,
    FloorsTooHigh,
    Shortfall,
    pick_best,
    proportional_leasts,
)
from curation.domain.selection.rankings import aggregate


def floors_of(groups, leasts):
    return [
        Floor(name, np.flatnonzero(np.array(list(groups)) == name), least)
        for name, least in leasts.items()
    ]


def best_by_trying_all(score, floors, sizes, cost=None, budget=np.inf):
    """The slow twin: the highest sum over every subset that keeps floors and budget."""
    totals = [
        sum(score[place] for place in subset)
        for size in sizes
        for subset in combinations(range(len(score)), size)
        if all(len(set(subset) & set(f.members.tolist())) >= f.least for f in floors)
        if cost is None or sum(cost[place] for place in subset) <= budget
    ]
    return max(totals, default=None)


@st.composite
def grouped_cases(draw):
    size = draw(st.integers(1, 9))
    scores = draw(st.lists(st.integers(-20, 20), min_size=size, max_size=size))
    groups = draw(st.lists(st.sampled_from("abc"), min_size=size, max_size=size))
    n = draw(st.integers(0, size))
    leasts = {name: draw(st.integers(0, 3)) for name in sorted(set(groups))}
    return np.array(scores, dtype=float), floors_of(groups, leasts), n


class TestPickBest:
    @settings(max_examples=200)
    @given(grouped_cases())
    def test_is_the_best_of_all_subsets_where_groups_share_nobody(self, case):
        score, floors, n = case
        best = best_by_trying_all(score, floors, [n])

        if best is None:
            with pytest.raises(FloorsTooHigh):
                pick_best(score, floors, n=n)
            return
        chosen = pick_best(score, floors, n=n)

        assert chosen.total == pytest.approx(best)
        assert len(chosen.picks) == n
        assert chosen.lost == pytest.approx(best_by_trying_all(score, [], [n]) - best)

    @settings(max_examples=40)
    @given(grouped_cases(), st.data())
    def test_is_the_best_of_all_subsets_where_groups_overlap(self, case, data):
        score, floors, n = case
        extra = data.draw(st.sets(st.integers(0, len(score) - 1), min_size=1))
        least = data.draw(st.integers(0, 2))
        floors = [*floors, Floor("extra", np.array(sorted(extra), dtype=np.intp), least)]
        best = best_by_trying_all(score, floors, [n])

        if best is None:
            with pytest.raises(FloorsTooHigh):
                pick_best(score, floors, n=n)
        else:
            assert pick_best(score, floors, n=n).total == pytest.approx(best)

    @settings(max_examples=40)
    @given(grouped_cases(), st.data())
    def test_is_the_best_that_a_budget_buys(self, case, data):
        score, floors, _ = case
        size = len(score)
        cost = np.array(data.draw(st.lists(st.integers(1, 9), min_size=size, max_size=size)))
        budget = data.draw(st.integers(0, 30))
        best = best_by_trying_all(score, floors, range(size + 1), cost, budget)

        if best is None:
            with pytest.raises(FloorsTooHigh):
                pick_best(score, floors, cost=cost.astype(float), budget=budget)
            return
        chosen = pick_best(score, floors, cost=cost.astype(float), budget=budget)

        assert chosen.total == pytest.approx(best)
        assert chosen.bound >= chosen.total
        assert cost[chosen.picks].sum() <= budget

    @settings(max_examples=60)
    @given(grouped_cases(), st.data())
    def test_keeps_its_promises_where_the_programme_gets_only_a_core(self, case, data):
        score, floors, n = case
        size = len(score)
        cost = np.array(data.draw(st.lists(st.integers(1, 9), min_size=size, max_size=size)))
        budget = data.draw(st.integers(0, 30))
        best = best_by_trying_all(score, floors, range(n + 1), cost, budget)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(narrowing, "CORE", 3)
            if best is None:
                with pytest.raises(FloorsTooHigh):
                    pick_best(score, floors, n=n, cost=cost.astype(float), budget=budget)
                return
            chosen = pick_best(score, floors, n=n, cost=cost.astype(float), budget=budget)

        assert cost[chosen.picks].sum() <= budget
        assert len(chosen.picks) <= n
        for floor in floors:
            assert np.isin(chosen.picks, floor.members).sum() >= floor.least
        assert chosen.bound >= best - 1e-6
        assert chosen.total == pytest.approx(best) or not chosen.is_exact

    def test_is_close_to_its_bound_for_many_candidates_under_a_budget(self):
        rng = np.random.default_rng(0)
        score, cost = rng.random(5_000), rng.lognormal(size=5_000)
        floors = floors_of(rng.choice(list("abc"), 5_000), {"a": 5, "b": 90})

        chosen = pick_best(score, floors, cost=cost, budget=60.0)

        assert cost[chosen.picks].sum() <= 60.0
        assert chosen.bound - chosen.total <= 0.001 * chosen.bound

    def test_says_for_which_floor_each_one_was_picked(self):
        score = np.array([9.0, 8.0, 7.0, 1.0, 0.5])
        floors = floors_of("xxxyy", {"y": 1, "x": 1})

        chosen = pick_best(score, floors, n=3)

        assert chosen.picks.tolist() == [0, 1, 3]
        assert chosen.forced_by == ("", "", "y")
        assert chosen.lost == 6.0

    def test_prices_the_last_of_each_floor(self):
        score = np.array([9.0, 8.0, 7.0, 1.0, 0.5])

        chosen = pick_best(score, floors_of("xxxyy", {"y": 1, "x": 1}), n=3)

        eased = pick_best(score, floors_of("xxxyy", {"y": 0, "x": 1}), n=3)
        assert chosen.prices == {"y": eased.total - chosen.total, "x": 0.0}

    def test_names_the_group_that_is_too_small(self):
        with pytest.raises(FloorsTooHigh, match="'y' wants 4 and has 2") as refused:
            pick_best(np.arange(5.0), floors_of("xxxyy", {"x": 1, "y": 4}), n=5)

        assert refused.value.shortfalls == (Shortfall("y", 4, 2),)
        assert refused.value.field == "floors"

    def test_names_the_floor_to_lower_where_the_number_does_not_reach(self):
        with pytest.raises(FloorsTooHigh, match="add up to 4 and only 3 are picked") as refused:
            pick_best(np.arange(5.0), floors_of("xxxyy", {"x": 3, "y": 1}), n=3)

        assert refused.value.shortfalls == (Shortfall("x", 3, 1),)

    def test_names_the_group_that_the_budget_does_not_buy(self):
        cost = np.array([1.0, 1.0, 1.0, 10.0, 10.0])

        with pytest.raises(FloorsTooHigh, match="'y' wants 2, 1 short") as refused:
            pick_best(np.arange(5.0), floors_of("xxxyy", {"x": 1, "y": 2}), cost=cost, budget=12.0)

        assert refused.value.shortfalls == (Shortfall("y", 2, 1),)

    def test_picks_everybody_where_there_are_fewer_than_wanted(self):
        assert pick_best(np.array([1.0, 3.0]), n=5).picks.tolist() == [1, 0]

    def test_picks_nobody_of_nobody(self):
        assert pick_best(np.empty(0), n=3).picks.tolist() == []
        assert pick_best(np.empty(0), cost=np.empty(0), budget=3.0).picks.tolist() == []


class TestProportionalLeasts:
    @given(st.dictionaries(st.text(min_size=1), st.integers(0, 50)), st.integers(0, 80))
    def test_always_hold(self, sizes, n):
        leasts = proportional_leasts(sizes, n)

        assert sum(leasts.values()) <= n
        assert all(least <= sizes[group] for group, least in leasts.items())

    def test_raise_the_true_quality_of_a_pick_from_biased_rankings(self):
        """200 items, 40 % of them ranked too low by 15 rankings, 40 picked: .947 against .996."""
        rng = np.random.default_rng(0)
        free, held = [], []
        for _ in range(50):
            group = np.where(rng.random(200) < 0.4, "b", "a")
            truth = rng.random(200)
            seen = truth[:, None] * np.where(group == "b", 0.7, 1.0)[:, None]
            noisy = seen + rng.normal(0, 0.05, (200, 15))
            score = aggregate(noisy).score
            sizes = {name: int((group == name).sum()) for name in "ab"}
            floors = floors_of(group, proportional_leasts(sizes, 40))
            best = np.sort(truth)[-40:].sum()
            free.append(truth[pick_best(score, n=40).picks].sum() / best)
            held.append(truth[pick_best(score, floors, n=40).picks].sum() / best)

        assert np.mean(free) == pytest.approx(0.947, abs=0.03)
        assert np.mean(held) == pytest.approx(0.996, abs=0.005)
