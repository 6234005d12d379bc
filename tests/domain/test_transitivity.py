import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.domain.transitivity import (
    NotSquare,
    fit_abilities,
    hodge_residual,
    transitivity,
)

ROCK_PAPER_SCISSORS = np.array([[0, 140, 60], [60, 0, 140], [140, 60, 0]], float)


def table_of(seed, *, n_items, n_votes, tie=0.0):
    """Votes that follow a perfect scale (Davidson's model with tie parameter `tie`)."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=n_items)
    wins, ties = np.zeros((2, n_items, n_items))
    for i in range(n_items):
        for j in range(i):
            odds = np.exp((ability[i] - ability[j]) / 2)
            chances = np.array([odds, 1 / odds, tie])
            first, second, tied = rng.multinomial(n_votes, chances / chances.sum())
            wins[i, j], wins[j, i] = first, second
            ties[i, j] = ties[j, i] = tied
    return wins, ties


class TestTransitivity:
    def test_finds_rock_paper_scissors(self):
        found = transitivity(ROCK_PAPER_SCISSORS, n_draws=300)

        assert found.p == pytest.approx(1 / 301)
        assert found.cycle_share == 1.0
        assert found.zeta == 0.0
        assert found.residual_share == pytest.approx(1.0)

    def test_finds_nothing_in_one_clear_order(self):
        gaps = np.subtract.outer(np.arange(5), np.arange(5)).T.astype(float)
        wins = np.round(1000 / (1 + np.exp(-gaps)))
        np.fill_diagonal(wins, 0)

        found = transitivity(wins)

        assert (found.cycle_share, found.zeta) == (0.0, 1.0)
        assert found.residual_share < 0.001
        assert found.p > 0.2

    def test_takes_cycles_of_few_votes_for_what_they_are(self):
        wins, _ = table_of(3, n_items=12, n_votes=1)

        found = transitivity(wins)

        assert found.cycle_share > 0
        assert found.residual_share > 0.1
        assert found.p > 0.05
        assert not found.is_enough

    def test_counts_no_cycle_through_an_even_pair(self):
        wins = np.array([[0, 3, 2], [1, 0, 3], [2, 1, 0]], float)

        found = transitivity(wins, n_draws=9)

        assert (found.n_triples, found.n_cycles) == (1, 0)

    def test_counts_only_triples_whose_pairs_were_all_compared(self):
        wins = np.zeros((4, 4))
        wins[:3, :3] = ROCK_PAPER_SCISSORS
        wins[0, 3] = 5

        found = transitivity(wins, n_draws=9)

        assert (found.n_triples, found.n_cycles) == (1, 1)
        assert found.zeta is None

    def test_has_no_shares_without_triples_and_no_p_without_votes(self):
        pair = transitivity(np.array([[0, 3], [1, 0]], float), n_draws=9)
        nothing = transitivity(np.zeros((3, 3)))

        assert (pair.cycle_share, pair.zeta, pair.p_cycles) == (None, None, None)
        assert nothing.p is None
        assert not nothing.is_enough

    def test_refuses_tables_that_do_not_fit(self):
        with pytest.raises(NotSquare):
            transitivity(np.zeros((2, 3)))
        with pytest.raises(NotSquare):
            transitivity(np.zeros((2, 2)), np.zeros((3, 3)))

    def test_can_use_another_fit(self):
        calls = []

        def fit(points):
            calls.append(points.shape)
            return fit_abilities(points)

        transitivity(ROCK_PAPER_SCISSORS, fit=fit, n_draws=19)

        assert (19, 3, 3) in calls

    @given(st.permutations(range(6)))
    @settings(max_examples=30)
    def test_depends_on_no_order_of_items(self, order):
        wins, ties = table_of(1, n_items=6, n_votes=8, tie=0.5)
        moved = np.ix_(order, order)

        plain = transitivity(wins, ties, n_draws=1)
        other = transitivity(wins[moved], ties[moved], n_draws=1)

        assert (other.n_cycles, other.zeta) == (plain.n_cycles, plain.zeta)
        assert other.residual_share == pytest.approx(plain.residual_share)
        assert other.likelihood_ratio == pytest.approx(plain.likelihood_ratio)

    @pytest.mark.slow
    @pytest.mark.parametrize(("n_items", "n_votes", "tie"), [(6, 10, 0), (10, 5, 0), (6, 20, 0.8)])
    def test_raises_false_alarms_at_its_nominal_rate(self, n_items, n_votes, tie):
        p = [
            transitivity(
                *table_of(seed, n_items=n_items, n_votes=n_votes, tie=tie), n_draws=99, seed=seed
            ).p
            for seed in range(300)
        ]

        assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


class TestHodgeResidual:
    def test_is_one_for_a_circle_and_zero_for_a_scale(self):
        circle = hodge_residual(ROCK_PAPER_SCISSORS)
        scale = np.exp(np.subtract.outer(np.arange(4), np.arange(4)) / 2.0)

        assert circle == pytest.approx(1.0)
        assert hodge_residual(np.round(1000 * scale)) < 1e-4
        assert hodge_residual(np.ones((3, 3))) == 0.0


class TestFitAbilities:
    def test_recovers_the_scale_and_stays_finite_for_the_undefeated(self):
        ability = np.array([1.0, 0.2, -1.2])
        odds = np.exp(ability[:, None] - ability[None])
        points = 10_000 * odds / (1 + odds) * (1 - np.eye(3))

        assert fit_abilities(points) == pytest.approx(ability, abs=1e-3)
        assert np.isfinite(fit_abilities(np.array([[0, 9.0], [0, 0]]))).all()

    def test_fits_a_stack_as_it_fits_each_table(self):
        stack = np.stack([table_of(s, n_items=5, n_votes=6)[0] for s in range(4)])

        alone = np.stack([fit_abilities(table) for table in stack])

        assert fit_abilities(stack) == pytest.approx(alone, abs=1e-7)
