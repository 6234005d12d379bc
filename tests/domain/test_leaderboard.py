import numpy as np
import pytest

from annotation.domain.clustering import Spread
from annotation.domain.leaderboard import MOST_MODELS, JudgedPairs, leaderboard

NAMES = ["weak", "middling", "strong", "never compared"]


def judged(rows, n_annotators=20):
    """Pairs from (first, second, outcome) rows, annotators in turn, lengths all equal."""
    first, second, outcome = np.array(rows, float).reshape(-1, 3).T
    annotator = np.arange(len(first)) % n_annotators
    return JudgedPairs(
        first.astype(int), second.astype(int), outcome, annotator, np.zeros(len(first))
    )


def drawn(n=3000, seed=1, abilities=(-1.0, 0.0, 1.0)):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(1, 3, n)) % 3
    gap = np.array(abilities)[first] - np.array(abilities)[second]
    won = rng.random(n) < 1 / (1 + np.exp(-gap))
    return judged(np.column_stack([first, second, won]), n_annotators=30)


class TestLeaderboard:
    def test_puts_the_best_model_first_with_the_truth_inside_its_interval(self):
        board = leaderboard(drawn(), NAMES)

        assert [place.model for place in board.places] == ["strong", "middling", "weak"]
        assert [place.rank for place in board.places] == [1, 2, 3]
        for place, truth in zip(board.places, (1.0, 0.0, -1.0), strict=True):
            assert place.low < truth < place.high
            assert place.rank_low <= place.rank <= place.rank_high
        assert (board.spread, board.n_annotators) == (Spread.SANDWICH, 30)

    def test_leaves_out_models_that_nobody_compared(self):
        board = leaderboard(drawn(), NAMES)

        assert "never compared" not in board.models

    def test_counts_wins_and_ties_in_the_order_of_places(self):
        board = leaderboard(judged([(0, 2, 0.0), (0, 2, 0.0), (0, 2, 0.5), (2, 0, 0.0)]), NAMES)

        assert board.models == ["strong", "weak"]
        assert board.wins.tolist() == [[0, 2], [1, 0]]
        assert board.ties.tolist() == [[0, 1], [1, 0]]
        best = board.places[0]
        assert (best.n, best.win_rate, best.tie_rate) == (4, 2.5 / 4, 1 / 4)

    def test_does_not_depend_on_the_order_of_votes(self):
        pairs = drawn(400)
        shuffled = np.random.default_rng(2).permutation(400)

        one, other = leaderboard(pairs, NAMES), leaderboard(pairs.where(shuffled), NAMES)

        for left, right in zip(one.places, other.places, strict=True):
            assert left.model == right.model
            assert (left.low, left.high) == pytest.approx((right.low, right.high))

    def test_ignores_a_model_against_itself_and_unknown_models(self):
        rows = [(0, 2, 0.0), (1, 1, 1.0), (-1, 2, 1.0)]

        assert leaderboard(judged(rows), NAMES).n_votes == 1

    def test_is_none_without_a_judged_pair(self):
        assert leaderboard(judged([]), NAMES) is None
        assert leaderboard(judged([(1, 1, 0.5)]), NAMES) is None

    def test_says_that_models_never_met(self):
        board = leaderboard(judged([(0, 1, 1.0), (1, 0, 1.0), (2, 3, 1.0), (3, 2, 1.0)]), NAMES)

        assert board.n_components == 2

    def test_keeps_an_undefeated_model_finite(self):
        board = leaderboard(judged([(2, 0, 1.0)] * 30), NAMES)

        assert board.is_separable
        assert all(np.isfinite([place.low, place.high]).all() for place in board.places)

    def test_takes_the_most_compared_of_very_many_models(self):
        rows = [(k, k + 1, 0.5) for k in range(MOST_MODELS + 10)]

        board = leaderboard(judged(rows), [f"model {k}" for k in range(MOST_MODELS + 11)])

        assert (len(board.places), board.n_left_out) == (MOST_MODELS, 11)
