import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from annotation.domain.length_control import NothingToControl, control_length


def comparisons(seed, *, baseline=None, n_models=12, n_prompts=800):
    """Models that differ in ability and in wordiness, judged with a length effect of 1."""
    rng = np.random.default_rng(seed)
    ability, wordy = rng.normal(0, 0.6, n_models), rng.normal(0, 0.5, n_models)
    lengths = np.exp(5 + wordy + rng.normal(0, 0.4, (n_prompts, n_models)))
    if baseline is None:
        prompt = np.repeat(np.arange(n_prompts), 6)
        first = rng.integers(0, n_models, len(prompt))
        second = (first + rng.integers(1, n_models, len(prompt))) % n_models
    else:
        others = np.delete(np.arange(n_models), baseline)
        prompt = np.tile(np.arange(n_prompts), len(others))
        first, second = np.repeat(others, n_prompts), np.full(len(prompt), baseline)
    gap = lengths[prompt, first] - lengths[prompt, second]
    odds = ability[first] - ability[second] + np.tanh(gap / gap.std())
    preference = (rng.random(len(gap)) < expit(odds)).astype(float)
    return ability, (first, second, prompt, preference, gap)


class TestControlLength:
    def test_comes_nearer_to_the_truth_than_raw_win_rates(self):
        raw_errors, errors = [], []
        for seed in range(3):
            ability, votes = comparisons(seed)
            first, second, _, preference, _ = votes
            table = expit(ability[:, None] - ability)
            truth = (table.sum(axis=1) - 0.5) / 11

            fit = control_length(*votes, n_models=12)

            points = np.bincount(first, preference) + np.bincount(second, 1 - preference)
            raw = points / (np.bincount(first) + np.bincount(second))
            raw_errors.append(np.abs(raw - truth).mean())
            errors.append(np.abs(fit.win_rates() - truth).mean())
            assert spearmanr(fit.win_rates(), truth).statistic > 0.9
            assert fit.length_effect.mean() == pytest.approx(1, abs=0.2)
            assert fit.converged

        assert np.mean(errors) < 0.4 * np.mean(raw_errors)

    def test_is_antisymmetric(self):
        _, votes = comparisons(1, baseline=0, n_models=6, n_prompts=100)
        first, second, prompt, preference, gap = votes

        fit = control_length(*votes, n_models=6, baseline=0)
        other = control_length(second, first, prompt, 1 - preference, -gap, n_models=6, baseline=0)

        assert fit.win_rate(3, 3) == 0.5
        assert fit.win_rate(2, 0) + fit.win_rate(0, 2) == pytest.approx(1)
        assert other.win_rates() == pytest.approx(fit.win_rates(), abs=1e-3)

    def test_leaves_the_baseline_at_zero(self):
        _, votes = comparisons(2, baseline=1, n_models=6, n_prompts=100)

        fit = control_length(*votes, n_models=6, baseline=1)

        assert (fit.ability[1], fit.sensitivity[1], fit.win_rates()[1]) == (0, 0, 0.5)
        assert fit.difficulty.std() > 0

    def test_stays_finite_for_a_model_that_always_wins(self):
        first, second = np.zeros(20, int), np.ones(20, int)
        gap = np.linspace(-1, 1, 20)

        fit = control_length(first, second, np.arange(20), np.ones(20), gap, n_models=2)

        assert 0.9 < fit.win_rate(0, 1) < 1
        assert np.isfinite(fit.ability).all()

    def test_refuses_nothing(self):
        none = np.array([], int)

        with pytest.raises(NothingToControl):
            control_length(none, none, none, none.astype(float), none.astype(float), n_models=2)
