"""Writes the requests of a run: the first at once, those of a large order bit by bit."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from annotation.domain.vocabulary import OrderPolicy, RunPurpose, RunState
from annotation.models import Judge, JudgeRun, Project, UnwrittenRun

AT_ONCE = 1_000  # comparisons whose requests one transaction writes

# The first order is drawn by a hash, so it is balanced over comparisons and the same for every
# judge; the second is its reverse. What was cancelled is asked anew. What was asked is passed over,
# not met as a conflict: that would lock requests whose answers are being booked.
ADD_REQUESTS = """
    WITH added AS (
        INSERT INTO judge_request (
            project_id, judge_id, endpoint_id, run_id, comparison_id, "order", sample, is_trial,
            shown_order, state, due_at, tries, reserved, is_cached, status, error, created_at
        )
        SELECT c.project_id, %(judge)s, %(endpoint)s, %(run)s, c.id, "order", sample, %(is_trial)s,
               CASE "order" WHEN 0 THEN drawn.ids ELSE drawn.reversed END,
               'queued', %(now)s, 0, 0, false, '', '', %(now)s
        FROM comparison c
        CROSS JOIN LATERAL (
            SELECT array_agg(id ORDER BY key) AS ids, array_agg(id ORDER BY key DESC) AS reversed
            FROM (SELECT id, md5(c.id || ' ' || id) AS key FROM unnest(c.response_ids) id) keyed
        ) drawn
        CROSS JOIN generate_series(0, %(n_orders)s - 1) AS "order"
        CROSS JOIN generate_series(0, %(n_samples)s - 1) AS sample
        WHERE c.id = ANY(%(comparisons)s) AND c.project_id = %(project)s AND NOT EXISTS (
            SELECT FROM judge_request asked
            WHERE asked.judge_id = %(judge)s AND asked.comparison_id = c.id
              AND asked."order" = "order"."order" AND asked.sample = sample.sample
              AND asked.is_trial = %(is_trial)s AND asked.state <> 'cancelled'
        )
        ORDER BY c.id, "order", sample
        ON CONFLICT (judge_id, comparison_id, "order", sample, is_trial) DO UPDATE
        SET run_id = excluded.run_id, state = 'queued', due_at = excluded.due_at, tries = 0,
            error = '', finished_at = NULL
        WHERE judge_request.state = 'cancelled'
        RETURNING comparison_id
    )
    SELECT count(*), count(DISTINCT comparison_id) FROM added
"""
LEAVE = """
    INSERT INTO unwritten_run (run_id, comparison_ids, n_written)
    VALUES (%(run)s, %(comparisons)s::bigint[], 0)
"""
NEXT_PART = """
    SELECT comparison_ids[n_written + 1 : n_written + %(limit)s], cardinality(comparison_ids)
    FROM unwritten_run WHERE run_id = %(run)s
"""


def write_requests(*, run: JudgeRun, comparison_ids: Sequence[int], now: datetime) -> int:
    """Write the requests of a new run, in the caller's transaction.

    Returns:
        Of how many comparisons they are left to `write_next`.
    """
    add_requests(run, comparison_ids[:AT_ONCE], now)
    if rest := list(comparison_ids[AT_ONCE:]):
        with connection.cursor() as cursor:
            cursor.execute(LEAVE, {"run": run.pk, "comparisons": rest})
    return len(rest)


def write_next(*, now: datetime, project: Project | None = None) -> int:
    """Write requests of up to `AT_ONCE` more comparisons of a run that is not paused.

    Rivals leave a run to whoever is at it; who is killed has written nothing of a part. Safe to
    repeat.

    Returns:
        Of how many comparisons; 0 when all are written, or somebody else is at it.
    """
    waiting = UnwrittenRun.objects.filter(run__state=RunState.RUNNING)
    if project is not None:
        waiting = waiting.filter(run__project=project)
    # Runs take turns by the number of comparisons already written.
    first = waiting.order_by("n_written", "run").values_list("run", flat=True).first()
    return write_part(first, now) if first else 0


def write_part(run_id: int, now: datetime) -> int:
    with transaction.atomic():
        # Whoever pauses or cancels the run waits for this part, or this leaves it to a later look.
        held = JudgeRun.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        run = held.select_related("judge").filter(pk=run_id).first()
        if run is None:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(NEXT_PART, {"run": run_id, "limit": AT_ONCE})
            part, n = cursor.fetchone() or ([], 0)
        if run.state != RunState.RUNNING or not part:
            return 0
        add_requests(run, part, now)
        row = UnwrittenRun.objects.filter(run=run)
        row.update(n_written=F("n_written") + len(part))
        row.filter(n_written__gte=n).delete()
    return len(part)


def give_up(run: JudgeRun) -> None:
    """Write nothing more of a run that its caller holds."""
    UnwrittenRun.objects.filter(run=run).delete()


def add_requests(run: JudgeRun, comparison_ids: Sequence[int], now: datetime) -> int:
    judge = run.judge
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_REQUESTS,
            {
                "project": run.project_id,
                "judge": judge.pk,
                "endpoint": judge.endpoint_id,
                "run": run.pk,
                "is_trial": run.purpose == RunPurpose.TRIAL,
                "n_orders": 2 if judge.order_policy == OrderPolicy.BOTH else 1,
                "n_samples": judge.n_samples,
                "comparisons": list(comparison_ids),
                "now": now,
            },
        )
        n_requests, n_comparisons = cursor.fetchone()
    if not n_requests:
        return 0
    JudgeRun.objects.filter(pk=run.pk).update(
        n_requests=F("n_requests") + n_requests,
        n_comparisons=F("n_comparisons") + n_comparisons,
    )
    look_afresh_at_budget(judge)
    run.n_requests += n_requests
    run.n_comparisons += n_comparisons
    return n_requests


def look_afresh_at_budget(judge: Judge) -> None:
    """Other requests wait now than those of which one was too dear."""
    Judge.objects.filter(pk=judge.pk, unaffordable__gt=0).update(unaffordable=0)
