import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.db import connection

from annotation.domain.vocabulary import RunPurpose
from annotation.models import JudgeAnswer, JudgeRequest, Judgment
from annotation.selectors.clock import database_now
from annotation.services.judges import runs
from annotation.services.judges.lanes import MOST_READY

N_COMPARISONS, CONCURRENCY, N_KILLS = 30, 4, 3
# Leases of a worker end after its endpoint's two timeouts and a minute; the clock is moved past it.
WORK = """
import os, sys
from datetime import timedelta
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from annotation.selectors.clock import database_now
from annotation.services.judges import requests
print("started", flush=True)
requests.answer_next(now=database_now() + timedelta(minutes=int(sys.argv[2])))
"""


@pytest.fixture
def run(make_judge, make_comparison, practice_endpoint):
    practice_endpoint.behave(latency=0.05)
    judge = make_judge(
        endpoint={
            "base_url": practice_endpoint.url,
            "max_concurrency": CONCURRENCY,
            "timeout_seconds": 5,
        },
        budget=10_000_000,
    )
    comparisons = [make_comparison(texts=(f"{n}", f"{n} and more")) for n in range(N_COMPARISONS)]
    return runs.ask_judge(
        judge=judge,
        comparison_ids=[comparison.pk for comparison in comparisons],
        purpose=RunPurpose.RUN,
        user=None,
        now=database_now(),
    )


def start_worker(minutes):
    worker = subprocess.Popen(
        [sys.executable, "-c", WORK, connection.settings_dict["NAME"], str(minutes)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout.readline() == b"started\n"
    return worker


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestAWorkerThatIsKilled:
    def test_leaves_every_request_to_be_answered_once(self, run, practice_endpoint):
        dice = random.Random(5)
        for number in range(N_KILLS):
            enough = practice_endpoint.requests + dice.randint(1, 15)
            worker = start_worker(10 * number)
            while practice_endpoint.requests < enough and worker.poll() is None:
                time.sleep(dice.uniform(0, 0.02))
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        last = start_worker(10 * N_KILLS)
        assert last.wait() == 0

        rows = JudgeRequest.objects.all()
        usable = JudgeAnswer.objects.filter(status="usable")
        n_lost = sum(rows.values_list("n_lost", flat=True))
        run.judge.refresh_from_db()
        assert Counter(rows.values_list("state", flat=True)) == {"answered": 2 * N_COMPARISONS}
        assert usable.count() == len(set(usable.values_list("request", flat=True))) == len(rows)
        assert Judgment.objects.count() == N_COMPARISONS
        # What was sent in vain is counted: never less than the endpoint saw beyond the answers.
        assert practice_endpoint.requests - usable.count() <= n_lost
        in_lane = (1 + MOST_READY) * CONCURRENCY  # and as many again may be being booked
        assert 0 < n_lost <= N_KILLS * 2 * in_lane
        assert run.judge.reserved == 0
        assert run.judge.spent == sum(JudgeAnswer.objects.values_list("cost", flat=True))
