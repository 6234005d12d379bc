"""Win rates as they would be if all answers were equally long."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from annotation.domain.errors import DomainError
from annotation.domain.verdicts import Floats, Ints

PRIOR_PHI = 5.0  # precision of a model's own length effect around the common one
PRIOR_PSI = 1.0  # precision of a model's sensitivity to difficulty around 1
PRIOR_THETA = 1e-3  # keeps a model that always wins finite
FEWEST_SYSTEMS = 5  # below this, difficulty and ability can not be told apart well


class NothingToControl(DomainError):
    """No comparison is left to learn from."""

    code = "nothing_to_control"


@dataclass(frozen=True)
class LengthControl:
    """A fitted model of who wins, with the effect of length as a part of its own.

    ability, sensitivity: (M,) log-odds against the baseline, and how they grow with difficulty.
    length_effect: (M,) change of log-odds for one unit of tanh(length difference / its sd).
    difficulty: (X,) of each prompt. baseline: number of a model whose ability and sensitivity are
    0, or None: difficulty is then not estimated (all 0). converged: whether the fit settled.
    """

    ability: Floats
    length_effect: Floats
    sensitivity: Floats
    difficulty: Floats
    length_scale: float
    baseline: int | None
    converged: bool

    def win_rate(self, first: int, second: int) -> float:
        """Share of prompts that `first` wins against `second` at equal length, in [0, 1].

        Exactly 0.5 against itself, and the two directions add up to 1.
        """
        gap = self.ability[first] - self.ability[second]
        steeper = self.sensitivity[first] - self.sensitivity[second]
        return float(special.expit(gap + steeper * self.difficulty).mean())

    def win_rates(self) -> Floats:
        """(M,) mean win rate against the baseline, or against all others where there is none."""
        models = range(len(self.ability))
        if self.baseline is not None:
            return np.array([self.win_rate(model, self.baseline) for model in models])
        table = np.array([[self.win_rate(a, b) for b in models] for a in models])
        return (table.sum(axis=1) - 0.5) / max(len(models) - 1, 1)


def control_length(
    first: Ints,
    second: Ints,
    prompt: Ints,
    preference: Floats,
    length_gap: Floats,
    *,
    n_models: int,
    baseline: int | None = None,
) -> LengthControl:
    """Fit logit P(first wins) = ability + length + difficulty, each a difference of the two models.

    log-odds = (t_i - t_j) + (f_i + f_j) / 2 tanh(gap / sd) + (p_i - p_j) g_x, with the length
    effects f drawn to their common mean, sensitivities p to 1 (0 for the baseline), difficulties g
    to 0. Exchanging the models and the sign of the gap changes nothing.

    Args:
        first, second: (n,) models from 0. prompt: (n,) from 0.
        preference: (n,) for the first, 0 to 1; a tie is 0.5.
        length_gap: (n,) length of the first's answer minus that of the second's, any one unit.
        baseline: the model that all others were compared with. Only then is difficulty, which is
            shared by all models and the larger part of the correction, estimated.
    Raises:
        NothingToControl: no comparison was given.

    Source: Dubois et al. (2024), Length-Controlled AlpacaEval; shrinkage of the length
    effects to a common mean is ours.
    """
    if not len(first):
        raise NothingToControl("There are no comparisons yet to control for length.")
    scale = float(np.std(length_gap)) or 1.0
    problem = _Problem(
        first, second, prompt, preference, np.tanh(length_gap / scale), n_models, baseline
    )
    start = np.concatenate([np.zeros(2 * n_models), problem.typical, np.zeros(problem.n_prompts)])
    options = {"maxiter": 1000, "ftol": 1e-10, "gtol": 1e-5}
    found = optimize.minimize(problem.loss, start, jac=True, method="L-BFGS-B", options=options)
    ability, effect, sensitivity, difficulty = problem.parts(found.x)
    reference = ability.mean() if baseline is None else ability[baseline]
    return LengthControl(
        ability - reference, effect, sensitivity, difficulty, scale, baseline, bool(found.success)
    )


@dataclass(frozen=True)
class _Problem:
    first: Ints
    second: Ints
    prompt: Ints
    preference: Floats
    gap: Floats
    n_models: int
    baseline: int | None

    @property
    def n_prompts(self) -> int:
        return int(self.prompt.max()) + 1

    @property
    def typical(self) -> Floats:
        """Prior mean of sensitivity: 1, for the baseline 0; all 0 without one."""
        models = np.arange(self.n_models)
        if self.baseline is None:
            return np.zeros(self.n_models)
        return (models != self.baseline).astype(float)

    def parts(self, x: Floats) -> list[Floats]:
        m = self.n_models
        return np.split(x, [m, 2 * m, 3 * m])

    def loss(self, x: Floats) -> tuple[float, Floats]:
        """Negative log posterior and its gradient."""
        ability, effect, sensitivity, difficulty = self.parts(x)
        i, j, prompt = self.first, self.second, self.prompt
        steeper, hard = sensitivity[i] - sensitivity[j], difficulty[prompt]
        logit = ability[i] - ability[j] + (effect[i] + effect[j]) / 2 * self.gap + steeper * hard
        excess = special.expit(logit) - self.preference
        gradients = (
            self._difference(excess) + PRIOR_THETA * ability,
            self._sum(excess * self.gap / 2) + PRIOR_PHI * (effect - effect.mean()),
            self._difference(excess * hard) + PRIOR_PSI * (sensitivity - self.typical),
            np.bincount(prompt, excess * steeper, len(difficulty)) + difficulty,
        )
        penalty = (
            PRIOR_THETA * ability @ ability
            + PRIOR_PHI * ((effect - effect.mean()) ** 2).sum()
            + PRIOR_PSI * ((sensitivity - self.typical) ** 2).sum()
            + difficulty @ difficulty
        ) / 2
        likelihood = float((self.preference * logit - np.logaddexp(0, logit)).sum())
        self._hold(gradients)
        return float(penalty) - likelihood, np.concatenate(gradients)

    def _hold(self, gradients: tuple[Floats, ...]) -> None:
        """Keep the baseline at 0, and sensitivities where there is no baseline."""
        if self.baseline is None:
            gradients[2][:] = 0
        else:
            gradients[0][self.baseline] = gradients[2][self.baseline] = 0

    def _by_side(self, each: Floats) -> tuple[Floats, Floats]:
        first, second = (np.bincount(s, each, self.n_models) for s in (self.first, self.second))
        return first.astype(float), second.astype(float)

    def _difference(self, each: Floats) -> Floats:
        return np.subtract(*self._by_side(each))

    def _sum(self, each: Floats) -> Floats:
        return np.add(*self._by_side(each))
