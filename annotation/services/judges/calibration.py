"""Keeps the scales of LLM judges in step with what people say."""

from datetime import datetime, timedelta

from django.db import DataError, transaction
from django.db.models import Max

from annotation.domain.errors import DomainError
from annotation.domain.judges.scaling import (
    CalibratedJudge,
    Scales,
    calibrate_judge,
    distance,
    scales_from,
)
from annotation.domain.vocabulary import AnnotatorKind, CalibrationMethod
from annotation.models import Annotator, Calibration, Project, VoteTally
from annotation.selectors import judge_chances
from annotation.selectors.judge_chances import newest_calibrations
from annotation.selectors.people_labels import people_labels

PAUSE = timedelta(minutes=1)  # between two fits of a project, however much is new
PATIENCE = timedelta(minutes=10)  # until little news is worth a fit, too
NEWS_SHARE = 0.05  # of the labels, changed since the last fit, that make it worth while
FEWEST_NEWS = 20
NOTABLE = 0.01  # change of a probability from which all that rests on it is worked out again
RENEWED = ["evaluation", "n_labelled", "n_changes", "fitted_at"]
NONE = CalibrationMethod.NONE
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError, DataError)


def refit_next(*, now: datetime, project: Project | None = None) -> bool:
    """Calibrate all LLM judges of one project whose comparisons have changed enough since.

    Imported judges are calibrated like configured ones. With a project it is that one, and any
    change is enough. Safe to repeat, late or in parallel: rivals do not wait for each other.

    Returns:
        Whether there was one.
    """
    tallies = VoteTally.objects.filter(
        criterion__isnull=True, project__own_annotators__kind=AnnotatorKind.LLM
    ).distinct()
    if project is not None:
        tallies = tallies.filter(project=project)
    return any(
        refit(project=tally.project, n_changes=tally.n_changes, now=now)
        for tally in tallies.select_related("project").order_by("project_id")
        if is_due(tally, now, at_once=project is not None)
    )


def is_due(tally: VoteTally, now: datetime, *, at_once: bool) -> bool:
    last = Calibration.objects.filter(project=tally.project_id).aggregate(
        n_changes=Max("n_changes"), fitted_at=Max("fitted_at"), n_labelled=Max("n_labelled")
    )
    if last["fitted_at"] is None:
        return True
    news, age = tally.n_changes - last["n_changes"], now - last["fitted_at"]
    if news == 0 or at_once:
        return bool(news)
    is_worth_while = news >= max(FEWEST_NEWS, NEWS_SHARE * last["n_labelled"])
    return age >= PATIENCE or (age >= PAUSE and is_worth_while)


def refit(*, project: Project, n_changes: int, now: datetime) -> bool:
    """Calibrate a project's LLM judges, unless a rival is at it.

    Where its judgments cannot be read, its judges stay uncalibrated, with the error, until there
    is news.

    Args:
        n_changes: that of the project's tally, read before.
    """
    with transaction.atomic():
        judges = list(
            Annotator.objects.filter(project=project, kind=AnnotatorKind.LLM)
            .select_for_update(no_key=True, skip_locked=True)
            .order_by("pk")
        )
        if not judges:
            return False
        try:
            with transaction.atomic():
                found = calibrate_all(project, judges)
        except UNREADABLE as error:
            why = {"error": f"{type(error).__name__}: {error}"}
            found = {
                judge.pk: Calibration(method=NONE, evaluation=why, n_labelled=0) for judge in judges
            }
        keep(found, project, n_changes, now)
    return True


def calibrate_all(project: Project, judges: list[Annotator]) -> dict[int, Calibration]:
    table, labels = judge_chances.chances_on(project), people_labels(project)
    return {
        judge.pk: row_of(calibrate_judge(table.where(table.annotator == judge.pk), labels))
        for judge in judges
    }


def row_of(found: CalibratedJudge) -> Calibration:
    return Calibration(
        method=found.scales.verdict.method,
        parameters=found.scales.as_json(),
        evaluation=found.evaluation,
        n_labelled=found.verdict.n,
    )


def keep(found: dict[int, Calibration], project: Project, n_changes: int, now: datetime) -> None:
    """Write calibrations under their next numbers.

    One whose scales are those of the last, but for what nobody would see, only renews what was
    measured: a new number makes everything that rests on the scales be worked out again.
    """
    last = {row.annotator_id: row for row in newest_calibrations(project)}
    moved, stayed = [], []
    for annotator, row in found.items():
        row.project, row.annotator_id, row.n_changes, row.fitted_at = (
            project,
            annotator,
            n_changes,
            now,
        )
        before = last.get(annotator)
        row.number = before.number + 1 if before else 1
        if before is None or distance(scales_of(before), scales_of(row)) >= NOTABLE:
            moved.append(row)
        else:
            row.pk = before.pk
            stayed.append(row)
    Calibration.objects.bulk_create(moved)
    Calibration.objects.bulk_update(stayed, RENEWED)


def scales_of(row: Calibration) -> Scales:
    return scales_from(row.parameters)
