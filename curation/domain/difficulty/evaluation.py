"""How well difficulty is foretold, on prompts that the fit did not see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.domain.verdicts import Bools, Floats
from curation.domain.difficulty.correlation import Correlation, prompt_draws, spearman
from curation.domain.difficulty.model import fit, folds, usual_row
from curation.domain.difficulty.samples import NAMES, Known, Sample
from curation.domain.difficulty.target import FEWEST_HELD, halves

MOST_FOLDS = 10
BINS = 10
FEWEST_WITH_HALVES = 100  # comparisons; fewer say nothing about the ceiling
DECIMALS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """What models say of rows of prompts that they did not see: logits and probabilities, (m,)."""

    score: Floats
    probability: Floats


def out_of_fold(sample: Sample) -> Foretold:
    """Foretell every row by a model of other prompts, in up to ten folds."""
    table, usual = sample.table(), usual_row(sample.features)
    score, probability = np.empty(len(table.target)), np.empty(len(table.target))
    for train, held in folds(sample.prompt, MOST_FOLDS):
        model = fit(table.rows(train))
        score[held] = model.above(usual, sample.features[held])
        probability[held] = model.probability(sample.features[held])
    return Foretold(score, probability)


def evaluate(known: Known, sample: Sample) -> dict[str, Any]:
    """Compare what is foretold with the votes kept back.

    The ceiling is how well somebody would do who knew every comparison's true probability of
    disagreement: the votes kept back are few, so that even they could not foretell them. If r is
    the rank correlation between the disagreement of two halves of the same comparison's votes,
    either of which is the truth plus noise of its own, then the truth correlates with one half by
    the square root of r. The two halves are as large as the part kept back, so the ceiling is that
    of the very target that is foretold.

    Args:
        known: what the sample is of. sample: rows of at least four prompts.
    Returns:
        Figures as numbers, None where undefined: `spearman` with `low` and `high`, the ceiling and
        the share of it, AUROC, Brier score, each feature alone, reliability by decile, and the same
        for comparisons of which no vote was seen. Correlations and the ceiling are measured on
        comparisons with four votes or more where there are `FEWEST_WITH_HALVES` of them.

    Source: Spearman (1904), The proof and measurement of association, for the square root.
    """
    told = out_of_fold(sample)
    seen = ~sample.is_unseen
    has_halves = sample.n_votes >= 2 * FEWEST_HELD
    is_enough = len(np.unique(sample.pair[has_halves])) >= FEWEST_WITH_HALVES
    measured = has_halves | (not is_enough)
    draws = prompt_draws(int(sample.prompt.max()) + 1)
    here = seen & measured
    order = correlated(sample, told.score, here, draws)
    figures = {
        "n": len(np.unique(sample.pair[here])),
        "n_prompts": len(np.unique(sample.prompt[here])),
        **figure("spearman", order),
        **ceiling(order, split_half(known, draws) if is_enough else None),
        "auroc": auroc(sample.target[here], told.score[here]),
        **figure("spearman_unseen", correlated(sample, told.score, ~seen & measured, draws)),
        "singles": singles(sample, NAMES, here, draws),
        **reliability(sample, told, seen),
    }
    return {key: rounded(value) for key, value in figures.items()}


def correlated(sample: Sample, values: Floats, rows: Bools, draws: Floats) -> Correlation:
    split, prompt = sample.split[rows], sample.prompt[rows]
    return spearman(values[rows], sample.target[rows], split, prompt, draws)


def figure(name: str, found: Correlation) -> dict[str, float | None]:
    low, high = found.interval()
    return {name: found.value, f"{name}_low": low, f"{name}_high": high}


def split_half(known: Known, draws: Floats) -> Correlation:
    """Correlate the disagreement of two halves of the votes on each comparison."""
    several = known.ballot.counts().sum(axis=1) >= 2 * FEWEST_HELD
    first, second = zip(*halves(known.ballot), strict=True)
    split = np.repeat(np.arange(len(first)), int(several.sum()))
    prompt = np.tile(known.pairs.prompt[several], len(first))
    return spearman(np.concatenate(first), np.concatenate(second), split, prompt, draws)


def ceiling(order: Correlation, of_halves: Correlation | None) -> dict[str, float | None]:
    """The split-half correlation, its square root, and the share of this that is reached."""
    keys = ("split_half", "ceiling", "share_of_ceiling")
    if of_halves is None:
        return {f"{key}{end}": None for key in keys for end in ("", "_low", "_high")}
    top = Correlation(float(root(np.array(of_halves.value))), root(of_halves.drawn))
    with np.errstate(invalid="ignore"):
        reached = Correlation(order.value / top.value, order.drawn / top.drawn)
    found = zip(keys, (of_halves, top, reached), strict=True)
    return {key: value for name, one in found for key, value in figure(name, one).items()}


def root(share: Floats) -> Floats:
    """The square root, NaN where nothing is shared."""
    return np.where(share > 0, np.sqrt(np.maximum(share, 0.0)), np.nan)


def singles(
    sample: Sample, names: Sequence[str], rows: Bools, draws: Floats
) -> list[dict[str, Any]]:
    """What each feature that varies would do alone, the strongest first."""
    found = []
    for name, column in zip(names, sample.features.T, strict=True):
        known = rows & ~np.isnan(column)
        if not known.any() or np.ptp(column[known]) == 0:
            continue
        filled = np.where(np.isnan(column), column[known].mean(), column)
        one = correlated(sample, filled, rows, draws)
        share_known = float(known.sum() / rows.sum())
        found.append({"name": name, **figure("spearman", one), "share_known": share_known})
    return sorted(found, key=lambda one: -abs(one["spearman"]))


def auroc(target: Floats, score: Floats) -> float | None:
    """How often a pair of votes that disagree is scored above one that agrees, ties as halves."""
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.metrics import roc_auc_score

    weight = np.concatenate([target, 1 - target])
    kind = np.repeat([1, 0], len(target))
    some = weight > 0
    if len(np.unique(kind[some])) < 2:
        return None
    both = np.concatenate([score, score])
    return float(roc_auc_score(kind[some], both[some], sample_weight=weight[some]))


def reliability(sample: Sample, told: Foretold, rows: Bools) -> dict[str, Any]:
    """Mean foretold and observed disagreement by tenth of the rows, by foretold probability.

    Rows, not comparisons: a mean over the divisions of a comparison's votes would foretell from
    the same votes that it is checked on. `n` counts comparisons, that is rows by division.
    """
    order = np.lexsort((told.score[rows], told.probability[rows]))
    probability, target = told.probability[rows][order], sample.target[rows][order]
    n_splits = len(np.unique(sample.split[rows]))
    bins = [
        {
            "predicted": rounded(float(probability[part].mean())),
            "observed": rounded(float(target[part].mean())),
            "low": rounded(float(probability[part].min())),
            "high": rounded(float(probability[part].max())),
            "n": round(len(part) / n_splits),
        }
        for part in np.array_split(np.arange(len(order)), BINS)
        if len(part)
    ]
    brier = (target * (1 - probability) ** 2 + (1 - target) * probability**2).mean()
    usual = target.mean()
    return {
        "reliability": bins,
        "max_decile_error": max(abs(one["predicted"] - one["observed"]) for one in bins),
        "brier": float(brier),
        "brier_of_mean": float(usual * (1 - usual)),
        "disagreement": float(usual),
    }


def rounded(value: Any) -> Any:
    """Round numbers, those in lists and mappings too; NaN becomes None."""
    if isinstance(value, float):
        return round(value, DECIMALS) if np.isfinite(value) else None
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return value
