"""Comparisons with known chances: a judge that is blind to one thing and vain about another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from annotation.domain.judges.calibrating import honesty_of
from curation.domain.routing import curves
from curation.domain.routing.evaluation import (
    CONFIDENCE,
    LEARNED,
    ORACLE,
    RANDOM,
    Labelled,
    area_under,
)
from curation.domain.routing.learned import route_by_utility, threshold_for, utility
from curation.domain.routing.off_policy import ips, snips
from curation.domain.routing.router_model import PENALTIES, fit_router

NAMES = ("confidence", "safety", "expert", "length", "similarity")
N_LABELLED, N = 3000, 10_000
SHARES = (0.10, 0.25, 0.50)
SAFETY, EXPERT = 0.25, 0.3  # shares of the comparisons


def simulate(seed: int, n: int = N) -> Labelled:
    """Draw n comparisons, each of a prompt of its own.

    The judge errs more where safety is touched, which its confidence does not show, where it takes
    an expert, and where lengths differ, which makes it more confident; it is too sure throughout,
    and something that nobody sees matters, too. People are right in 87 of 100, experts' matters
    in 80.
    """
    draw = np.random.default_rng(seed)
    safety, expert = draw.random(n) < SAFETY, draw.random(n) < EXPERT
    length, alike = np.abs(draw.normal(size=n)), draw.random(n)
    clear, unseen = draw.normal(size=n), draw.normal(0, 0.6, n)
    true = expit(
        1.55
        + 1.15 * clear
        - 2.0 * safety
        - 0.9 * expert
        - 0.35 * length
        - 0.8 * (alike - 0.5)
        + unseen
    )
    felt = 1.8 + clear - 0.63 * expert + 0.6 * length + draw.normal(0, 0.6, n)
    raw = np.clip(expit(1.3 * np.abs(felt)), 0.5, 1 - 1e-4)
    return Labelled(
        features=np.column_stack([logit(raw), safety, expert, length, alike]),
        names=NAMES,
        raw=raw,
        right=(draw.random(n) < true).astype(float),
        human=np.where(expert, 0.80, 0.87),
        prompt=np.arange(n),
        true=true,
    )


@dataclass(frozen=True)
class Compared:
    """One seed: a dictionary by router of areas and qualities, and how honest the chances are."""

    area: dict[str, float]
    gain: dict[str, float]
    at: dict[str, list[float]]
    ece: dict[str, float]
    auroc: dict[str, float]
    best: dict[str, float]


def compare(seed: int, n: int = N, n_labelled: int = N_LABELLED) -> Compared:
    """Fit on the first labels, calibration cross-fitted among them, and route the rest."""
    every = simulate(seed, n)
    known, rest = every.rows(np.arange(n_labelled)), every.rows(np.arange(n_labelled, n))
    models = {
        router: fit_router(
            known.features, known.right, known.prompt, names=NAMES, penalties=allowed
        )
        for router, allowed in ((CONFIDENCE, ()), (LEARNED, PENALTIES))
    }
    n_rest = n - n_labelled
    none, one = np.empty((0, n_rest)), np.zeros(n_rest, np.int64)
    outcomes = curves.outcomes_of(rest.human, rest.right, one, np.arange(n_rest), none)
    score = {router: model.score(rest.features) for router, model in models.items()}
    found = {RANDOM: curves.straight(outcomes)[0]}
    found |= {router: curves.curve(outcomes, -score[router])[0] for router in models}
    found[ORACLE] = curves.curve(outcomes, rest.human - rest.true)[0]
    area = {router: float(curves.area(one)) for router, one in found.items()}
    best = area[ORACLE] - area[RANDOM]
    chances = {router: model.calibrated(score[router]) for router, model in models.items()}
    told = chances | {"raw": rest.raw, ORACLE: rest.true}
    return Compared(
        area,
        {router: (area[router] - area[RANDOM]) / best for router in models},
        {router: [one[round(100 * share)] for share in SHARES] for router, one in found.items()},
        {name: honesty_of(p, rest.right > 0.5).ece for name, p in told.items()},
        {name: area_under(p, rest.right) for name, p in told.items()},
        {router: float(one.max()) for router, one in found.items()},
    )


def off_policy(seed: int, n: int = 4000, share: float = 0.2, explore: float = 0.05) -> Any:
    """Route by a fitted model, and estimate how often judges are right from what people saw.

    Returns:
        Truth, naive mean, IPS, SNIPS, and the standard error that SNIPS tells.
    """
    every = simulate(seed, n + N_LABELLED)
    known, rest = (
        every.rows(np.arange(N_LABELLED)),
        every.rows(np.arange(N_LABELLED, len(every.raw))),
    )
    model = fit_router(known.features, known.right, known.prompt, names=NAMES)
    gain = utility(model.chances(rest.features), 0.85)
    draws = np.random.default_rng([seed, 1]).random(n)
    sent = route_by_utility(
        gain, threshold=threshold_for(gain, share), explore=explore, draws=draws
    )
    told = snips(rest.right, sent.propensity, sent.to_people)
    plain = ips(rest.right, sent.propensity, sent.to_people)
    naive = rest.right[sent.to_people].mean()
    return np.array([rest.right.mean(), naive, plain.value, told.value, told.se])
