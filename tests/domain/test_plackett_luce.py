from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.domain import bradley_terry, davidson
from annotation.domain import plackett_luce as pl

WORTH = np.log([0.5, 0.3, 0.2])
FLAT = {"prior_sd": 1e3, "tie_prior_sd": 1e3}


def weak_orders(items, max_tie):
    """List every ranking of `items` with ties of up to `max_tie`."""
    if not items:
        return [[]]
    found = []
    for mask in range(1, 2 ** len(items)):
        top = [item for bit, item in enumerate(items) if mask >> bit & 1]
        if len(top) <= max_tie:
            rest = [item for item in items if item not in top]
            found += [[top, *tail] for tail in weak_orders(rest, max_tie)]
    return found


class Urn:
    """All rankings of some items, to be drawn as often as the model says."""

    def __init__(self, scores, deltas):
        self.orders = weak_orders(list(range(len(scores))), len(deltas) + 1)
        chance = [pl.probability(order, scores, deltas) for order in self.orders]
        self.chance = np.array(chance) / sum(chance)

    def draw(self, seed, n_rankings):
        rng = np.random.default_rng(seed)
        picked = rng.choice(len(self.orders), n_rankings, p=self.chance)
        return [self.orders[number] for number in picked]


@pytest.fixture(scope="module")
def races():
    lines = (Path(__file__).parent / "published" / "nascar2002.txt").read_text().splitlines()
    return [[int(driver) - 1 for driver in line.split()] for line in lines]


class TestNascar2002:
    def test_gives_the_published_worths(self, races):
        found = pl.fit([[[driver] for driver in race] for race in races], 83, prior_sd=1e3)

        places = [[race.index(d) + 1 for race in races if d in race] for d in range(83)]
        # Some drivers share an average place; of the published ones, only the last three do.
        by_place = sorted(range(83), key=lambda driver: np.mean(places[driver]))
        logs = found.scores - found.scores[0]
        assert found.log_likelihood == pytest.approx(-4191.097, abs=1e-3)
        assert logs[by_place[:3]] == pytest.approx([4.15, 3.62, 2.08], abs=0.01)
        assert sorted(logs[by_place[-3:]]) == pytest.approx([-0.31, -0.15, 0.03], abs=0.01)
        assert (found.n_components, found.is_separable) == (1, False)


class TestProbability:
    def test_of_the_textbook_case(self):
        deltas = np.array([0.75])

        assert pl.probability([[0, 1], [2]], WORTH, deltas) == pytest.approx(0.1697, abs=5e-5)
        assert pl.probability([[0], [1], [2]], WORTH, deltas) == pytest.approx(0.1282, abs=5e-5)

    @pytest.mark.parametrize(("n", "max_tie", "orders"), [(3, 2, 12), (3, 3, 13), (4, 2, 66)])
    def test_of_all_rankings_is_one(self, n, max_tie, orders):
        scores, deltas = np.linspace(-1, 1, n), np.linspace(0.4, 0.8, max_tie - 1)
        everything = weak_orders(list(range(n)), max_tie)

        total = sum(pl.probability(order, scores, deltas) for order in everything)

        assert len(everything) == orders
        assert total == pytest.approx(1)

    def test_is_one_for_a_single_item(self):
        assert pl.probability([[1]], WORTH, np.empty(0)) == 1


class TestFit:
    def test_of_pairs_is_davidson(self, pudding):
        wins, ties = pudding
        rankings = [
            tiers
            for i, j in permutations(range(6), 2)
            for tiers in [[[i], [j]]] * int(wins[i, j]) + [[[i, j]]] * int(ties[i, j] * (i < j))
        ]

        ours, theirs = pl.fit(rankings, 6), davidson.fit(wins, ties)

        assert ours.scores == pytest.approx(theirs.scores, abs=1e-6)
        assert ours.covariance == pytest.approx(theirs.covariance, abs=1e-6)
        assert ours.deltas == pytest.approx([theirs.delta], abs=1e-6)
        assert ours.log_delta_se == pytest.approx([theirs.log_delta_se], abs=1e-6)
        assert ours.log_likelihood == pytest.approx(theirs.log_likelihood)

    def test_of_strict_pairs_is_bradley_terry(self):
        wins = np.array([[0, 3, 1], [1, 0, 2], [2, 2, 0]])
        rankings = [[[i], [j]] for i, j in permutations(range(3), 2) for _ in range(wins[i, j])]

        ours, theirs = pl.fit(rankings, 3), bradley_terry.fit(wins.astype(float))

        assert ours.scores == pytest.approx(theirs.scores, abs=1e-7)
        assert ours.deltas.tolist() == []

    def test_is_finite_where_an_item_is_always_first(self):
        found = pl.fit([[[0], [1], [2]]] * 3, 3)

        assert found.scores[0] > found.scores[1] > found.scores[2]
        assert found.is_separable
        assert np.isfinite(found.covariance).all()

    def test_recovers_worths_and_ties(self):
        truth, deltas = np.array([1.0, 0.3, -0.4, -0.9]), np.array([0.6, 0.3])

        found = pl.fit(Urn(truth, deltas).draw(0, 4000), 4)

        sd = np.sqrt(np.diag(found.covariance))
        assert np.all(np.abs(found.scores - truth) < 4 * sd)
        off = np.log(found.deltas / deltas) / found.log_delta_se
        assert np.all(np.abs(off) < 4)

    def test_learns_nothing_about_the_order_of_the_rest(self):
        top_one = pl.fit([[[0]]], 3, rest=[[1, 2]])

        assert top_one.scores[1] == pytest.approx(top_one.scores[2])
        assert top_one.scores[0] > top_one.scores[1]

    def test_lets_rankings_leave_items_out(self):
        found = pl.fit([[[0], [1]], [[1], [2]]], 4)

        assert found.scores[0] > found.scores[1] > found.scores[2]
        assert found.component.tolist() == [0, 0, 0, 1]

    def test_knows_nothing_without_rankings(self):
        found = pl.fit([], 3)

        assert (found.scores.tolist(), found.log_likelihood, found.n_components) == ([0] * 3, 0, 3)

    @pytest.mark.parametrize(
        "tiers", [[[0, 0]], [[0], [0]], [[3]], [[-1]], [[0], []], [[0, 1, 2, 3, 4]]]
    )
    def test_refuses_a_ranking_that_makes_no_sense(self, tiers):
        with pytest.raises(pl.BadRankings):
            pl.fit([tiers], 3 if max(map(len, tiers)) < 5 else 5)

    def test_refuses_a_choice_from_too_many_sets(self):
        with pytest.raises(pl.BadRankings, match="too many"):
            pl.fit([[[0, 1, 2, 3], list(range(4, 6))]], 60, rest=[list(range(6, 60))])

    def test_refuses_rests_that_do_not_match(self):
        with pytest.raises(pl.BadRankings, match="rests"):
            pl.fit([[[0], [1]]], 2, rest=[])

    @settings(max_examples=30)
    @given(st.lists(st.sampled_from(weak_orders([0, 1, 2, 3], 3)), max_size=8), st.data())
    def test_does_not_depend_on_names_or_order(self, rankings, data):
        names = data.draw(st.permutations(range(4)))
        shuffled = data.draw(st.permutations(rankings))
        renamed = [[[names[item] for item in tier] for tier in tiers] for tiers in shuffled]

        ours, theirs = pl.fit(rankings, 4, max_tie=3), pl.fit(renamed, 4, max_tie=3)

        assert theirs.scores[names] == pytest.approx(ours.scores, abs=1e-6)
        assert theirs.deltas == pytest.approx(ours.deltas, rel=1e-6)

    @pytest.mark.slow
    def test_covers_the_truth_95_times_in_100(self):
        truth, deltas = np.array([0.8, 0.2, -0.3, -0.7]), np.array([0.5])
        urn, inside = Urn(truth, deltas), []
        for seed in range(200):
            found = pl.fit(urn.draw(seed, 80), 4)
            inside.append(np.abs(found.scores - truth) < 1.96 * np.sqrt(np.diag(found.covariance)))

        assert 0.93 <= np.mean(inside) <= 0.97
