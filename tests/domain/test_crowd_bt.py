import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit
from scipy.stats import spearmanr

from annotation.domain import bradley_terry, crowd_bt
from annotation.domain.comparisons import BadComparisons, Comparisons, win_matrix
from annotation.domain.crowd_bt import Flag, GoldAnswers

GOOD, ADVERSARY, CLICKER = range(3)


def crowd(seed, *, shares=(0.6, 0.2, 0.2), n_items=30, n_raters=40, per_rater=30):
    """Comparisons by good raters, adversaries, and raters who click the left side."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, n_items)
    kind = rng.choice(3, n_raters, p=shares)
    rater = np.repeat(np.arange(n_raters), per_rater)
    left = rng.integers(0, n_items, len(rater))
    right = (left + rng.integers(1, n_items, len(rater))) % n_items
    chance = expit(truth[left] - truth[right])
    chance = np.choose(kind[rater], [chance, 1 - chance, np.full(len(rater), 0.95)])
    outcome = (rng.random(len(rater)) < chance).astype(float)
    return Comparisons(left, right, outcome, n_items, rater, n_raters), truth, kind


def gold_of(kind, seed, n_gold=5):
    rng = np.random.default_rng(seed)
    right = rng.binomial(n_gold, np.where(kind == ADVERSARY, 0.03, 0.97)).astype(float)
    return GoldAnswers(right, n_gold - right)


class TestCrowdWithAdversaries:
    def test_is_seen_through(self):
        plain, aware = [], []
        for seed in range(6):
            comparisons, truth, kind = crowd(seed)
            found = crowd_bt.fit(comparisons)
            scores = bradley_terry.fit(win_matrix(comparisons)).scores
            plain.append(spearmanr(scores, truth).statistic)
            aware.append(spearmanr(found.scores, truth).statistic)

            assert found.reliability[kind == ADVERSARY].max() < 0.5
            assert found.reliability[kind == GOOD].min() > 0.5

        assert np.mean(plain) < 0.85
        assert min(aware) > 0.9

    def test_has_its_adversaries_flagged_and_nobody_else(self):
        for seed in range(4):
            comparisons, _, kind = crowd(seed, per_rater=60)

            flags = np.array(crowd_bt.fit(comparisons).flags)

            assert set(flags[kind == ADVERSARY]) == {Flag.INVERTED}
            assert set(flags[kind == GOOD]) == {Flag.RELIABLE}
            assert not set(flags[kind == CLICKER]) & {Flag.INVERTED}

    def test_is_believed_when_it_is_the_majority_unless_gold_says_otherwise(self):
        comparisons, truth, kind = crowd(1, shares=(0.3, 0.7, 0.0))

        believed = crowd_bt.fit(comparisons)
        checked = crowd_bt.fit(comparisons, gold=gold_of(kind, 0))

        assert spearmanr(believed.scores, truth).statistic < -0.8
        assert spearmanr(checked.scores, truth).statistic > 0.9

    def test_gets_the_ranking_the_right_way_up_from_the_prior(self):
        for seed in range(6):
            comparisons, truth, _ = crowd(seed, shares=(0.7, 0.3, 0.0), n_items=10)

            assert spearmanr(crowd_bt.fit(comparisons).scores, truth).statistic > 0.8


class TestFit:
    def test_has_the_gradient_of_its_objective(self):
        comparisons, _, kind = crowd(0, n_items=5, n_raters=4, per_rater=10)
        prior = crowd_bt.ReliabilityPrior()
        rest = (comparisons, comparisons.annotator, gold_of(kind, 1), 2.0, prior)
        theta = np.random.default_rng(0).normal(0, 1, 9)

        numeric = approx_fprime(
            theta, lambda at: crowd_bt.negative_log_posterior(at, *rest)[0], 1e-7
        )

        _, analytic = crowd_bt.negative_log_posterior(theta, *rest)
        assert analytic == pytest.approx(numeric, abs=1e-4)

    def test_equals_bradley_terry_where_everybody_is_known_to_be_reliable(self):
        comparisons, _, _ = crowd(0, shares=(1.0, 0.0, 0.0), n_items=8)
        certain = crowd_bt.ReliabilityPrior(mean=20.0, sd=0.01)

        ours = crowd_bt.fit(comparisons, reliability=certain)

        theirs = bradley_terry.fit(win_matrix(comparisons))
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-3)
        assert ours.covariance == pytest.approx(theirs.covariance, abs=1e-3)

    def test_starts_from_what_gold_and_prior_say_together(self):
        gold = GoldAnswers(np.array([0.0, 5, 0]), np.array([0.0, 0, 5]))

        start = crowd_bt.gold_log_odds(gold, crowd_bt.ReliabilityPrior())

        assert start[0] == pytest.approx(1.5)
        assert start[1] > 2.5
        assert start[2] < -1.5

    def test_leaves_an_annotator_without_judgments_at_the_prior(self):
        one = Comparisons(np.array([0]), np.array([1]), np.array([1.0]), 2, np.array([0]), 2)

        found = crowd_bt.fit(one)

        assert found.reliability[1] == pytest.approx(expit(1.5), abs=1e-4)
        assert found.low[1] < 0.1
        assert found.high[1] > 0.99
        assert found.flags[1] == Flag.UNCLEAR

    def test_needs_to_know_who_judged(self):
        anonymous = Comparisons(np.array([0]), np.array([1]), np.array([1.0]), 2)

        with pytest.raises(BadComparisons, match="who judged"):
            crowd_bt.fit(anonymous)

    def test_refuses_gold_for_other_annotators(self):
        comparisons, _, _ = crowd(0)

        with pytest.raises(BadComparisons, match="other annotators"):
            crowd_bt.fit(comparisons, gold=GoldAnswers(np.zeros(3), np.zeros(3)))

    def test_does_not_depend_on_the_order_of_rows_or_sides(self):
        comparisons, _, _ = crowd(2, n_items=10)
        order = np.random.default_rng(0).permutation(len(comparisons.first))
        swapped = Comparisons(
            comparisons.second[order],
            comparisons.first[order],
            1 - comparisons.outcome[order],
            10,
            comparisons.annotator[order],
            40,
        )

        ours, theirs = crowd_bt.fit(comparisons), crowd_bt.fit(swapped)

        assert theirs.scores == pytest.approx(ours.scores, abs=1e-3)
        assert theirs.reliability == pytest.approx(ours.reliability, abs=1e-3)


class TestFlag:
    @pytest.mark.parametrize(
        ("low", "high", "flag"),
        [
            (0.6, 0.9, Flag.RELIABLE),
            (0.1, 0.4, Flag.INVERTED),
            (0.4, 0.6, Flag.RANDOM),
            (0.1, 0.9, Flag.UNCLEAR),
        ],
    )
    def test_reads_the_interval(self, low, high, flag):
        assert crowd_bt.flag_of(low, high) == flag
