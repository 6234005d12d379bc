"""Keeps the consensus of every comparison in step with its judgments."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES, AnnotatorKind
from annotation.models import (
    Comparison,
    Consensus,
    Criterion,
    CriterionConsensus,
    Judgment,
    Project,
)
from annotation.selectors.skills import SkillsByProject, known_skills
from annotation.services import slots, tallies
from annotation.services.tallies import Changes
from annotation.services.verdicts import Row, consensus_of, criterion_consensuses_of

BATCH = 200
DERIVED = [field.name for field in Consensus._meta.concrete_fields if not field.primary_key]
DERIVED_OF_CRITERION = [
    field.name
    for field in CriterionConsensus._meta.concrete_fields
    if field.name not in ("id", "comparison", "criterion")
]
READ = [
    "comparison_id",
    "annotator_id",
    "annotator__kind",
    "annotator__judge__family",
    "annotator__judge__model_name",
    "outcome",
    "ranking",
    "strength",
    "shown_order",
    "criteria",
]
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError)

# Two ranges instead of "differs", so that the index finds the few among millions.
OUTDATED = """
    SELECT late.comparison_id
    FROM skills
    CROSS JOIN LATERAL (
        (SELECT comparison_id FROM consensus
         WHERE project_id = skills.project_id AND skills < skills.digest LIMIT %(limit)s)
        UNION ALL
        (SELECT comparison_id FROM consensus
         WHERE project_id = skills.project_id AND skills > skills.digest LIMIT %(limit)s)
    ) late
    WHERE %(project)s::bigint IS NULL OR skills.project_id = %(project)s
    LIMIT %(limit)s
"""


@dataclass
class Batch:
    """The rows that a drain has computed, and what it could not read.

    `has_criteria` tells whether any of the projects has criteria at all.
    """

    has_criteria: bool
    fresh: list[Consensus] = field(default_factory=list)
    by_criterion: list[CriterionConsensus] = field(default_factory=list)
    broken: list[Comparison] = field(default_factory=list)


def refresh_next_stale(*, now: datetime, project: Project | None = None, limit: int = BATCH) -> int:
    """Recompute the comparisons that were marked first, up to `limit`, in one transaction.

    Where none is marked, those are recomputed whose consensus rests on skills of annotators that
    have been learned anew since. Rivals skip what another is computing. A judgment that arrives
    meanwhile waits for its mark until this is written, so it is never lost. A comparison whose
    judgments cannot be read keeps its mark with the error and is set aside after `MOST_TRIES`; the
    others are not held up.

    Returns:
        How many comparisons were taken; 0 when nothing is left to do. Safe to repeat.
    """
    with transaction.atomic():
        stale = take_stale(project, limit)
        taken = stale or take_outdated(project, limit)
        if not taken:
            return 0
        batch = compute(taken, now)
        changes = counted_changes(batch)
        if stale:
            for row in batch.fresh:
                changes.n_read[row.project_id, None] += 1
        save_consensus(batch.fresh)
        save_criteria(batch)
        Comparison.objects.bulk_update(batch.broken, ["stale_since", "stale_tries", "stale_error"])
        open_further_slots(batch.fresh)
        tallies.record_changes(changes, now=now)
    return len(taken)


def take_stale(project: Project | None, limit: int) -> list[Comparison]:
    """Lock the comparisons that wait longest and that no rival is working on."""
    waiting = Comparison.objects.filter(stale_since__isnull=False, stale_tries__lt=MOST_TRIES)
    if project is not None:
        waiting = waiting.filter(project=project)
    return list(
        waiting.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("project")
        .order_by("stale_since")[:limit]
    )


def take_outdated(project: Project | None, limit: int) -> list[Comparison]:
    """Lock comparisons whose consensus rests on skills that are no longer those known."""
    with connection.cursor() as cursor:
        cursor.execute(OUTDATED, {"project": project.pk if project else None, "limit": limit})
        outdated = [pk for (pk,) in cursor.fetchall()]
    if not outdated:
        return []
    return list(
        Comparison.objects.filter(pk__in=outdated, stale_since__isnull=True)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("project")
        .order_by("pk")
    )


def compute(taken: Sequence[Comparison], now: datetime) -> Batch:
    """Compute the rows of some comparisons from their judgments, without writing them."""
    judgments = judgments_in_force([comparison.pk for comparison in taken])
    known = skills_for(taken, judgments)
    criteria = criteria_of(taken)
    batch = Batch(has_criteria=any(criteria.values()))
    for comparison in taken:
        said, project = judgments[comparison.pk], comparison.project_id
        try:
            overall = consensus_of(comparison, said, known.get(project), now)
            of_criteria = criterion_consensuses_of(comparison, said, criteria[project], now)
        except UNREADABLE as error:
            batch.broken.append(set_back(comparison, error, now))
        else:
            batch.fresh.append(overall)
            batch.by_criterion += of_criteria
    return batch


def judgments_in_force(comparison_ids: Sequence[int]) -> defaultdict[int, list[Row]]:
    """Read what each comparison's annotators now say, oldest first.

    What users of a product did is no judgment that counts.
    """
    rows: defaultdict[int, list[Row]] = defaultdict(list)
    found = Judgment.objects.in_force().filter(comparison_id__in=comparison_ids)
    found = found.exclude(annotator__kind=AnnotatorKind.USER)
    for row in found.order_by("judged_at", "pk").values(*READ):
        rows[row["comparison_id"]].append(row)
    return rows


def skills_for(
    comparisons: Sequence[Comparison], judgments: dict[int, list[Row]]
) -> SkillsByProject:
    annotators = {row["annotator_id"] for rows in judgments.values() for row in rows}
    return known_skills({comparison.project_id for comparison in comparisons}, annotators)


def criteria_of(comparisons: Sequence[Comparison]) -> defaultdict[int, dict[str, Criterion]]:
    """Read the criteria of the comparisons' projects, by project and key."""
    criteria: defaultdict[int, dict[str, Criterion]] = defaultdict(dict)
    projects = {comparison.project_id for comparison in comparisons}
    for criterion in Criterion.objects.filter(project__in=projects):
        criteria[criterion.project_id][criterion.key] = criterion
    return criteria


def set_back(comparison: Comparison, error: Exception, now: datetime) -> Comparison:
    comparison.stale_since = comparison.stale_since or now
    comparison.stale_tries += 1
    comparison.stale_error = f"{type(error).__name__}: {error}"
    return comparison


def counted_changes(batch: Batch) -> Changes:
    """Compare what the comparisons count now with what their rows counted, while locked."""
    changes = Changes()
    ids = [row.pk for row in batch.fresh]
    before = dict(Consensus.objects.filter(pk__in=ids).values_list("pk", "counts"))
    for row in batch.fresh:
        changes.exchange((row.project_id, None), before.get(row.pk, []), row.counts)
    left = {(old.comparison_id, old.criterion_id): old for old in criteria_rows(batch)}
    for part in batch.by_criterion:
        old = left.pop((part.comparison_id, part.criterion_id), None)
        key = (part.project_id, part.criterion_id)
        changes.exchange(key, old.counts if old else [], part.counts)
    for old in left.values():
        changes.exchange((old.project_id, old.criterion_id), old.counts, [])
    return changes


def criteria_rows(batch: Batch) -> list[CriterionConsensus]:
    """Read the rows by criterion as they stand."""
    if not batch.has_criteria:
        return []
    ids = [row.pk for row in batch.fresh]
    return list(CriterionConsensus.objects.filter(comparison__in=ids))


def save_consensus(fresh: Sequence[Consensus]) -> None:
    """Write the rows and take the marks off; a comparison without judgments keeps no row."""
    judged = [row for row in fresh if row.n_judgments]
    Consensus.objects.bulk_create(
        judged, update_conflicts=True, unique_fields=["comparison"], update_fields=DERIVED
    )
    unjudged = [row.comparison_id for row in fresh if not row.n_judgments]
    Consensus.objects.filter(comparison_id__in=unjudged).delete()
    Comparison.objects.filter(pk__in=[row.comparison_id for row in fresh]).update(
        stale_since=None, stale_tries=0, stale_error=""
    )


def save_criteria(batch: Batch) -> None:
    """Write the rows by criterion; one that nobody answers any more goes."""
    CriterionConsensus.objects.bulk_create(
        batch.by_criterion,
        update_conflicts=True,
        unique_fields=["comparison", "criterion"],
        update_fields=DERIVED_OF_CRITERION,
    )
    kept = {(row.comparison_id, row.criterion_id) for row in batch.by_criterion}
    rows = criteria_rows(batch)
    gone = [row.pk for row in rows if (row.comparison_id, row.criterion_id) not in kept]
    CriterionConsensus.objects.filter(pk__in=gone).delete()


def open_further_slots(fresh: Sequence[Consensus]) -> None:
    """Ask for one more judgment where those there are do not settle a comparison."""
    disputed = [
        row.comparison_id
        for row in fresh
        if row.n_judgments and not row.is_settled and row.comparison.project.max_overlap
    ]
    if disputed:
        slots.open_further(comparison_ids=disputed)


def rebuild_consensus(*, project: Project, now: datetime) -> int:
    """Mark every comparison of a project that has judgments or a consensus, set aside or not.

    Its tallies are counted afresh. Use it when a rule of the project or the method has changed.
    Safe to repeat.

    Returns:
        How many comparisons now wait for the drain.
    """
    judged = Exists(Judgment.objects.filter(comparison=OuterRef("pk")))
    derived = Exists(Consensus.objects.filter(comparison=OuterRef("pk")))
    comparisons = Comparison.objects.filter(project=project).filter(judged | derived)
    n_marked = comparisons.update(stale_since=now, stale_tries=0, stale_error="")
    tallies.recount(project=project, now=now)
    return n_marked
