"""How soon a submitted judgment shows in the agreement of a project of 100,000 judgments.

Drains the whole project once, then submits judgments one by one through the service that pages and
API use, drains, and reads the tally. Beat rings every `BEAT` seconds, so that is added to what was
measured. At the end the tally must equal one counted from all votes.
"""

import json
import os
import statistics
import time
import uuid
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

N_COMPARISONS = 50_000
N_ANNOTATORS = 200
EACH = 2
SUBMITS = 40
BEAT = 2.0  # seconds between two bells, config/celery.py
TARGET = 5.0  # seconds from submit to a right figure

# Everybody errs now and then; two in three agree with the item's truth, its number's parity.
JUDGMENTS = """
    INSERT INTO judgment (project_id, comparison_id, annotator_id, outcome, ranking, criteria,
                          is_unsafe, reason, is_late, external_id, metadata, judged_at)
    SELECT c.project_id, c.id, a.id, 'ranked',
           CASE (hashint8(c.id * 31 + turn) %% 6 + 6) %% 6
               WHEN 0 THEN jsonb_build_array(to_jsonb(c.response_ids))
               WHEN 1 THEN jsonb_build_array(jsonb_build_array(c.response_ids[2 - c.id %% 2]),
                                             jsonb_build_array(c.response_ids[1 + c.id %% 2]))
               ELSE jsonb_build_array(jsonb_build_array(c.response_ids[1 + c.id %% 2]),
                                      jsonb_build_array(c.response_ids[2 - c.id %% 2]))
           END,
           '{}', false, '', false, '', '{}', now()
    FROM comparison c
    CROSS JOIN generate_series(1, %(each)s) turn
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM annotator
          WHERE project_id = %(project)s) a
      ON a.place = (c.id * 7 + turn * 13) %% %(annotators)s + 1
    WHERE c.project_id = %(project)s
"""
ANNOTATORS = """
    INSERT INTO annotator (project_id, kind, name, model_name, created_at)
    SELECT %s, 'human', 'rater-' || n, '', now() FROM generate_series(1, %s) n
"""


def main() -> int:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    project = fill_project()
    drained("drain everything once", project)
    learned = timed(lambda: learn(project))
    print(f"{'learn the skills of all annotators':44} {learned:8.2f} s")
    drained("work out what they change", project)
    waits = [submitted_to_shown(project) for _ in range(SUBMITS)]
    p95 = statistics.quantiles(waits, n=20)[18]
    print(f"{'submit, drain, read agreement: p50':44} {statistics.median(waits):8.3f} s")
    print(f"{'submit, drain, read agreement: p95':44} {p95:8.3f} s")
    print(f"{'with the wait for the bell':44} {p95 + BEAT:8.3f} s   target {TARGET:.0f} s")
    is_right = compared(project)
    print("the tally", "equals" if is_right else "DIFFERS FROM", "one counted from all votes")
    return int(p95 + BEAT > TARGET or not is_right)


def fill_project() -> Any:
    from django.db import connection
    from django.utils import timezone

    from annotation.models import Comparison
    from benchmarks.queue_rows import fill, settle

    slug = f"live-{uuid.uuid4().hex[:8]}"
    project = fill(slug=slug, n_comparisons=N_COMPARISONS, overlap=EACH + 1)
    values = {"project": project.pk, "each": EACH, "annotators": N_ANNOTATORS}
    with connection.cursor() as cursor:
        cursor.execute(ANNOTATORS, [project.pk, N_ANNOTATORS])
        cursor.execute(JUDGMENTS, values)
        print(f"{cursor.rowcount:,} judgments on {N_COMPARISONS:,} comparisons")
    Comparison.objects.filter(project=project).update(stale_since=timezone.now())
    settle()
    return project


def drained(name: str, project: Any) -> None:
    from django.utils import timezone

    from annotation.services.aggregation import refresh_next_stale

    done = 0
    begin = time.perf_counter()
    while taken := refresh_next_stale(now=timezone.now(), project=project):
        done += taken
    seconds = time.perf_counter() - begin
    print(f"{name:44} {seconds:8.2f} s   {done:,} comparisons, {done / seconds:,.0f} a second")


def learn(project: Any) -> None:
    from django.utils import timezone

    from annotation.services.skills import refresh_skills

    refresh_skills(project=project, now=timezone.now(), at_once=True)


def timed(act: Any) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def submitted_to_shown(project: Any) -> float:
    """Submit one judgment; return the seconds until agreement with it could be read."""
    from django.utils import timezone

    from annotation.domain.answers import Answer
    from annotation.domain.vocabulary import Outcome
    from annotation.models import Annotator, VoteTally
    from annotation.selectors.quality_pages import live_of
    from annotation.services import judging, queue
    from annotation.services.aggregation import refresh_next_stale

    annotator = Annotator.objects.create(
        kind="human", name=f"live-{uuid.uuid4().hex}", project=project, created_at=timezone.now()
    )
    overall = VoteTally.objects.filter(project=project, criterion__isnull=True)
    before = overall.get().tally["votes"]
    slot = queue.claim_slot(project_id=project.pk, annotator_id=annotator.pk, now=timezone.now())
    ids = slot.comparison.response_ids
    answer = Answer(outcome=Outcome.RANKED, ranking=[[ids[0]], [ids[1]]], strength=1)
    begin = time.perf_counter()
    judging.submit_judgment(
        slot_id=slot.pk,
        annotator_id=annotator.pk,
        answer=answer,
        client_key=uuid.uuid4(),
        now=timezone.now(),
    )
    refresh_next_stale(now=timezone.now())
    live_of(project)
    seconds = time.perf_counter() - begin
    assert total(overall.get().tally["votes"]) == total(before) + 1
    return seconds


def total(votes: list[list[int]]) -> int:
    return sum(map(sum, votes))


def compared(project: Any) -> bool:
    from annotation.domain.agreement import tally_of
    from annotation.domain.verdicts import N_VERDICTS
    from annotation.models import VoteTally
    from annotation.selectors.votes import ballots_of

    ballots = ballots_of(project)
    fresh = tally_of(ballots.pair, ballots.choice, N_VERDICTS).as_json()
    stored = VoteTally.objects.get(project=project, criterion__isnull=True).tally
    return json.dumps(fresh) == json.dumps({name: stored[name] for name in fresh})
