"""How a judge's probabilities are made honest, from labels that people gave.

A scale turns the probability that a judge gives its verdict into how often such verdicts are right.
It is fitted on some labels and judged on others: labels of one prompt are never on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from annotation.domain.judges.between_prompts import off_elsewhere, spread_over
from annotation.domain.verdicts import Bools, Floats, Ints
from annotation.domain.vocabulary import CalibrationMethod

FEWEST_LABELS = 30  # below which probabilities stay as they are
ISOTONIC_FROM = 500  # labels; fewer make steps of an isotonic fit out of chance
N_FOLDS = 5
ROOM = 1.25  # of the labels in an even fold, what one may hold
N_BINS = 10
CLIP = 1e-4  # the closest to 0 and 1 that a judge is taken at its word
SURE = 0.01  # the closest to 0 and 1 that an isotonic fit may come
LOG_TEMPERATURE = (-3.0, 4.0)  # within which it is sought
DECIMALS = 6


@dataclass(frozen=True)
class Scale:
    """A map of probabilities.

    Attributes:
        method: `none` leaves them as they are.
        temperature: what log-odds are divided by.
        x, y: knots of an isotonic fit, ascending; between them lines, beyond them level.
    """

    method: str = CalibrationMethod.NONE
    temperature: float = 1.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __call__(self, p: Floats) -> Floats:
        """Map (n,) probabilities. Isotonic fits make ties: order by what goes in, not by this."""
        if self.method == CalibrationMethod.TEMPERATURE:
            scaled: Floats = special.expit(logits(p) / self.temperature)
            return scaled
        if self.method == CalibrationMethod.ISOTONIC:
            return np.interp(p, self.x, self.y)
        return p

    def as_json(self) -> dict[str, Any]:
        if self.method == CalibrationMethod.TEMPERATURE:
            return {"method": str(self.method), "temperature": self.temperature}
        if self.method == CalibrationMethod.ISOTONIC:
            return {"method": str(self.method), "x": list(self.x), "y": list(self.y)}
        return {"method": str(CalibrationMethod.NONE)}


def scale_from(stored: Mapping[str, Any]) -> Scale:
    """Read a scale out of `Scale.as_json`; nothing stored changes nothing."""
    return Scale(
        stored.get("method", CalibrationMethod.NONE),
        float(stored.get("temperature", 1.0)),
        tuple(stored.get("x", ())),
        tuple(stored.get("y", ())),
    )


def logits(p: Floats) -> Floats:
    """Log-odds of (n,) probabilities, clipped to [1e-4, 1 - 1e-4]."""
    found: Floats = special.logit(np.clip(p, CLIP, 1 - CLIP))
    return found


def method_for(n_labels: int) -> CalibrationMethod:
    """Temperature below 500 labels, isotonic from there, none below 30."""
    if n_labels < FEWEST_LABELS:
        return CalibrationMethod.NONE
    few = n_labels < ISOTONIC_FROM
    return CalibrationMethod.TEMPERATURE if few else CalibrationMethod.ISOTONIC


def fitted(p: Floats, is_right: Bools, method: str) -> Scale:
    """Fit a scale.

    Args:
        p: (n,) probabilities, n >= 1. is_right: (n,) whether what has it came true.
    """
    if method == CalibrationMethod.TEMPERATURE:
        return Scale(method, temperature=temperature_of(p, is_right))
    if method == CalibrationMethod.ISOTONIC:
        return isotonic(p, is_right)
    return Scale()


def temperature_of(p: Floats, is_right: Bools) -> float:
    """The temperature under which labels are likeliest, within exp(-3) to exp(4).

    Source: Guo et al. (2017), On calibration of modern neural networks, 4.2.
    """
    z, y = logits(p), is_right.astype(float)

    def loss(log_temperature: float) -> float:
        scaled = z * np.exp(-log_temperature)
        return float(np.logaddexp(0, scaled).sum() - (y * scaled).sum())

    found = optimize.minimize_scalar(loss, bounds=LOG_TEMPERATURE, method="bounded")
    return round(float(np.exp(found.x)), DECIMALS)


def isotonic(p: Floats, is_right: Bools) -> Scale:
    """The never falling steps nearest to the labels, no closer to 0 and 1 than `SURE`.

    Source: Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass
    probability estimates.
    """
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=SURE, y_max=1 - SURE, out_of_bounds="clip").fit(p, is_right)
    x, y = (np.round(knots, DECIMALS).tolist() for knots in (fit.X_thresholds_, fit.y_thresholds_))
    return Scale(CalibrationMethod.ISOTONIC, x=tuple(x), y=tuple(y))


def folds_of(prompt: Ints, is_right: Bools) -> Ints:
    """(n,) number of the fold that each label is held out in; one prompt is in one fold.

    The folds, at most `N_FOLDS`, are made alike in how often the judge is right: prompts differ in
    that, and a scale that was fitted without the hard ones would be blamed for them. Prompts go,
    those that differ most first, to the fold that they correct most among those with room, else to
    the smallest.

    Source: the idea is that of stratified folds of groups, as in scikit-learn's
    StratifiedGroupKFold, which weighs sizes more and shares less.
    """
    known, who = np.unique(prompt, return_inverse=True)
    n, k = np.bincount(who), min(N_FOLDS, len(known))
    excess = np.bincount(who, is_right) - n * is_right.mean()
    folds, off, size = np.zeros(len(known), np.int64), np.zeros(k), np.zeros(k)
    for each in np.argsort(-np.abs(excess), kind="stable"):
        has_room = size + n[each] <= ROOM * len(prompt) / k
        corrects = (off * excess[each]).round(DECIMALS)
        wanted = np.where(has_room, corrects, np.inf) if has_room.any() else size
        folds[each] = np.lexsort((size, wanted))[0]
        off[folds[each]] += excess[each]
        size[folds[each]] += n[each]
    return folds[who]


def held_out(p: Floats, is_right: Bools, prompt: Ints, method: str) -> Floats:
    """(n,) probabilities by scales that were fitted on the other folds.

    NaN throughout where all labels are of one prompt.
    """
    fold = folds_of(prompt, is_right)
    found = np.full(len(p), np.nan)
    for number in np.unique(fold):
        out = fold == number
        if not out.all():
            found[out] = fitted(p[~out], is_right[~out], method)(p[out])
    return found


@dataclass(frozen=True)
class Bin:
    """Labels whose probability lies from `low` up to `high` (1 included in the last bin)."""

    low: float
    high: float
    n: int
    confidence: float | None
    share_right: float | None


@dataclass(frozen=True)
class Honesty:
    """How far probabilities are from what came true.

    ece: mean distance between probability and share right over ten equal bins, weighted by labels.
    brier: mean squared distance to the outcome.
    """

    ece: float
    brier: float
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"bins": [vars(each) for each in self.bins]}


def honesty_of(p: Floats, is_right: Bools) -> Honesty:
    """Measure probabilities against outcomes.

    Args:
        p: (n,) in [0, 1], n >= 1. is_right: (n,).

    Source: Naeini et al. (2015), Obtaining well calibrated probabilities using Bayesian binning,
    for the expected calibration error; Brier (1950) for the score.
    """
    y = is_right.astype(float)
    place = np.minimum((p * N_BINS).astype(int), N_BINS - 1)
    n = np.bincount(place, minlength=N_BINS)
    sums = (np.bincount(place, values, N_BINS) for values in (p, y))
    confidence, right = (np.divide(of, n, out=np.full(N_BINS, np.nan), where=n > 0) for of in sums)
    ece = float(np.nansum(n * np.abs(confidence - right)) / len(p))
    bins = tuple(
        Bin(
            number / N_BINS,
            (number + 1) / N_BINS,
            int(n[number]),
            rounded(confidence[number]),
            rounded(right[number]),
        )
        for number in range(N_BINS)
    )
    return Honesty(round(ece, DECIMALS), round(float(np.mean((p - y) ** 2)), DECIMALS), bins)


def rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DECIMALS)


@dataclass(frozen=True)
class Calibrated:
    """A scale fitted on all labels, and what scales like it do on labels held out.

    before, after: None without labels of two prompts, as are the next two. prompt_sd: how far the
    share right in one prompt usually is from what the scale says of it, so how little is known of
    a prompt unseen. off_elsewhere: how far all probabilities together may be off on other prompts.
    """

    scale: Scale
    n: int
    n_prompts: int
    before: Honesty | None = None
    after: Honesty | None = None
    prompt_sd: float | None = None
    off_elsewhere: float | None = None

    @property
    def evaluation(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "n_prompts": self.n_prompts,
            "before": self.before and self.before.as_json(),
            "after": self.after and self.after.as_json(),
            "prompt_sd": self.prompt_sd,
            "off_elsewhere": self.off_elsewhere,
        }


def calibrate(p: Floats, is_right: Bools, prompt: Ints) -> Calibrated:
    """Choose the method by the number of labels, fit it, and measure it by cross-fitting.

    Args:
        p: (n,) probabilities of verdicts. is_right: (n,). prompt: (n,) what belongs together.
    """
    n, n_prompts = len(p), len(np.unique(prompt))
    method = method_for(n)
    scale = fitted(p, is_right, method)
    if n_prompts < 2:
        return Calibrated(scale, n, n_prompts)
    after = held_out(p, is_right, prompt, method)
    return Calibrated(
        scale,
        n,
        n_prompts,
        honesty_of(p, is_right),
        honesty_of(after, is_right),
        spread_over(prompt, after, is_right),
        off_elsewhere(prompt, after, is_right),
    )
