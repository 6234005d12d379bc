import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from sklearn.calibration import calibration_curve

from annotation.domain.judges.between_prompts import off_elsewhere, spread_over
from annotation.domain.judges.calibrating import (
    SURE,
    Scale,
    calibrate,
    fitted,
    folds_of,
    held_out,
    honesty_of,
    scale_from,
    temperature_of,
)
from annotation.domain.vocabulary import CalibrationMethod

NONE, TEMPERATURE, ISOTONIC = CalibrationMethod


def honest_judge(n, spread=1.4, seed=0):
    """Log-odds of a judge and what came true: right as often as it says."""
    draw = np.random.default_rng(seed)
    d = draw.normal(0, spread, n)
    return d, draw.random(n) < expit(d)


class TestHonestyOf:
    def test_is_near_nothing_for_a_judge_that_is_right_as_often_as_it_says(self):
        d, is_right = honest_judge(100_000)

        assert honesty_of(expit(d), is_right).ece == pytest.approx(0.003, abs=0.002)

    def test_is_a_tenth_for_one_that_doubles_its_log_odds(self):
        d, is_right = honest_judge(100_000)

        assert honesty_of(expit(2 * d), is_right).ece == pytest.approx(0.101, abs=0.003)

    def test_counts_bins_as_scikit_learn_does(self):
        d, is_right = honest_judge(3_000)

        bins = [each for each in honesty_of(expit(d), is_right).bins if each.n]

        right, confidence = calibration_curve(is_right, expit(d), n_bins=10)
        assert [each.share_right for each in bins] == pytest.approx(right, abs=1e-6)
        assert [each.confidence for each in bins] == pytest.approx(confidence, abs=1e-6)

    def test_puts_certainty_into_the_last_bin(self):
        honesty = honesty_of(np.array([1.0, 1.0]), np.array([True, False]))

        assert honesty.bins[-1].n == 2
        assert (honesty.ece, honesty.brier) == (0.5, 0.5)


class TestTemperature:
    def test_undoes_doubled_log_odds(self):
        d, is_right = honest_judge(5_000)

        assert temperature_of(expit(2 * d), is_right) == pytest.approx(1.93, abs=0.25)

    def test_makes_the_probabilities_of_few_labels_honest(self):
        d, is_right = honest_judge(450, seed=3)
        prompts = np.arange(450) // 3

        found = calibrate(expit(4 * d), is_right, prompts)

        assert found.scale.method == TEMPERATURE
        assert found.after.ece < found.before.ece / 2
        assert found.after.brier < found.before.brier

    def test_never_changes_the_order_of_probabilities(self):
        p = np.linspace(0.01, 0.99, 50)

        assert (np.diff(Scale(TEMPERATURE, temperature=3.0)(p)) > 0).all()


class TestIsotonic:
    def test_makes_probabilities_honest_that_no_temperature_can(self):
        draw = np.random.default_rng(1)
        p = draw.uniform(0.5, 1, 2_000)
        is_right = draw.random(2_000) < 0.3 + 0.3 * (p > 0.8)

        found = calibrate(p, is_right, np.arange(2_000))

        assert found.scale.method == ISOTONIC
        assert found.before.ece > 0.25
        assert found.after.ece < 0.05

    def test_is_never_certain(self):
        p = np.linspace(0.1, 0.9, 600)

        scale = fitted(p, p > 0.5, ISOTONIC)

        assert scale(np.array([0.0, 1.0])) == pytest.approx([SURE, 1 - SURE])

    def test_bears_a_judge_that_always_says_the_same(self):
        is_right = np.arange(600) % 3 == 0

        scale = fitted(np.full(600, 0.75), is_right, ISOTONIC)

        assert scale(np.array([0.2, 0.75, 0.9])) == pytest.approx([1 / 3] * 3, abs=1e-5)


class TestCalibrate:
    def test_leaves_probabilities_alone_while_there_are_few_labels(self):
        d, is_right = honest_judge(29)

        found = calibrate(expit(2 * d), is_right, np.arange(29))

        assert found.scale.method == NONE
        assert found.scale(np.array([0.3])) == pytest.approx([0.3])

    def test_measures_nothing_where_all_labels_are_of_one_prompt(self):
        d, is_right = honest_judge(100)

        found = calibrate(expit(d), is_right, np.zeros(100, int))

        assert (found.before, found.after) == (None, None)

    def test_judges_a_scale_by_prompts_that_it_was_not_fitted_on(self):
        """Each prompt has its own probability and luck: fitted on the same, it looks sharper."""
        prompt = np.repeat(np.arange(20), 30)
        p = np.repeat(np.linspace(0.5, 0.95, 20), 30)
        is_right = np.random.default_rng(5).random(600) < np.repeat(np.arange(20) % 5 / 8, 30)

        seen = fitted(p, is_right, ISOTONIC)(p)
        unseen = held_out(p, is_right, prompt, ISOTONIC)

        assert honesty_of(unseen, is_right).brier > honesty_of(seen, is_right).brier + 0.002


class TestFoldsOf:
    @given(prompts=st.lists(st.integers(0, 20), min_size=1, max_size=60))
    def test_keep_a_prompt_together(self, prompts):
        folds = folds_of(np.array(prompts), np.arange(len(prompts)) % 3 == 0)

        assert len(set(zip(prompts, folds.tolist(), strict=True))) == len(set(prompts))
        assert len(set(folds.tolist())) > 1 or len(set(prompts)) == 1

    @given(seed=st.integers(0, 50))
    def test_are_alike_in_how_often_the_judge_is_right(self, seed):
        draw = np.random.default_rng(seed)
        prompts = draw.integers(0, 40, 400)
        is_right = draw.random(400) < draw.random(40)[prompts]

        folds = folds_of(prompts, is_right)

        shares = [is_right[folds == number].mean() for number in range(5)]
        assert max(shares) - min(shares) < 0.1


class TestSpreadOver:
    def test_finds_by_how_much_prompts_differ(self):
        draw = np.random.default_rng(4)
        prompts = np.repeat(np.arange(400), 30)
        share = np.clip(draw.normal(0.6, 0.15, 400), 0, 1)
        is_right = draw.random(len(prompts)) < share[prompts]

        spread = spread_over(prompts, np.full(len(prompts), 0.6), is_right)

        assert spread == pytest.approx(0.15, abs=0.02)

    def test_is_nothing_where_chance_explains_it(self):
        is_right = np.arange(400) % 2 == 0

        assert spread_over(np.arange(400) // 4, np.full(400, 0.5), is_right) == 0.0


class TestOffElsewhere:
    def test_is_the_usual_interval_of_a_mean_where_every_label_has_a_prompt_of_its_own(self):
        d, is_right = honest_judge(50)
        residual = is_right - expit(d)

        low, high = stats.t.interval(0.95, 49, loc=residual.mean(), scale=stats.sem(residual))

        off = off_elsewhere(np.arange(50), expit(d), is_right)
        assert off == pytest.approx((high - low) / 2, abs=1e-6)

    def test_holds_on_other_prompts_in_nineteen_of_twenty_cases(self):
        draw = np.random.default_rng(3)
        held = []
        for _ in range(400):
            share = np.clip(draw.normal(0.6, 0.2, 13), 0, 1)
            prompt = np.repeat(np.arange(13), 60)
            is_right = draw.random(len(prompt)) < share[prompt]
            told = np.full(len(prompt), is_right.mean())
            off = off_elsewhere(prompt, told, is_right)
            held.append(abs(is_right.mean() - 0.6) <= off)

        assert np.mean(held) == pytest.approx(0.95, abs=0.03)

    def test_is_at_most_everything(self):
        first = np.array([True, True, False, False])

        assert off_elsewhere(np.array([0, 0, 1, 1]), np.full(4, 0.5), first) == 1.0


class TestScale:
    @pytest.mark.parametrize("method", list(CalibrationMethod))
    def test_comes_back_from_what_is_stored(self, method):
        d, is_right = honest_judge(700)
        scale = fitted(expit(2 * d), is_right, method)

        again = scale_from(scale.as_json())

        p = np.linspace(0.02, 0.98, 40)
        assert again(p) == pytest.approx(scale(p))
