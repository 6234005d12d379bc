"""Keeps each project's tally of agreement in step with the counts of its comparisons."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import Count

from annotation.domain.agreement import Tally, tally_from_json, tally_of_counts
from annotation.domain.tallies import empty_tally, exchanged
from annotation.domain.verdicts import N_VERDICTS, Ints
from annotation.models import Consensus, Criterion, CriterionConsensus, Project, VoteTally

Key = tuple[int, int | None]  # a project, and a criterion or None for the overall verdict

NO_VOTES = [0] * N_VERDICTS


@dataclass
class Changes:
    """What a batch of comparisons counted before, and counts now."""

    old: defaultdict[Key, list[list[int]]] = field(default_factory=lambda: defaultdict(list))
    new: defaultdict[Key, list[list[int]]] = field(default_factory=lambda: defaultdict(list))
    n_read: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))

    def exchange(self, key: Key, old: list[int], new: list[int]) -> None:
        """Note one comparison's counts; an empty list counts nothing."""
        if old != new:
            self.old[key].append(old or NO_VOTES)
            self.new[key].append(new or NO_VOTES)


def record_changes(changes: Changes, *, now: datetime) -> None:
    """Bring the tallies up to date, in the transaction that writes the counts.

    Rows are locked in one order, so that drains of several projects wait instead of locking each
    other out.
    """
    keys = set(changes.old) | set(changes.n_read)
    for key, row in locked(keys, now).items():
        old, new = (np.array(rows, np.int64) for rows in (changes.old[key], changes.new[key]))
        if len(old):
            row.tally = exchanged(tally_from_json(row.tally), old, new).as_json()
        row.n_changes += changes.n_read[key]
        row.changed_at = now
        row.save(update_fields=["tally", "n_changes", "changed_at"])


def locked(keys: Iterable[Key], now: datetime) -> dict[Key, VoteTally]:
    """Lock the tallies of these projects and criteria, made where they are missing."""
    wanted = sorted(keys, key=lambda key: (key[0], key[1] or 0))
    found = rows_of(wanted)
    if missing := [key for key in wanted if key not in found]:
        VoteTally.objects.bulk_create(
            [
                VoteTally(
                    project_id=project,
                    criterion_id=criterion,
                    tally=empty_tally(N_VERDICTS).as_json(),
                    changed_at=now,
                )
                for project, criterion in missing
            ],
            ignore_conflicts=True,
        )
        found = rows_of(wanted)
    return found


def rows_of(keys: list[Key]) -> dict[Key, VoteTally]:
    rows = VoteTally.objects.filter(project__in={project for project, _ in keys})
    rows = rows.order_by("project_id", "criterion_id").select_for_update(no_key=True)
    found = {(row.project_id, row.criterion_id): row for row in rows}
    return {key: found[key] for key in keys if key in found}


def recount(*, project: Project, now: datetime) -> None:
    """Count a project's tallies afresh from what its comparisons count. Safe to repeat."""
    criteria = Criterion.objects.filter(project=project).values_list("pk", flat=True)
    known = VoteTally.objects.filter(project=project).values_list("criterion_id", flat=True)
    with transaction.atomic():
        for criterion in {None, *known} & {None, *criteria}:
            key = (project.pk, criterion)
            row = locked([key], now)[key]
            row.tally = counted_tally(project.pk, criterion).as_json()
            row.save(update_fields=["tally"])


def counted_tally(project_id: int, criterion_id: int | None) -> Tally:
    """Count the tally from the counts on the rows of consensus."""
    rows = (
        Consensus.objects.filter(project=project_id)
        if criterion_id is None
        else CriterionConsensus.objects.filter(project=project_id, criterion=criterion_id)
    )
    grouped = rows.exclude(counts=[]).order_by().values_list("counts").annotate(n=Count("pk"))
    found = list(grouped)
    counts: Ints = np.array([counts for counts, _ in found], np.int64).reshape(-1, N_VERDICTS)
    return tally_of_counts(np.repeat(counts, [n for _, n in found], axis=0))
