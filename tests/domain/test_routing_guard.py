import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from curation.domain.routing import guard

LIMIT = 0.2
WRONGLY_TURNED = 1 - guard.LEVEL


@st.composite
def audits(draw):
    n = draw(st.integers(1, 400))
    return draw(st.integers(0, n)), n


class TestErrorLimits:
    @given(audits())
    def test_are_those_of_the_exact_binomial_test(self, counts):
        n_wrong, n = counts

        low, high = guard.error_limits(n_wrong, n)

        below = stats.binomtest(n_wrong, n, alternative="less").proportion_ci(0.95, "exact")
        above = stats.binomtest(n_wrong, n, alternative="greater").proportion_ci(0.95, "exact")
        assert high == pytest.approx(below.high, abs=1e-9)
        assert low == pytest.approx(above.low, abs=1e-9)

    def test_are_three_over_n_where_no_audit_found_an_error(self):
        assert guard.error_limits(0, 300)[1] == pytest.approx(3 / 300, rel=0.01)

    def test_exclude_nothing_without_audits(self):
        assert guard.error_limits(0, 0) == (0.0, 1.0)

    def test_refuse_more_errors_than_audits(self):
        with pytest.raises(ValueError, match="3 of 2"):
            guard.error_limits(3, 2)


class TestLogOddsAgainst:
    def test_is_the_mean_likelihood_over_the_one_that_is_asked_about(self):
        def likelihood(p):
            return p**7 * (1 - p) ** 13

        mean, _ = integrate.quad(likelihood, 0, 1)

        assert guard.log_odds_against(7, 20, 0.2) == pytest.approx(np.log(mean / likelihood(0.2)))

    def test_has_the_mean_one_under_the_true_probability(self):
        wrong = np.arange(31)

        ratios = np.exp([guard.log_odds_against(int(n), 30, 0.2) for n in wrong])

        assert ratios @ stats.binom.pmf(wrong, 30, 0.2) == pytest.approx(1)


class TestRunningLeast:
    @given(audits())
    def test_claims_less_than_the_limit_for_one_look(self, counts):
        assert 0 <= guard.running_least(*counts) <= guard.error_limits(*counts)[0] + 1e-9

    @given(audits(), st.floats(0.01, 0.9))
    def test_exceeds_a_limit_exactly_where_the_slice_errs_too_often(self, counts, limit):
        least = guard.running_least(*counts)

        if abs(least - limit) > 1e-8:
            assert guard.errs_too_often(*counts, limit) == (least > limit)


def turned_at(error, limit, *, slices, audits):
    """The number of audits after which each simulated slice is turned; NaN where it never is."""
    rng = np.random.default_rng(7)
    wrong = (rng.random((slices, audits)) < error).cumsum(axis=1)
    n = np.arange(1, audits + 1)
    first = np.array(
        [next((k for k in range(m + 1) if guard.errs_too_often(k, int(m), limit)), m + 1)
         for m in n]
    )  # fmt: skip
    has_turned = wrong >= first
    return np.where(has_turned.any(axis=1), has_turned.argmax(axis=1) + 1, np.nan)


class TestErrsTooOften:
    @pytest.mark.parametrize("limit", [0.1, 0.2, 0.4])
    def test_turns_few_slices_at_the_limit_though_asked_after_every_audit(self, limit):
        turned = turned_at(limit, limit, slices=2_000, audits=600)

        assert np.isfinite(turned).mean() <= WRONGLY_TURNED

    def test_would_turn_many_by_a_limit_that_holds_for_one_look(self):
        rng = np.random.default_rng(7)
        wrong = (rng.random((500, 600)) < LIMIT).cumsum(axis=1)
        n = np.arange(1, 601)

        turned = (stats.beta.ppf(0.05, wrong, n - wrong + 1) > LIMIT).any(axis=1)

        assert turned.mean() > 3 * WRONGLY_TURNED

    def test_turns_a_bad_slice_soon(self):
        turned = turned_at(2 * LIMIT, LIMIT, slices=2_000, audits=600)

        assert np.isfinite(turned).all()
        assert np.median(turned) <= 40
        assert np.quantile(turned, 0.9) <= 120

    def test_turns_none_without_audits_or_with_fewer_errors_than_allowed(self):
        assert not guard.errs_too_often(0, 0, LIMIT)
        assert not guard.errs_too_often(200, 1_000, LIMIT)


class TestWatch:
    def test_tells_of_a_slice_that_is_turned(self):
        seen = guard.watch(30, 60, LIMIT)

        assert seen.rate == 0.5
        assert seen.must_turn
        assert LIMIT < seen.least < seen.rate < seen.bound

    def test_says_nothing_surely_of_one_error_in_very_many_audits(self):
        seen = guard.watch(1, 1_000_000, LIMIT)

        assert (seen.least, seen.must_turn) == (0.0, False)

    def test_knows_nothing_without_audits(self):
        assert guard.watch(0, 0, LIMIT) == guard.Watch(0, 0, None, 1.0, 0.0, False)
