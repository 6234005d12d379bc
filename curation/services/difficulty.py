"""Fits how hard comparisons are to judge, and keeps every comparison's difficulty up to date."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from numpy.typing import NDArray

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, Project
from curation.domain.difficulty import model
from curation.domain.difficulty.evaluation import evaluate
from curation.domain.difficulty.heuristic import guess
from curation.domain.difficulty.samples import FEWEST_COMPARISONS, NAMES, Known, sample_of
from curation.domain.difficulty.target import scaled
from curation.domain.signals.registry import VERSIONS
from curation.domain.vocabulary import SignalFamily
from curation.models import DifficultyFit, SignalRequest, Signals
from curation.selectors import difficulty, signals
from curation.selectors.difficulty import Read
from curation.services.signals import requests

VERSION = 1
BATCH = 5_000
GROWTH = 1.1  # votes since the last fit that make another one worth while
REST = timedelta(seconds=30)  # requests gather so long, as each batch reads the whole project
DECIMALS = 4
FAMILY = SignalFamily.DIFFICULTY
UNFITTABLE = (ArithmeticError, LookupError, ValueError)
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError)


def refit_next(*, now: datetime, project: Project | None = None) -> bool:
    """Fit one project anew that waits for difficulties and has had votes enough since its last fit.

    Safe to repeat, late or in parallel.

    Returns:
        Whether there was one.
    """
    waiting = SignalRequest.objects.filter(family=FAMILY, tries__lt=MOST_TRIES)
    projects = waiting.order_by().values_list("comparison__project", flat=True).distinct()
    chosen = [project] if project else Project.objects.filter(pk__in=projects).order_by("pk")
    return any(is_due(one) and refit(project=one, now=now) is not None for one in chosen)


def is_due(project: Project) -> bool:
    n_comparisons, n_votes = difficulty.votes_counted(project)
    last = difficulty.last_fit(project)
    if n_comparisons < FEWEST_COMPARISONS:
        return False
    return last is None or last.version < VERSION or n_votes >= last.n_judgments * GROWTH


def refit(*, project: Project, now: datetime) -> DifficultyFit | None:
    """Fit a project's difficulty on all its votes, measure it, and ask for all difficulties anew.

    A fit that does not come about is kept, too, with the reason: it is tried again when there are
    more votes.

    Returns:
        The new fit; None where a rival has fitted meanwhile.
    """
    # Counted before the votes are read, and as `is_due` counts: what comes later is news.
    _, n_votes = difficulty.votes_counted(project)
    known = difficulty.read_project(project).known
    last = difficulty.last_fit(project)
    row = DifficultyFit(
        project=project,
        number=last.number + 1 if last else 1,
        version=VERSION,
        is_fitted=False,
        n_comparisons=int(known.is_countable().sum()),
        n_judgments=n_votes,
        fitted_at=now,
    )
    learn(row, known)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if row.is_fitted:
                ids = Comparison.objects.filter(project=project).values_list("pk", flat=True)
                requests.ask(comparison_ids=list(ids), families=[FAMILY], now=now)
    except IntegrityError:
        return None
    return row


def learn(row: DifficultyFit, known: Known) -> None:
    """Fill in the fit, or why there is none."""
    if lacks := known.lacks():
        told = [{"what": what, "have": have, "need": need} for what, have, need in lacks]
        row.evaluation = {"lacks": told}
        return
    sample = sample_of(known)
    try:
        row.evaluation = evaluate(known, sample)
        row.weights, row.knots = model.fit(sample.table()).as_json(NAMES)
    except UNFITTABLE as error:
        row.evaluation = {"error": f"{type(error).__name__}: {error}"}
        return
    row.weights["n_outcomes"] = known.n_outcomes()
    row.is_fitted = True


def refresh_next(
    *,
    now: datetime,
    project: Project | None = None,
    rest: timedelta = timedelta(0),
    limit: int = BATCH,
) -> int:
    """Write the difficulty of up to `limit` comparisons of one project, in one transaction.

    By the fit in force, or by the heuristic where there is none or more than two responses are
    compared. Rivals skip what another is working on. What cannot be read keeps its request with
    the error and is set aside after `MOST_TRIES`.

    Args:
        rest: how long the first request has to have waited, so that others can join it.
    Returns:
        How many comparisons were taken; 0 when nothing is left to do. Safe to repeat.
    """
    with transaction.atomic():
        taken = take(project, now - rest, limit)
        if not taken:
            return 0
        found = {request.comparison_id: request for request in taken}
        try:
            with transaction.atomic():
                write(taken[0].comparison.project, list(found), now)
        except UNREADABLE as error:
            set_back(taken, error)
        else:
            SignalRequest.objects.filter(pk__in=[request.pk for request in taken]).delete()
    return len(taken)


def take(project: Project | None, before: datetime, limit: int) -> list[SignalRequest]:
    """Lock requests of the project that has waited longest, those that no rival holds."""
    waiting = SignalRequest.objects.filter(family=FAMILY, tries__lt=MOST_TRIES)
    if project is None:
        first = waiting.filter(queued_at__lte=before).order_by("queued_at").first()
        if first is None:
            return []
        project = first.comparison.project
    return list(
        waiting.filter(comparison__project=project)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("comparison__project")
        .order_by("comparison_id")[:limit]
    )


def set_back(taken: Sequence[SignalRequest], error: Exception) -> None:
    for request in taken:
        request.tries += 1
        request.error = f"{type(error).__name__}: {error}"[:2000]
    SignalRequest.objects.bulk_update(taken, ["tries", "error"])


def write(project: Project, comparison_ids: list[int], now: datetime) -> None:
    fit = difficulty.fit_in_force(project)
    foretold = foretell(project, fit, comparison_ids) if fit else {}
    others = [pk for pk in comparison_ids if pk not in foretold]
    known = signals.signals_of(others)
    guessed = {pk: guessed_values(guess(known.get(pk, {}))) for pk in others}
    Signals.objects.bulk_create(
        [
            Signals(
                project=project,
                comparison_id=pk,
                family=FAMILY,
                version=VERSIONS[FAMILY],
                values=values,
                computed_at=now,
            )
            for pk, values in sorted((foretold | guessed).items())
        ],
        update_conflicts=True,
        unique_fields=["comparison", "family"],
        update_fields=["version", "values", "computed_at"],
    )


def guessed_values(value: float) -> dict[str, Any]:
    return {
        "difficulty": value,
        "difficulty_order": value,
        "difficulty_is_fitted": False,
        "difficulty_fit": 0,
    }


def foretell(
    project: Project, fit: DifficultyFit, comparison_ids: list[int]
) -> dict[int, dict[str, Any]]:
    """Work out the difficulty of those that compare two responses, by comparison."""
    read = difficulty.read_project(project)
    rows = places_of(read, comparison_ids)
    features = read.known.features()[rows]
    fitted = model.from_json(fit.weights, fit.knots, NAMES)
    shares = scaled(fitted.probability(features), fit.weights["n_outcomes"]).round(DECIMALS)
    order = fitted.order(features)
    return {
        pk: {
            "difficulty": share,
            "difficulty_order": place,
            "difficulty_is_fitted": True,
            "difficulty_fit": fit.number,
        }
        for pk, share, place in zip(
            read.comparison_ids[rows].tolist(), shares.tolist(), order.tolist(), strict=True
        )
    }


def places_of(read: Read, comparison_ids: list[int]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(read.comparison_ids, comparison_ids))
