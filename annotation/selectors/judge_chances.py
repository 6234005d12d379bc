"""What LLM judges, configured here or imported, hold of a project's comparisons."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet

from annotation.domain.families import model_family
from annotation.domain.judges.combining import Answered, combined
from annotation.domain.judges.opinions import (
    BEST,
    N_ORDERS,
    JudgeTable,
    confidence_of,
    opinions_of_counts,
)
from annotation.domain.judges.scaling import Scales, scaled, scales_from
from annotation.domain.verdicts import BOTH_BAD, N_VERDICTS, NO_VERDICT, TIE, Ints
from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import Annotator, Calibration, JudgeVerdict, Project
from annotation.selectors.columns import numbers_of

MANY = 10_000  # comparisons: reading the whole project is quicker than naming so many
ONLY = "AND c.id = ANY(%(comparisons)s)"
VERDICTS = """
    SELECT judge.annotator_id, v.comparison_id, cardinality(c.response_ids),
           CASE WHEN v.outcome = 'both_bad' THEN 3
                WHEN v.outcome <> 'ranked' THEN -1
                WHEN jsonb_array_length(v.ranking) = 1 THEN 2
                WHEN jsonb_array_length(v.ranking -> 0) > 1 THEN -1
                ELSE 10 + array_position(c.response_ids, (v.ranking -> 0 ->> 0)::bigint) - 1 END,
           coalesce((v.chances ->> c.response_ids[1]::text)::float8, 0),
           coalesce((v.chances ->> c.response_ids[2]::text)::float8, 0),
           coalesce((v.chances ->> 'tie')::float8, 0),
           coalesce((v.chances ->> 'both_bad')::float8, 0),
           CASE WHEN cardinality(c.response_ids) = 2 THEN 0 ELSE
                (SELECT max(told.value::float8) FROM jsonb_each_text(v.chances) told) END,
           coalesce(v.is_flipped, false)::int
    FROM judge_verdict v JOIN judge ON judge.id = v.judge_id
         JOIN comparison c ON c.id = v.comparison_id
    WHERE v.project_id = %(project)s AND NOT v.is_trial AND v.outcome <> 'unparsed' {only}
"""
# Two responses are the fewest; "< 3" is the same as "= 2", but the planner expects many rows of it.
# Few judgments supersede another; without saying so, all of them are looked through.
IMPORTED = """
    SELECT {columns}
    FROM judgment j JOIN comparison c ON c.id = j.comparison_id AND c.project_id = j.project_id
    WHERE j.project_id = %(project)s AND j.outcome IN ('ranked', 'both_bad') {only}
      AND j.annotator_id = ANY(%(imported)s)
      AND NOT EXISTS (
          SELECT FROM judgment later
          WHERE later.supersedes_id = j.id AND later.supersedes_id IS NOT NULL
      )
"""
PAIR_COLUMNS = """
    j.annotator_id, j.comparison_id,
    CASE WHEN cardinality(j.shown_order) IS DISTINCT FROM 2 THEN 2
         WHEN j.shown_order[1] = c.response_ids[1] THEN 0
         ELSE 1 END,
    CASE WHEN j.outcome = 'both_bad' THEN 3
         WHEN jsonb_array_length(j.ranking) = 1 THEN 2
         WHEN (j.ranking -> 0 ->> 0)::bigint = c.response_ids[1] THEN 0
         ELSE 1 END
"""
PAIRS = IMPORTED + "AND cardinality(c.response_ids) < 3"
RANKING_COLUMNS = """
    j.annotator_id, j.comparison_id, c.response_ids, j.outcome, j.ranking::text, j.shown_order
"""
RANKINGS = IMPORTED + "AND cardinality(c.response_ids) > 2 ORDER BY 1, 2, j.judged_at, j.id"
MODELS = """
    SELECT a.id, coalesce(judge.family, ''), coalesce(judge.model_name, a.model_name)
    FROM annotator a LEFT JOIN judge ON judge.annotator_id = a.id
    WHERE a.id = ANY(%(annotators)s)
"""


def chances_on(project: Project, comparison_ids: Collection[int] | None = None) -> JudgeTable:
    """Read what LLM judges hold of a project's comparisons, uncalibrated.

    A configured judge's probabilities are those of its verdict; an imported one's are frequencies
    over its votes in force, with Jeffreys' prior, its orders averaged as log-odds. Trials and
    answers that nobody could read are left out.

    Args:
        comparison_ids: only these; all without.
    """
    values: dict[str, Any] = {"project": project.pk, "imported": imported_judges(project)}
    is_limited = comparison_ids is not None and len(comparison_ids) < MANY
    if is_limited:
        values["comparisons"] = list(comparison_ids or ())
    parts = (of_verdicts(values), of_votes(values), of_rankings(values))
    rows = np.concatenate([np.asarray(part, float).reshape(-1, 7) for part in parts])
    if comparison_ids is not None and not is_limited:
        rows = rows[np.isin(rows[:, 1], list(comparison_ids))]
    annotators = np.unique(rows[:, 0]).astype(int).tolist()
    return table_of(rows[np.lexsort((rows[:, 1], rows[:, 0]))], families_of(annotators))


def imported_judges(project: Project) -> list[int]:
    """LLM annotators that were not configured here; those of no project may have judged in it."""
    of_project = Q(project=project) | Q(project=None)
    found = Annotator.objects.filter(of_project, kind=AnnotatorKind.LLM, judge=None)
    return list(found.order_by("pk").values_list("pk", flat=True))


def table_of(rows: Any, families: dict[int, str]) -> JudgeTable:
    """From (n, 7) columns: annotator, comparison, p_first, verdict, confidence, flipped, pair."""
    columns = rows.T
    annotator, comparison, verdict = (columns[n].astype(np.int64) for n in (0, 1, 3))
    is_flipped, is_pair = (columns[n] > 0 for n in (5, 6))
    return JudgeTable(
        annotator, comparison, columns[2], verdict, columns[4], is_flipped, is_pair, families
    )


def families_of(annotators: list[int]) -> dict[int, str]:
    """The model family of LLM annotators; one of unknown family is a family of its own."""
    return {
        annotator: family.strip().lower() or model_family(model) or f"annotator {annotator}"
        for annotator, family, model in fetched(MODELS, {"annotators": annotators})
    }


def of_verdicts(values: dict[str, Any]) -> Any:
    """Opinions of configured judges."""
    annotator, comparison, size, code, *told = numbers_of(spelled(VERDICTS, values), values, 10)
    shares, is_pair = np.column_stack(told[:4]), size == 2
    verdict = np.where(is_pair & (code >= BEST), code - BEST, code).astype(np.int64)
    on_pair = np.where(is_pair, verdict, NO_VERDICT)
    confidence = np.where(is_pair, confidence_of(shares, on_pair), told[4])
    either = shares[:, 0] + shares[:, 1]
    odds = np.divide(shares[:, 0], either, out=np.full(len(size), 0.5), where=either > 0)
    p_first = np.where(is_pair, odds, confidence)
    return np.column_stack([annotator, comparison, p_first, verdict, confidence, told[5], is_pair])


def of_votes(values: dict[str, Any]) -> Any:
    """Opinions of imported LLM annotators on pairs."""
    query = spelled(PAIRS, values, PAIR_COLUMNS)
    annotator, comparison, order, choice = (
        column.astype(np.int64) for column in numbers_of(query, values, 4)
    )
    annotators, one = np.unique(annotator, return_inverse=True)
    comparisons, other = np.unique(comparison, return_inverse=True)
    who, place = np.unique(one * len(comparisons) + other, return_inverse=True)
    cell = (place * N_ORDERS + order) * N_VERDICTS + choice
    n_cells = len(who) * N_ORDERS * N_VERDICTS
    counts: Ints = np.bincount(cell, minlength=n_cells).reshape(-1, N_ORDERS, N_VERDICTS)
    found = opinions_of_counts(counts)
    return np.column_stack(
        [
            annotators[who // max(len(comparisons), 1)],
            comparisons[who % max(len(comparisons), 1)],
            found.p_first,
            found.verdict,
            found.confidence,
            found.is_flipped,
            np.ones(len(who)),
        ]
    )


def of_rankings(values: dict[str, Any]) -> Any:
    """Opinions of imported LLM annotators on more than two responses."""
    given: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for annotator, comparison, *vote in fetched(RANKINGS, values, RANKING_COLUMNS):
        given[annotator, comparison].append(vote)
    return [[*who, *ranked_opinion(votes), 0.0] for who, votes in given.items()]


def ranked_opinion(votes: list[Any]) -> list[float]:
    """p_first, verdict, confidence and whether flipped, of one judge's rankings."""
    responses = votes[0][0]
    orders = {tuple(shown or responses): None for _, _, _, shown in votes}
    number = {shown: place for place, shown in enumerate(orders)}
    said = combined(
        responses,
        [
            Answered(number[shown], shown, outcome, decoded(ranking))
            for _, outcome, ranking, order in votes
            for shown in (tuple(order or responses),)
        ],
    )
    verdict = NO_VERDICT
    if said.outcome == Outcome.BOTH_BAD:
        verdict = BOTH_BAD
    elif len(said.ranking) == 1:
        verdict = TIE
    elif said.ranking and len(said.ranking[0]) == 1:
        verdict = BEST + responses.index(said.ranking[0][0])
    confidence = max(said.chances.values())
    return [confidence, verdict, confidence, float(bool(said.is_flipped))]


def decoded(ranking: str) -> list[list[int]]:
    tiers: list[list[int]] = json.loads(ranking)
    return tiers


def fetched(query: str, values: dict[str, Any], columns: str = "") -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(spelled(query, values, columns), values)
        return list(cursor.fetchall())


def spelled(query: str, values: dict[str, Any], columns: str = "") -> str:
    return query.format(only=ONLY if "comparisons" in values else "", columns=columns)


def calibrations_of(project: Project) -> dict[int, Scales]:
    """The scales in force of a project's LLM annotators; who has none is left out."""
    return {row.annotator_id: scales_from(row.parameters) for row in newest_calibrations(project)}


def newest_calibrations(project: Project) -> QuerySet[Calibration]:
    """The calibration in force of each LLM annotator of a project."""
    found = Calibration.objects.filter(project=project)
    return found.order_by("annotator", "-number").distinct("annotator")


def calibrated(table: JudgeTable, calibrations: Mapping[int, Scales]) -> JudgeTable:
    """The same opinions with honest probabilities; see `annotation.domain.judges.scaling`."""
    return scaled(table, calibrations)


def flips_on(comparison_ids: Collection[int]) -> dict[int, dict[int, bool]]:
    """Whether the winner changed with the order, by comparison and annotator.

    Of configured judges that answered in both orders; trials are left out.
    """
    found: dict[int, dict[int, bool]] = defaultdict(dict)
    rows = JudgeVerdict.objects.filter(
        comparison__in=comparison_ids, is_trial=False, is_flipped__isnull=False
    )
    for comparison, annotator, is_flipped in rows.values_list(
        "comparison_id", "judge__annotator_id", "is_flipped"
    ):
        found[comparison][annotator] = bool(is_flipped)
    return found
