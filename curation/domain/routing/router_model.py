"""The model of where judges are right: logistic, shrunk towards what their confidence alone says.

The weight of the confidence is not penalised, those of all other features are, by L2. How much is
chosen on prompts held out, from `PENALTIES`, the last being so much that only the confidence is
left. The others are used only where they lower the log loss of held-out prompts by more than one
standard error of that gain; otherwise the model is that of the confidence alone, so that with few
labels, or with features that say nothing, it orders comparisons just as their confidence does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from annotation.domain.judges.calibrating import (
    Scale,
    fitted,
    held_out,
    method_for,
    scale_from,
)
from annotation.domain.verdicts import Bools, Floats, Ints
from annotation.domain.vocabulary import CalibrationMethod
from curation.domain.difficulty.model import Table, design, folds

PENALTIES = (1.0, 0.1, 0.01, 0.001)  # scikit-learn's C: the lower, the stronger
CONFIDENCE_ONLY = 0.0
UNPENALISED = 100.0  # as a column is scaled, its weight's penalty falls by the square
FOLDS = 5
SLIGHTEST = 1e-3  # weight of the confidence alone, at least: who is surer errs no more
TIE_BREAK = 1e-6  # of probability, so that what isotonic steps make equal stays in order
NOTHING = 1e-6  # what a feature varies by at least to be used: less is rounding
MOST_STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class RouterModel:
    """A fitted model of F features, the first of which is the judges' confidence in logits.

    Attributes:
        mean, sd: (F,) of the features where known. weights: (F,) of the standardised features, in
            logits. missing: (F,) logits where the feature is missing. intercept: logits.
        penalty: the strength chosen, `CONFIDENCE_ONLY` where nothing else is used.
        scale: makes the probabilities honest; it may have steps.
    """

    names: tuple[str, ...]
    mean: Floats
    sd: Floats
    weights: Floats
    missing: Floats
    intercept: float
    penalty: float
    scale: Scale

    def score(self, features: Floats) -> Floats:
        """The order, (n,) in logits: the higher, the likelier right. It has no needless ties."""
        columns = design(features, self.mean, self.sd)
        found: Floats = self.intercept + columns @ np.concatenate([self.weights, self.missing])
        return found

    def chances(self, features: Floats) -> Floats:
        """Probability that the judges are right, (n,) in (0, 1), in the order of `score`."""
        return self.calibrated(self.score(features))

    def without_unused(self) -> "RouterModel":
        """The same model of those features only that have a weight."""
        used = (self.weights != 0) | (self.missing != 0)
        columns = {name: getattr(self, name)[used] for name in ("mean", "sd", "weights", "missing")}
        names = tuple(name for name, is_used in zip(self.names, used, strict=True) if is_used)
        return replace(self, names=names, **columns)

    def calibrated(self, score: Floats) -> Floats:
        share = expit(score)
        honest: Floats = self.scale(share) * (1 - TIE_BREAK) + share * TIE_BREAK
        return honest

    def to_json(self) -> dict[str, Any]:
        columns = (self.mean, self.sd, self.weights, self.missing)
        rows = zip(self.names, *(one.tolist() for one in columns), strict=True)
        return {
            "intercept": self.intercept,
            "penalty": self.penalty,
            "scale": self.scale.as_json(),
            "features": [
                {"name": name, "mean": mean, "sd": sd, "weight": weight, "missing": missing}
                for name, mean, sd, weight, missing in rows
            ],
        }


def from_json(stored: dict[str, Any]) -> RouterModel:
    """Read a model that `to_json` gave."""
    rows = stored["features"]
    mean, sd, weights, missing = (
        np.array([row[key] for row in rows], float) for key in ("mean", "sd", "weight", "missing")
    )
    return RouterModel(
        tuple(row["name"] for row in rows),
        mean,
        sd,
        weights,
        missing,
        stored["intercept"],
        stored["penalty"],
        scale_from(stored["scale"]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """The model before it is calibrated; fields as in `RouterModel`."""

    mean: Floats
    sd: Floats
    weights: Floats
    missing: Floats
    intercept: float

    def score(self, features: Floats) -> Floats:
        columns = design(features, self.mean, self.sd)
        found: Floats = self.intercept + columns @ np.concatenate([self.weights, self.missing])
        return found


def fit_router(
    features: Floats,
    right: Floats,
    prompts: Ints,
    *,
    names: Sequence[str],
    penalties: Sequence[float] = PENALTIES,
) -> RouterModel:
    """Fit where judges are right, and calibrate it on scores of prompts that the fit did not see.

    Args:
        features: (n, F) NaN where missing; the first column is the judges' confidence in logits.
        right: (n,) 1 where the judges' verdict is what people agree on, else 0.
        prompts: (n,) number of the prompt; two or more different ones.
        names: F names. penalties: to choose from; none for the confidence alone.
    Returns:
        The model, calibrated by a temperature below 500 comparisons, from there by isotonic
        regression where that is better (see `scale_of`). Without anything to learn it is the mean.
    Raises:
        ValueError: fewer than two prompts.

    Source: Hastie et al. (2009), The elements of statistical learning, section 7.10, for choosing
    within one standard error.
    """
    table = Table(features, right, np.ones(len(right)), prompts)
    held = {penalty: held_out_scores(table, penalty) for penalty in (CONFIDENCE_ONLY, *penalties)}
    penalty = chosen_penalty(table, held)
    found = linear(table, penalty)
    return RouterModel(
        tuple(names),
        found.mean,
        found.sd,
        found.weights,
        found.missing,
        found.intercept,
        penalty,
        scale_of(expit(held[penalty]), right > 0.5, prompts),
    )


def scale_of(p: Floats, is_right: Bools, prompts: Ints) -> Scale:
    """Fit what makes probabilities honest.

    Isotonic regression needs labels, and the logistic model may be honest as it is: so from 500
    labels it is taken where it lowers the log loss of held-out prompts by more than one standard
    error of that gain against a temperature, which is taken else.

    Args:
        p: (n,) probabilities of prompts that their model did not see. is_right, prompts: (n,).
    """
    method = method_for(len(p))
    temperature, isotonic = CalibrationMethod.TEMPERATURE, CalibrationMethod.ISOTONIC
    method = method_for(len(p))
    if method == isotonic:
        steady, stepped = (
            log_loss(logit(held_out(p, is_right, prompts, one)), is_right.astype(float))
            for one in (temperature, isotonic)
        )
        gain = steady - stepped
        is_better = gain.mean() > standard_error(gain, prompts)
        method = isotonic if is_better else temperature
    return fitted(p, is_right, method)


def held_out_scores(table: Table, penalty: float) -> Floats:
    """Score every row by a model of other prompts, (n,) logits."""
    scores: Floats = np.empty(len(table.target))
    for train, held in folds(table.prompt, FOLDS):
        scores[held] = linear(table.rows(train), penalty).score(table.features[held])
    return scores


def chosen_penalty(table: Table, held: dict[float, Floats]) -> float:
    """The penalty of the least log loss, unless its gain over the confidence may be chance."""
    loss = {penalty: log_loss(scores, table.target) for penalty, scores in held.items()}
    best = min(loss, key=lambda penalty: float(loss[penalty].mean()))
    gain = loss[CONFIDENCE_ONLY] - loss[best]
    if best == CONFIDENCE_ONLY or gain.mean() <= standard_error(gain, table.prompt):
        return CONFIDENCE_ONLY
    return best


def log_loss(score: Floats, right: Floats) -> Floats:
    loss: Floats = np.logaddexp(0.0, score) - right * score
    return loss


def standard_error(values: Floats, prompts: Ints) -> float:
    """Of the mean of (n,) values that go together within prompts."""
    _, place = np.unique(prompts, return_inverse=True)
    sums = np.bincount(place, values - values.mean())
    n = len(sums)
    return float(np.sqrt((sums**2).sum() * n / max(n - 1, 1)) / len(values))


def linear(table: Table, penalty: float) -> Linear:
    """Fit the order."""
    mean, sd = moments(table.features)
    columns = design(table.features, mean, sd)
    n_features = len(mean)
    used = np.ptp(columns, axis=0) > NOTHING
    if penalty == CONFIDENCE_ONLY:
        used[1:] = False
    found = np.zeros(2 * n_features)
    intercept, found[used] = logistic(columns[:, used], table.target, penalty, bool(used[0]))
    if penalty == CONFIDENCE_ONLY and used[0] and found[0] < SLIGHTEST:
        intercept, found[0] = log_odds(table.target), SLIGHTEST
    weights, missing = np.split(found, 2)
    return Linear(mean, sd, weights, missing, intercept)


def moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature where it is known; 0 and 1 where undefined."""
    known = ~np.isnan(features)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0.0).sum(axis=0) / n
    spread = (np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n
    return mean, np.where(spread > NOTHING**2, np.sqrt(spread), 1.0)


def logistic(
    columns: Floats, target: Floats, penalty: float, has_confidence: bool
) -> tuple[float, Floats]:
    """Intercept and (F,) weights; the first column is not penalised if it is the confidence."""
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.linear_model import LogisticRegression

    if np.ptp(target) == 0 or not columns.shape[1]:
        return log_odds(target), np.zeros(columns.shape[1])
    scale = np.ones(columns.shape[1])
    scale[0] = UNPENALISED if has_confidence else 1.0
    model = LogisticRegression(C=penalty or 1.0, solver="newton-cholesky", max_iter=MOST_STEPS)
    model.fit(columns * scale, target > 0.5)
    return float(model.intercept_[0]), model.coef_[0] * scale


def log_odds(target: Floats) -> float:
    """Of the mean of (n,) outcomes, as if half a row of each kind were added."""
    share = (target.sum() + 0.5) / (len(target) + 1)
    return float(np.log(share / (1 - share)))
