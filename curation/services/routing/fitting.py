"""Fits where judges are right, measures what the learned router gains, and says what it expects."""

from datetime import datetime
from typing import Any

import numpy as np
from django.db import IntegrityError

from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Project
from curation.domain.routing.evaluation import FEWEST_PROMPTS, Labelled, evaluate, sample_of
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances, utility
from curation.domain.routing.references import ASSUMED_QUALITY
from curation.domain.routing.router_model import fit_router, from_json
from curation.models import RouterFit
from curation.selectors import routing_labels as labels

VERSION = 1
GROWTH = 200  # new labels of both kinds after which it is fitted anew
FEWEST_AGREED = 30  # of those, where people agree: fewer measure nothing
UNFITTABLE = (ArithmeticError, LookupError, ValueError)


def refit_next(*, now: datetime, project: Project | None = None) -> bool:
    """Fit one project anew that has `GROWTH` more comparisons labelled by people and judges.

    Safe to repeat, late or in parallel.

    Returns:
        Whether there was one.
    """
    judged = Project.objects.filter(own_annotators__kind=AnnotatorKind.LLM).distinct()
    chosen = [project] if project else judged.order_by("pk")
    return any(is_due(one) and refit(project=one, now=now) is not None for one in chosen)


def is_due(project: Project) -> bool:
    last = labels.last_fit(project)
    if last and last.version >= VERSION:
        # Every label is a change, so that most often there is nothing to count.
        if labels.n_changes(project) < last.n_changes + GROWTH:
            return False
        return labels.n_paired(project) >= last.n_labelled + GROWTH
    return labels.n_paired(project) >= labels.FEWEST_PAIRED


def refit(*, project: Project, now: datetime) -> RouterFit | None:
    """Fit a project's router on all its labels, and measure it on prompts held out.

    A fit that does not come about is kept, too, with the reason.

    Returns:
        The new fit; None where a rival has fitted meanwhile.
    """
    # Counted before the labels are read: what comes later is news.
    n_changes, n_paired = labels.n_changes(project), labels.n_paired(project)
    last = labels.last_fit(project)
    row = RouterFit(
        project=project,
        number=last.number + 1 if last else 1,
        version=VERSION,
        is_fitted=False,
        n_labelled=n_paired,
        n_changes=n_changes,
        fitted_at=now,
    )
    learn(row, labels.read_labels(project))
    try:
        row.save(force_insert=True)
    except IntegrityError:
        return None
    return row


def learn(row: RouterFit, found: labels.Labels) -> None:
    """Fill in the fit and what it gains, or why there is none."""
    known = sample_of(found.labelled)
    row.human_quality = found.quality.value if found.quality.is_measured else None
    if lacks := lacking(known):
        row.evaluation = {"lacks": lacks}
        return
    try:
        row.evaluation = evaluate(known) | {
            "human_labels": found.quality.n,
            "n_undecided": found.n_undecided,
        }
        model = fit_router(known.features, known.right, known.prompt, names=known.names)
    except UNFITTABLE as error:
        row.evaluation = {"error": f"{type(error).__name__}: {error}"}
        return
    row.model = {
        "router": model.to_json(),
        "judges": {str(judge): weight for judge, weight in found.judges.items()},
        "models": found.models,
    }
    row.is_fitted = row.n_labelled >= labels.FEWEST_PAIRED


def lacking(known: Labelled) -> list[dict[str, Any]]:
    """What is missing for a fit, as `{"what", "have", "need"}`."""
    counted = (
        (
            "comparisons that judges have judged and people agree on",
            len(known.right),
            FEWEST_AGREED,
        ),
        ("prompts of such comparisons", len(np.unique(known.prompt)), FEWEST_PROMPTS),
    )
    return [
        {"what": what, "have": have, "need": need} for what, have, need in counted if have < need
    ]


def learned_chances(
    project: Project, facts: Facts, *, value: float = 1.0, price: float = 0.0
) -> LearnedChances | None:
    """Tell how likely judges and people are right about comparisons.

    Args:
        facts: of the comparisons; only their ids are used.
        value: of a right label. price: of one person's label above a judge's, in the same unit.
    Returns:
        In the order of the facts, unknown where no judge has spoken; None while no fit is in
        force, when chance has to say who judges.
    """
    fit = labels.fit_in_force(project)
    if fit is None:
        return None
    model = from_json(fit.model["router"]).without_unused()
    ids, features = labels.features_on(
        project,
        facts.ids.tolist(),
        names=model.names,
        judges={int(judge): weight for judge, weight in fit.model["judges"].items()},
        models=fit.model["models"],
    )
    p = np.full(len(facts), np.nan)
    if len(ids):
        p[np.searchsorted(facts.ids, ids)] = model.chances(features)
    h = np.full(len(facts), ASSUMED_QUALITY if fit.human_quality is None else fit.human_quality)
    return LearnedChances(p, h, utility(p, h, value, cost_human=price, price=1.0))
