import numpy as np
import pytest
from statsmodels.api import Logit

from annotation.domain.bias import (
    first_shown_rate,
    length_odds_ratio,
    longer_win_rate,
    order_flip_rate,
    order_flips,
    self_preference,
    side_test,
)
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE


class TestFirstShownRate:
    def test_counts_the_side_and_not_the_response(self):
        choice = np.array([FIRST, SECOND, FIRST, TIE, BOTH_BAD, FIRST, NO_VERDICT])
        swapped = np.array([0, 1, 1, 0, 0, -1, 0])

        found = first_shown_rate(choice, swapped)

        assert found.value == pytest.approx(2 / 3)
        assert found.n == 3

    def test_is_undefined_where_no_order_is_known(self):
        assert first_shown_rate(np.array([0, 1]), np.array([-1, -1])).value is None


class TestOrderFlips:
    def test_takes_a_tie_in_both_orders_for_no_flip(self):
        unit = np.array([0, 0, 1, 1, 2, 2, 3, 3])
        choice = np.array([TIE, TIE, FIRST, FIRST, FIRST, SECOND, TIE, FIRST])
        swapped = np.array([0, 1] * 4)

        who, flipped = order_flips(unit, np.zeros(8, int), choice, swapped)

        assert flipped.tolist() == [False, False, True, True]
        assert who.tolist() == [0] * 4
        assert order_flip_rate(unit, np.zeros(8, int), choice, swapped).value == 0.5

    def test_compares_only_both_orders_of_one_annotator(self):
        unit, who = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0])
        choice, swapped = np.array([0, 1, 0, 1]), np.array([0, 1, 0, 0])

        assert order_flip_rate(unit, who, choice, swapped).n == 0

    def test_takes_the_first_verdict_in_each_order(self):
        unit, who = np.zeros(4, int), np.zeros(4, int)

        _, flipped = order_flips(
            unit, who, np.array([FIRST, SECOND, FIRST, SECOND]), np.array([1, 1, 0, 0])
        )

        assert flipped.tolist() == [False]

    def test_leaves_out_verdicts_that_nobody_could_read(self):
        unit, who = np.zeros(2, int), np.zeros(2, int)

        assert not order_flips(unit, who, np.array([FIRST, NO_VERDICT]), np.array([0, 1]))[1].size


class TestLongerWinRate:
    def test_leaves_out_ties_and_equal_lengths(self):
        choice = np.array([FIRST, SECOND, TIE, FIRST])
        lengths = np.array([[9, 3], [9, 3], [9, 3], [5, 5]])

        found = longer_win_rate(choice, lengths)

        assert (found.value, found.n) == (0.5, 2)


class TestLengthOddsRatio:
    def votes(self, seed, slope, n=800, n_annotators=40, spread=0.0):
        rng = np.random.default_rng(seed)
        lengths = rng.integers(20, 400, (n, 2))
        x = (lengths[:, 0] - lengths[:, 1]) / lengths.sum(axis=1)
        x = x / np.sqrt(np.mean(x**2))
        who = rng.integers(0, n_annotators, n)
        slopes = slope + spread * rng.normal(size=n_annotators)
        choice = (rng.random(n) > 1 / (1 + np.exp(-slopes[who] * x))).astype(int)
        return choice, lengths, who, x

    def test_equals_statsmodels(self):
        choice, lengths, _, x = self.votes(0, 0.5)

        ours = length_odds_ratio(choice, lengths)
        theirs = Logit(1 - choice, x[:, None]).fit(disp=0)

        assert ours.value == pytest.approx(np.exp(theirs.params[0]), rel=1e-5)
        assert [ours.low, ours.high] == pytest.approx(np.exp(theirs.conf_int()[0]), rel=1e-4)

    def test_turns_around_with_the_lengths_and_not_with_the_responses(self):
        choice, lengths, who, _ = self.votes(1, 0.7)

        plain = length_odds_ratio(choice, lengths, who)
        exchanged = length_odds_ratio(1 - choice, lengths[:, ::-1], who)
        reversed_lengths = length_odds_ratio(choice, lengths[:, ::-1], who)

        assert exchanged.value == pytest.approx(plain.value)
        assert reversed_lengths.value == pytest.approx(1 / plain.value)

    def test_takes_ability_into_account(self):
        rng = np.random.default_rng(2)
        lengths = rng.integers(20, 400, (4000, 2))
        better = 2.0 * np.sign(lengths[:, 0] - lengths[:, 1])  # the longer answers are better
        choice = (rng.random(4000) > 1 / (1 + np.exp(-better))).astype(int)

        assert length_odds_ratio(choice, lengths).value > 2
        assert length_odds_ratio(choice, lengths, offset=better).value == pytest.approx(1, abs=0.1)

    def test_is_undefined_where_the_longer_always_wins_or_lengths_are_equal(self):
        longer = np.array([[9, 1], [1, 9]])

        assert length_odds_ratio(np.array([0, 1]), longer).value is None
        assert length_odds_ratio(np.array([0, 1]), np.full((2, 2), 5)).value is None
        assert length_odds_ratio(np.array([], int), np.zeros((0, 2), int)).value is None

    @pytest.mark.slow
    def test_covers_the_truth_where_annotators_differ(self):
        hits = np.zeros(2)
        for seed in range(1000):
            choice, lengths, who, _ = self.votes(seed, 0.4, n=2000, spread=0.4)
            for k, annotator in enumerate((who, None)):
                found = length_odds_ratio(choice, lengths, annotator)
                # A mean of logistic curves is flatter than the curve of the mean slope.
                hits[k] += found.low <= np.exp(0.373) <= found.high

        assert 0.93 <= hits[0] / 1000 <= 0.97
        assert hits[1] / 1000 < 0.85


class TestSelfPreference:
    def judged(self, seed, bonus, n=3000):
        rng = np.random.default_rng(seed)
        gap = rng.normal(0.5, 1, n)  # the judge's own family is better
        own_side = rng.integers(0, 2, n)

        def verdict(extra):
            own_wins = rng.random(n) < 1 / (1 + np.exp(-gap - extra))
            return np.where(own_wins, own_side, 1 - own_side)

        gold = (sum(verdict(0.0) for _ in range(3)) > 1).astype(int)
        is_own = np.column_stack([own_side == 0, own_side == 1])
        return verdict(bonus), gold, is_own, np.arange(n)

    def test_is_found_beyond_what_quality_earns(self):
        found = self_preference(*self.judged(0, 0.6))

        assert found.excess.low > 0
        assert found.excess.value == pytest.approx(found.own - found.gold)
        assert found.is_enough

    def test_is_not_seen_in_a_fair_judge_of_a_better_family(self):
        found = self_preference(*self.judged(1, 0.0))

        assert found.own > 0.55
        assert found.excess.value < 0.02

    def test_counts_only_own_against_other(self):
        is_own = np.array([[True, True], [False, False], [True, False]])

        found = self_preference(
            np.array([0, 0, TIE]), np.array([0, 0, 1]), is_own, np.array([0, 1, 2])
        )

        assert (found.n, found.own, found.gold) == (1, 0.5, 0.0)
        assert not found.is_enough

    def test_is_undefined_without_own_answers(self):
        found = self_preference(np.array([0]), np.array([0]), np.zeros((1, 2), bool), np.array([0]))

        assert (found.own, found.excess.value, found.n) == (None, None, 0)


class TestSideTest:
    def test_doubts_only_what_chance_does_not_give(self):
        p = side_test(np.array([50, 90, 0, 0]), np.array([100, 100, 20, 0]))

        assert p == pytest.approx([1.0, 0.0, 2 * 0.5**20, 1.0], abs=1e-9)
