import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from annotation.domain.rates import benjamini_hochberg, rate, shrink, wilson


class TestWilson:
    @given(st.integers(1, 500), st.floats(0, 1))
    def test_equals_statsmodels(self, n, part):
        hits = round(n * part)

        assert wilson(hits, n) == pytest.approx(proportion_confint(hits, n, method="wilson"))


class TestRate:
    def test_is_undefined_without_trials(self):
        found = rate(np.array([]))

        assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)

    def test_counts_trials_as_independent_with_few_annotators(self):
        found = rate(np.arange(40) % 2 == 0, np.arange(40) % 14)

        assert found.method == "wilson"
        assert (found.low, found.high) == pytest.approx(wilson(20, 40))

    def test_is_wider_where_annotators_differ(self):
        who = np.repeat(np.arange(20), 30)
        hits = who % 2 == 0  # each annotator always says the same

        assert rate(hits, who).low < 0.3
        assert rate(hits).low > 0.45

    @pytest.mark.slow
    @pytest.mark.parametrize("spread", [0.0, 1.0])
    def test_covers_the_truth_at_its_nominal_rate(self, spread):
        rng = np.random.default_rng(4)
        people = rng.normal(0, spread, 10**6)
        truth = float(np.mean(1 / (1 + np.exp(-people - 0.5))))
        hits = 0
        for _ in range(2000):
            own = 1 / (1 + np.exp(-rng.normal(0, spread, 30) - 0.5))
            who = np.repeat(np.arange(30), rng.integers(5, 40, 30))
            found = rate(rng.random(len(who)) < own[who], who)
            hits += found.low <= truth <= found.high

        assert 0.93 <= hits / 2000 <= 0.97


class TestShrink:
    def test_draws_the_few_further_than_the_many(self):
        rng = np.random.default_rng(0)
        n = np.full(200, 40)
        part = rng.binomial(n, rng.beta(8, 2, 200))
        part[:2], n[:2] = (1, 20), (2, 40)

        found = shrink(part, n)

        assert found.mean == pytest.approx(0.8, abs=0.03)
        assert 0.5 < found.value[1] < found.value[0] < found.mean
        assert (found.low < found.value).all()
        assert (found.value < found.high).all()

    def test_finds_how_much_annotators_differ(self):
        rng = np.random.default_rng(1)
        n = np.full(2000, 60)

        found = shrink(rng.binomial(n, rng.beta(16, 4, 2000)), n)

        assert found.votes == pytest.approx(20, rel=0.2)

    def test_comes_nearer_to_the_truth_than_raw_shares(self):
        rng = np.random.default_rng(2)
        truth, n = rng.beta(16, 4, 500), rng.integers(3, 30, 500)
        part = rng.binomial(n, truth)

        found = shrink(part, n)

        assert np.mean((found.value - truth) ** 2) < 0.6 * np.mean((part / n - truth) ** 2)
        assert 0.92 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.99

    def test_gives_the_pool_to_those_without_votes(self):
        found = shrink(np.array([0, 30, 28]), np.array([0, 40, 40]))

        assert found.value[0] == pytest.approx(found.mean)
        assert shrink(np.zeros(2), np.zeros(2)).value.tolist() == [0.5, 0.5]


class TestBenjaminiHochberg:
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
    def test_equals_statsmodels(self, p):
        theirs = multipletests(p, method="fdr_bh")[1]

        assert benjamini_hochberg(np.array(p)) == pytest.approx(theirs)

    def test_leaves_out_what_was_not_tested(self):
        found = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))

        assert np.isnan(found[1])
        assert found[[0, 2]] == pytest.approx([0.02, 0.04])
