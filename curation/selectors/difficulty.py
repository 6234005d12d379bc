"""What difficulty is fitted on, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from numpy.typing import NDArray

from annotation.domain.vocabulary import MOST_TRIES, AnnotatorKind
from annotation.models import Annotator, Project
from annotation.selectors.votes import Ballots, ballots_of, fetched
from curation.domain.difficulty.features import SOURCES, from_signals
from curation.domain.difficulty.heuristic import IN_WORDS
from curation.domain.difficulty.samples import FEWEST_COMPARISONS, Known
from curation.domain.difficulty.strengths import Pairs
from curation.domain.difficulty.target import Ballot
from curation.domain.vocabulary import SignalFamily
from curation.models import DifficultyFit, SignalRequest, Signals

MOST_LISTED = 10
BARS = 20

PAIRS = """
    SELECT c.id, md5(i.messages::text),
           coalesce(a.text_id, -c.response_ids[1]), coalesce(b.text_id, -c.response_ids[2]),
           ra.model_name, rb.model_name
    FROM comparison c
    JOIN response ra ON ra.id = c.response_ids[1]
    JOIN response rb ON rb.id = c.response_ids[2]
    JOIN item i ON i.id = c.item_id
    LEFT JOIN response_text a ON a.response_id = ra.id
    LEFT JOIN response_text b ON b.response_id = rb.id
    WHERE c.project_id = %(project)s AND cardinality(c.response_ids) = 2
    ORDER BY c.id
"""
NUMBER = "CASE WHEN jsonb_typeof(values -> '{0}') = 'number' THEN (values ->> '{0}')::float8 END"
SIGNALS = """
    SELECT comparison_id, {columns}
    FROM signals
    WHERE project_id = %(project)s AND family IN ('text', 'vectors', 'judges', 'imported')
    GROUP BY comparison_id
"""
COUNTED = """
    SELECT count(*) FILTER (WHERE n > 1), coalesce(sum(n), 0)
    FROM (
        SELECT (SELECT sum(votes) FROM unnest(counts) votes) AS n
        FROM consensus WHERE project_id = %s
    ) judged
"""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What is known of a project's comparisons of two responses, and their ids, ascending."""

    known: Known
    comparison_ids: NDArray[np.int64]


def read_project(project: Project) -> Read:
    """Read everything that a project's difficulty is foretold from.

    A tenth of a million votes take a few seconds.
    """
    rows = list(fetched(PAIRS, {"project": project.pk}))
    ids = np.array([row[0] for row in rows], np.int64)
    texts = np.array([row[2:4] for row in rows], np.int64).reshape(-1, 2)
    names = np.array([row[4:6] for row in rows], str).reshape(-1, 2)
    models_named, model = np.unique(np.append("", names), return_inverse=True)
    prompts = np.array([row[1] for row in rows], str)
    pairs = Pairs(
        response=np.unique(texts, return_inverse=True)[1].reshape(-1, 2),
        prompt=np.unique(prompts, return_inverse=True)[1],
        model=model[1:].reshape(-1, 2) - 1,  # the first name is that of unknown models
    )
    known = Known(ballot_of(ballots_of(project), ids), pairs, signals_of(project, ids))
    return Read(known, ids)


def ballot_of(ballots: Ballots, comparison_ids: NDArray[np.int64]) -> Ballot:
    """Keep the votes of people, numbered by place in `comparison_ids`."""
    people = Annotator.objects.filter(
        pk__in=ballots.annotator_ids.tolist(), kind=AnnotatorKind.HUMAN
    ).values_list("pk", flat=True)
    is_person = np.isin(ballots.annotator_ids, np.array(people, np.int64))[ballots.voter]
    comparison = ballots.comparison_ids[ballots.pair[is_person]]
    return Ballot(
        pair=np.searchsorted(comparison_ids, comparison),
        choice=ballots.choice[is_person],
        key=ballots.judgment[is_person],
        pair_key=comparison_ids,
    )


def signals_of(project: Project, comparison_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    columns = ", ".join(f"max({NUMBER.format(name)})" for name in SOURCES.values())
    query = SIGNALS.format(columns=columns)
    found = {row[0]: row[1:] for row in fetched(query, {"project": project.pk})}
    none = [None] * len(SOURCES)
    names = list(SOURCES.values())
    rows = [
        from_signals(dict(zip(names, found.get(pk, none), strict=True)))
        for pk in comparison_ids.tolist()
    ]
    return np.array(rows, float).reshape(-1, len(SOURCES))


def votes_counted(project: Project) -> tuple[int, int]:
    """How many comparisons have two of people's votes or more, and how many votes there are."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [project.pk])
        n_comparisons, n_votes = cursor.fetchone()
    return n_comparisons, int(n_votes)


def last_fit(project: Project) -> DifficultyFit | None:
    """The newest attempt at a fit, whether it came about or not."""
    return DifficultyFit.objects.filter(project=project).order_by("-number").first()


def fit_in_force(project: Project) -> DifficultyFit | None:
    """The fit that difficulties are foretold by; None while there is none."""
    fits = DifficultyFit.objects.filter(project=project, is_fitted=True)
    return fits.order_by("-number").first()


def fits_of(project: Project) -> list[DifficultyFit]:
    """The attempts at a fit, the newest first."""
    return list(DifficultyFit.objects.filter(project=project).order_by("-number")[:MOST_LISTED])


def lacking(project: Project) -> list[dict[str, Any]]:
    """What is missing for a fit, as `{"what", "have", "need"}`."""
    tried = last_fit(project)
    if tried is not None and not tried.is_fitted and tried.evaluation.get("lacks"):
        return list(tried.evaluation["lacks"])
    have, _ = votes_counted(project)
    if have >= FEWEST_COMPARISONS:
        return []
    what = "comparisons with two votes or more"
    return [{"what": what, "have": have, "need": FEWEST_COMPARISONS}]


def as_report(fit: DifficultyFit | None, lacks: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything that was measured, for machines."""
    if fit is None:
        return {"is_fitted": False, "fit": 0, "lacks": lacks, "error": "", "heuristic": IN_WORDS}
    return {
        "is_fitted": True,
        "fit": fit.number,
        "fitted_at": fit.fitted_at.isoformat(),
        "n_comparisons": fit.n_comparisons,
        "n_judgments": fit.n_judgments,
        **fit.evaluation,
    }


def requests_waiting(project: Project) -> int:
    """How many comparisons wait for their difficulty."""
    return SignalRequest.objects.filter(
        comparison__project=project, family=SignalFamily.DIFFICULTY, tries__lt=MOST_TRIES
    ).count()


def spread(project: Project) -> list[dict[str, Any]]:
    """How many comparisons have which difficulty, in `BARS` equal steps from 0 to 1."""
    share = Cast(KT("values__difficulty"), models.FloatField())
    found = Signals.objects.filter(project=project, family=SignalFamily.DIFFICULTY)
    counts = [0] * BARS
    for value in found.annotate(share=share).values_list("share", flat=True).iterator():
        counts[min(int((value or 0.0) * BARS), BARS - 1)] += 1
    return [{"from": i / BARS, "to": (i + 1) / BARS, "n": n} for i, n in enumerate(counts)]


def extremes(project: Project, *, hardest: bool) -> Sequence[Signals]:
    """The hardest or the easiest comparisons that still have open slots."""
    order = Cast(KT("values__difficulty_order"), models.FloatField())
    share = Cast(KT("values__difficulty"), models.FloatField())
    found = (
        Signals.objects.filter(project=project, family=SignalFamily.DIFFICULTY)
        .filter(comparison__slots__filled_at__isnull=True, comparison__slots__isnull=False)
        .annotate(order=order, share=share)
        .select_related("comparison__item")
        .distinct()
    )
    return found.order_by("-order" if hardest else "order", "comparison_id")[:MOST_LISTED]
