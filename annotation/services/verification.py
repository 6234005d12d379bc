"""Looks at the rows of annotation for anything that breaks a promise. It repairs nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from django.db import transaction

from annotation.models import (
    AuditEvent,
    Comparison,
    Consensus,
    CriterionConsensus,
    VoteTally,
)
from annotation.selectors.invariants import INVARIANTS, first_broken
from annotation.services import aggregation, audit, tallies

BATCH = 500
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when a consensus was computed is not compared
UNSAID = ("project", "computed_at")

Finding = tuple[str, str]  # a promise, and the first row that breaks it or ""


def findings() -> Iterator[Finding]:
    """Check one promise after another."""
    for invariant in INVARIANTS:
        yield invariant.promise, first_broken(invariant)
    yield "the audit chain is whole", broken_link()
    yield "every consensus equals a fresh computation", differing_consensus()
    yield "every tally of agreement is what its comparisons count", differing_tally()


def broken_link() -> str:
    """Name the first link of the audit chain that does not follow from the one before it."""
    previous = b""
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=BATCH):
        if bytes(event.previous_digest) != previous or bytes(event.digest) != audit.digest_of(
            event
        ):
            return f"audit event {event.pk} ({event.action} of {event.subject})"
        previous = bytes(event.digest)
    return ""


def differing_consensus(progress: Callable[[int], None] = lambda done: None) -> str:
    """Name the first comparison, not waiting for the drain, whose consensus is out of date."""
    last = 0
    while batch := up_to_date(last):
        fresh = aggregation.compute(batch, NEVER)
        if fresh.broken:
            return f"comparison {fresh.broken[0].pk}"
        stored = {row.pk: row for row in Consensus.objects.filter(pk__in=[c.pk for c in batch])}
        of_criteria = criteria_rows(batch)
        for row in fresh.fresh:
            is_waiting = stored[row.pk].skills != row.skills
            if not is_waiting and said_by(row) != said_by(stored[row.pk]):
                return f"comparison {row.pk}"
        computed = {(row.comparison_id, row.criterion_id): row for row in fresh.by_criterion}
        for key in sorted(of_criteria.keys() | computed.keys()):
            pair = of_criteria.get(key), computed.get(key)
            if None in pair or said_on_criterion(pair[0]) != said_on_criterion(pair[1]):
                return f"comparison {key[0]}, criterion {key[1]}"
        last = batch[-1].pk
        progress(len(batch))
    return ""


def up_to_date(after: int) -> list[Comparison]:
    found = Comparison.objects.filter(
        pk__gt=after, stale_since__isnull=True, consensus__isnull=False
    )
    return list(found.select_related("project").order_by("pk")[:BATCH])


def criteria_rows(batch: list[Comparison]) -> dict[tuple[int, int], CriterionConsensus]:
    rows = CriterionConsensus.objects.filter(comparison__in=[c.pk for c in batch])
    return {(row.comparison_id, row.criterion_id): row for row in rows}


def said_by(consensus: Consensus) -> list[object]:
    """Everything that a consensus says, without when it was computed."""
    return [getattr(consensus, n) for n in aggregation.DERIVED if n not in UNSAID]


def said_on_criterion(row: CriterionConsensus | None) -> list[object]:
    return [getattr(row, n) for n in aggregation.DERIVED_OF_CRITERION if n not in UNSAID]


def differing_tally() -> str:
    """Name the first tally that is not what its comparisons count together."""
    for pk in VoteTally.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # Whoever changes counts holds the tally until both are written.
            row = VoteTally.objects.select_for_update().get(pk=pk)
            if tallies.counted_tally(row.project_id, row.criterion_id).as_json() != row.tally:
                of = f", criterion {row.criterion_id}" if row.criterion_id else ""
                return f"project {row.project_id}{of}"
    return ""
