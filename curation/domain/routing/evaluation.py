"""How much the learned router gains, on prompts that its models did not see.

Where people's labels and judges' are both known, each way of routing puts the comparisons in an
order; the share of right labels is then told for every share that goes to people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.domain.judges.calibrating import honesty_of
from annotation.domain.verdicts import Floats, Ints
from curation.domain.difficulty.correlation import SEED, prompt_draws
from curation.domain.difficulty.evaluation import rounded
from curation.domain.difficulty.model import folds
from curation.domain.routing import curves
from curation.domain.routing.curves import GRID, Figure, Outcomes
from curation.domain.routing.router_model import PENALTIES, fit_router

FEWEST_PROMPTS = 4
MOST_LABELLED = 20_000
MOST_FOLDS = 5  # few prompts need several in each, as comparisons are ordered within a fold
SHARES = (0.10, 0.25, 0.50)
RANDOM, CONFIDENCE, LEARNED, ORACLE = "random", "confidence", "learned", "oracle"
ROUTERS = (RANDOM, CONFIDENCE, LEARNED, ORACLE)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """n comparisons that people and judges have labelled.

    Attributes:
        features: (n, F) NaN where missing; the first column is the judges' confidence in logits.
        names: of the F features.
        raw: (n,) probability that the judges give their own verdict, before any calibration.
        right: (n,) 1 where the judges' verdict is what people agree on, else 0.
        human: (n,) probability that one person's label is right.
        prompt: (n,) number of the prompt: those of one prompt are never on both sides of a fold.
        true: (n,) probability that the judges are right where it is known, as in a simulation.
    """

    features: Floats
    names: Sequence[str]
    raw: Floats
    right: Floats
    human: Floats
    prompt: Ints
    true: Floats | None = None

    def rows(self, chosen: Ints) -> "Labelled":
        return Labelled(
            self.features[chosen],
            self.names,
            self.raw[chosen],
            self.right[chosen],
            self.human[chosen],
            self.prompt[chosen],
            None if self.true is None else self.true[chosen],
        )


def sample_of(labelled: Labelled, most: int = MOST_LABELLED) -> Labelled:
    """Keep whole prompts, drawn by chance but always alike, until there would be more than `most`.

    So many tell enough, and keep a fit within a minute and its intervals within memory.
    """
    if len(labelled.right) <= most:
        return labelled
    _, prompt = np.unique(labelled.prompt, return_inverse=True)
    shuffled = np.random.default_rng(SEED).permutation(int(prompt.max()) + 1)
    n_so_far = np.cumsum(np.bincount(shuffled[prompt]))
    return labelled.rows(np.flatnonzero(n_so_far[shuffled[prompt]] <= most))


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """What models of other prompts say of n comparisons.

    Attributes:
        fold: (n,) which model spoke. penalties: those chosen, one for each fold.
        score, p: by router, the order in logits and the probability that judges are right, (n,).
    """

    fold: Ints
    penalties: list[float]
    score: dict[str, Floats]
    p: dict[str, Floats]


def out_of_fold(labelled: Labelled) -> Foretold:
    """Foretell every comparison by models of other prompts, in up to five folds."""
    n = len(labelled.right)
    fold, penalties = np.empty(n, np.int64), []
    score: dict[str, Floats] = {CONFIDENCE: np.empty(n), LEARNED: np.empty(n)}
    p: dict[str, Floats] = {CONFIDENCE: np.empty(n), LEARNED: np.empty(n)}
    for number, (train, held) in enumerate(folds(labelled.prompt, MOST_FOLDS)):
        fold[held] = number
        known = labelled.rows(train)
        for router, allowed in ((CONFIDENCE, ()), (LEARNED, PENALTIES)):
            model = fit_router(
                known.features, known.right, known.prompt, names=known.names, penalties=allowed
            )
            score[router][held] = model.score(labelled.features[held])
            p[router][held] = model.calibrated(score[router][held])
        penalties.append(model.penalty)
    return Foretold(fold, penalties, score, p)


def evaluate(labelled: Labelled) -> dict[str, Any]:
    """Compare the routers on prompts held out.

    Args:
        labelled: comparisons of at least `FEWEST_PROMPTS` prompts.
    Returns:
        `n`, `curves` by router as (share, quality) pairs, `area`, `normalised_gain` = (area - that
        of random) / (oracle's - that of random), `quality_at` the shares 10, 25 and 50 %, `ece`,
        `brier`, `auroc`, `best_mix`, `reliability`, and `intervals` of them: the middle 95 % over
        1,000 draws of prompts, the models held fixed. None where undefined. The oracle knows each
        comparison's outcome, or its true probability where `true` is given: nobody could do better.
    """
    _, prompt = np.unique(labelled.prompt, return_inverse=True)
    draws = prompt_draws(int(prompt.max()) + 1)
    told = out_of_fold(labelled)
    outcomes = curves.outcomes_of(labelled.human, labelled.right, told.fold, prompt, draws)
    return summary(outcomes, told, labelled)


def summary(outcomes: Outcomes, told: Foretold, labelled: Labelled) -> dict[str, Any]:
    found = {
        RANDOM: curves.straight(outcomes),
        CONFIDENCE: curves.curve(outcomes, -told.score[CONFIDENCE]),
        LEARNED: curves.curve(outcomes, -told.score[LEARNED]),
        ORACLE: curves.curve(outcomes, oracle_gain(outcomes, labelled)),
    }
    areas = {router: curves.area(one) for router, one in found.items()}
    best = areas[ORACLE] - areas[RANDOM]
    figures: dict[str, dict[str, Figure]] = {
        "area": {router: curves.figure(one) for router, one in areas.items()},
        "normalised_gain": {
            router: curves.figure(curves.ratio(areas[router] - areas[RANDOM], best))
            for router in (CONFIDENCE, LEARNED)
        },
        "difference": {
            "learned_less_confidence": curves.figure(areas[LEARNED] - areas[CONFIDENCE]),
            "learned_less_random": curves.figure(areas[LEARNED] - areas[RANDOM]),
            "confidence_less_random": curves.figure(areas[CONFIDENCE] - areas[RANDOM]),
        },
    }
    return rounded(
        {
            "n": len(labelled.right),
            "n_prompts": int(outcomes.prompt.max()) + 1,
            "judge_quality": float(outcomes.right.mean()),
            "human_quality": float(outcomes.human.mean()),
            "curves": {
                router: [list(pair) for pair in zip(GRID.tolist(), one[0].tolist(), strict=True)]
                for router, one in found.items()
            },
            **{
                name: {key: one.value for key, one in by_router.items()}
                for name, by_router in figures.items()
            },
            "quality_at": {
                router: {
                    f"{share:.0%}".rstrip("%"): float(curves.at_share(one, share)[0])
                    for share in SHARES
                }
                for router, one in found.items()
            },
            "best_mix": {router: best_mix(one[0]) for router, one in found.items()},
            **calibration(outcomes, told, labelled.raw),
            "penalties": told.penalties,
            "intervals": {
                name: {key: [one.low, one.high] for key, one in by_router.items()}
                for name, by_router in figures.items()
            }
            | {"curves": {router: band(one) for router, one in found.items()}},
        }
    )


def oracle_gain(outcomes: Outcomes, labelled: Labelled) -> Floats:
    right = labelled.right if labelled.true is None else labelled.true
    gain: Floats = outcomes.human - right
    return gain


def band(drawn: Floats) -> list[list[float]]:
    """The middle 95 % of the draws at each share, (low, high)."""
    low, high = np.nanquantile(drawn[1:], [0.025, 0.975], axis=0)
    return [list(pair) for pair in zip(low.tolist(), high.tolist(), strict=True)]


def best_mix(quality: Floats) -> dict[str, float]:
    """The least share of people that gives the best quality."""
    place = int(np.argmax(quality))
    return {"share": float(GRID[place]), "quality": float(quality[place])}


def calibration(outcomes: Outcomes, told: Foretold, raw: Floats) -> dict[str, Any]:
    """How honest the probabilities are: as they came, from the confidence alone, and learned."""
    chances = {"raw": raw, CONFIDENCE: told.p[CONFIDENCE], LEARNED: told.p[LEARNED]}
    right = outcomes.right
    found = {name: honesty_of(p, right > 0.5) for name, p in chances.items()}
    return {
        "ece": {name: one.ece for name, one in found.items()},
        "brier": {name: one.brier for name, one in found.items()},
        "auroc": {name: auroc(p, right, told.fold) for name, p in chances.items()},
        "reliability": {
            name: [vars(each) for each in one.bins if each.n] for name, one in found.items()
        },
    }


def auroc(p: Floats, right: Floats, fold: Ints) -> float | None:
    """How often a verdict that is right has the higher probability, ties as halves.

    Within each fold, averaged by size: the mean of a fold's model is that of the other prompts,
    which is low where its own is high.
    """
    found = [(area_under(p[rows], right[rows]), len(rows)) for rows in rows_by(fold)]
    known = [(value, n) for value, n in found if value is not None]
    if not known:
        return None
    values, sizes = zip(*known, strict=True)
    return float(np.average(values, weights=sizes))


def rows_by(fold: Ints) -> list[Ints]:
    return [np.flatnonzero(fold == number) for number in np.unique(fold)]


def area_under(p: Floats, right: Floats) -> float | None:
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(right > 0.5, p)) if np.ptp(right) > 0 else None
