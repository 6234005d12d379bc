"""The model of difficulty: logistic for the order, isotonic for the probability on display."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from annotation.domain.verdicts import Floats, Ints

PENALTY = 0.003  # of the weights: their prior has a standard deviation of about 0.05
THIRDS = 3
EACH_BIN = 100  # comparisons: the share of those that disagree is then known to about .05
MOST_BINS = 50
DECIMALS = 6
SLIGHTEST = 1e-5  # what a feature varies by at least to tell anything: less is rounding
MOST_STEPS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """m rows to learn from; a comparison may have several, one for each division of its votes.

    Attributes:
        features: (m, F) NaN where missing. target: (m,) share of pairs of votes that disagree,
            in [0, 1]. weight: (m,), adding up to one or so for each comparison.
        prompt: (m,) number of the prompt: rows of one prompt are never on both sides of a fold.
    """

    features: Floats
    target: Floats
    weight: Floats
    prompt: Ints

    def rows(self, chosen: Ints) -> "Table":
        return Table(
            self.features[chosen], self.target[chosen], self.weight[chosen], self.prompt[chosen]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted model of F features.

    Attributes:
        mean, sd: (F,) of the features where known. weights: (F,) of the standardised features,
            in logits. missing: (F,) logits where the feature is missing. intercept: logits.
        scores, probabilities: (k,) corners of the isotonic curve from scores to probabilities,
            both ascending; beyond its ends the curve is flat.
    """

    mean: Floats
    sd: Floats
    weights: Floats
    missing: Floats
    intercept: float
    scores: Floats
    probabilities: Floats

    def score(self, features: Floats) -> Floats:
        """Foretell the order, (m,) in logits: the higher, the harder. It has no needless ties."""
        return self.intercept + design(features, self.mean, self.sd) @ np.concatenate(
            [self.weights, self.missing]
        )

    def above(self, usual: Floats, features: Floats) -> Floats:
        """The score above that of one usual row, (m,).

        An order has no origin, and that of a fold's model is the mean of the other prompts, which
        is low where its own is high: so scores of several models are brought together like this.
        """
        return self.score(features) - self.score(usual)

    def order(self, features: Floats) -> Floats:
        """The score as a share in (0, 1), (m,)."""
        share: Floats = expit(self.score(features))
        return share

    def probability(self, features: Floats) -> Floats:
        """Foretell the probability that two more people disagree, (m,) in [0, 1]."""
        return np.interp(self.score(features), self.scores, self.probabilities)

    def as_json(self, names: Sequence[str]) -> tuple[dict[str, Any], list[list[float]]]:
        """Give weights by name and the curve's corners, for storing."""
        columns = (self.mean, self.sd, self.weights, self.missing)
        rows = zip(names, *(column.round(DECIMALS).tolist() for column in columns), strict=True)
        features = {
            name: {"mean": mean, "sd": sd, "weight": weight, "missing": missing}
            for name, mean, sd, weight, missing in rows
        }
        knots = np.column_stack([self.scores, self.probabilities]).round(DECIMALS).tolist()
        return {"intercept": round(self.intercept, DECIMALS), "features": features}, knots


def from_json(weights: dict[str, Any], knots: list[list[float]], names: Sequence[str]) -> Model:
    """Read a model that `as_json` gave, whatever order its store has put the names in."""
    stored = [weights["features"][name] for name in names]
    columns = [
        np.array([one[key] for one in stored]) for key in ("mean", "sd", "weight", "missing")
    ]
    curve = np.array(knots, float).reshape(-1, 2)
    mean, stored_sd, weight, missing = columns
    sd = np.where(stored_sd > 0, stored_sd, 1.0)  # one that hardly varied was once rounded to 0
    return Model(mean, sd, weight, missing, weights["intercept"], curve[:, 0], curve[:, 1])


def fit(table: Table) -> Model:
    """Fit the order on all rows, and the probability on scores of rows that the fit did not see.

    Each third of the prompts in turn is scored by a model fitted on the other two; the isotonic
    curve is fitted on these scores together.

    Args:
        table: rows of at least three prompts.
    Returns:
        The model. Without anything to learn from the features it is the mean.
    Raises:
        ValueError: fewer than three prompts.

    Source: Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass
    probability estimates, for isotonic calibration.
    """
    found, usual = linear(table), usual_row(table.features)
    scores = np.empty(len(table.target))
    for train, held in folds(table.prompt, THIRDS):
        scores[held] = linear(table.rows(train)).above(usual, table.features[held])
    scores += found.score(usual)
    corners, probabilities = curve_of(scores, table)
    return Model(
        found.mean,
        found.sd,
        found.weights,
        found.missing,
        found.intercept,
        corners,
        probabilities,
    )


def curve_of(scores: Floats, table: Table) -> tuple[Floats, Floats]:
    """Fit a rising curve from scores to probabilities: its corners, (k,) and (k,).

    Rows are first gathered in bins of `EACH_BIN` comparisons, neighbours by score: an isotonic
    curve through single rows ends in steps of a few comparisons, which only chance has put there.
    """
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.isotonic import IsotonicRegression

    n_bins = int(np.clip(table.weight.sum() / EACH_BIN, 1, MOST_BINS))
    parts = np.array_split(np.argsort(scores, kind="stable"), n_bins)
    weights = np.array([table.weight[part].sum() for part in parts])
    corners = np.array([np.average(scores[p], weights=table.weight[p]) for p in parts])
    observed = [np.average(table.target[part], weights=table.weight[part]) for part in parts]
    curve = IsotonicRegression(y_min=0.0, y_max=1.0)
    return corners, curve.fit_transform(corners, observed, sample_weight=weights)


def linear(table: Table) -> Model:
    """Fit the order alone; a fractional target is a row of each kind, weighted by the share."""
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.linear_model import LogisticRegression

    known = ~np.isnan(table.features)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, table.features, 0.0).sum(axis=0) / n
    spread = (np.where(known, table.features - mean, 0.0) ** 2).sum(axis=0) / n
    sd = np.where(spread >= SLIGHTEST**2, np.sqrt(spread), 1.0)
    columns = design(table.features, mean, sd)
    m = len(table.target)
    weight = np.concatenate([table.weight * table.target, table.weight * (1 - table.target)])
    kind = np.repeat([1, 0], m)
    some = weight > 0
    found = LogisticRegression(C=PENALTY, max_iter=MOST_STEPS)
    found.fit(np.concatenate([columns, columns])[some], kind[some], sample_weight=weight[some])
    weights, missing = np.split(found.coef_[0], 2)
    flat = np.zeros(1)
    return Model(mean, sd, weights, missing, float(found.intercept_[0]), flat, flat)


def design(features: Floats, mean: Floats, sd: Floats) -> Floats:
    """Standardise features, zero where missing, and put beside each whether it is missing."""
    missing = np.isnan(features)
    return np.column_stack([np.where(missing, 0.0, (features - mean) / sd), missing])


def usual_row(features: Floats) -> Floats:
    """The mean of each feature where it is known, (1, F); 0 where it never is."""
    known = ~np.isnan(features)
    total = np.where(known, features, 0.0).sum(axis=0, keepdims=True)
    row: Floats = total / np.maximum(known.sum(axis=0), 1)
    return row


def folds(prompt: Ints, most: int) -> list[tuple[Ints, Ints]]:
    """Divide rows by prompt into up to `most` parts of about equal size: (train, held) rows."""
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.model_selection import GroupKFold

    n_prompts = len(np.unique(prompt))
    parts = GroupKFold(min(most, n_prompts))
    return list(parts.split(prompt, groups=prompt))
