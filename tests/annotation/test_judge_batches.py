import os
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from tempfile import TemporaryFile
from threading import Thread

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import OrderPolicy, RunPurpose
from annotation.models import (
    Endpoint,
    JudgeAnswer,
    JudgeBatch,
    JudgeRequest,
    JudgeRun,
    JudgeVerdict,
    Judgment,
)
from annotation.selectors.clock import database_now
from annotation.services.judges import requests, runs
from annotation.services.judges.batches import ending, filling, gathering, line, submitting, tender
from annotation.services.judges.batches.line import FileLine, Refused
from annotation.services.judges.batches.tender import Tender
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(minutes=10)
DAY = timedelta(days=1)
# Of each way to miss an answer one; the texts that are none are read as those of single calls are.
UNUSABLE = (
    "cut-body", "duplicate-keys", "error-with-200", "filtered", "garbage", "no-usage", "nul",
    "refuses", "truncated", "wrong-nonce",
)  # fmt: skip
KEY = "sk-practice/secret+0123456789"
WORK = """
import os, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from annotation.selectors.clock import database_now
from annotation.services.judges import requests
requests.answer_next(now=database_now())
"""


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(requests, "PATIENCE", 0.0)


@pytest.fixture
def judge_at(make_judge, practice_endpoint):
    def judge_at(timeout=20, endpoint=None, **fields):
        settings = {
            "base_url": practice_endpoint.url,
            "timeout_seconds": timeout,
            "takes_batches": True,
        }
        return make_judge(endpoint=settings | (endpoint or {}), **fields)

    return judge_at


@pytest.fixture
def ask(make_comparison, noon):
    """Order a batch on new comparisons: ask(judge, 5), or on given ones; of one order each."""
    numbers = count(1)

    def ask(judge, n=1, comparisons=None, by_batch=True):
        if comparisons is None:
            comparisons = [
                make_comparison(texts=(f"one {next(numbers)}", "another and longer one"))
                for _ in range(n)
            ]
        return runs.ask_judge(
            judge=judge,
            comparison_ids=[comparison.pk for comparison in comparisons],
            purpose=RunPurpose.RUN,
            user=None,
            now=noon,
            by_batch=by_batch,
        )

    return ask


@pytest.fixture
def drain(noon):
    """Drain so often, ten minutes later each time; the first drain sends, the second books."""

    def drain(times=2, start=noon):
        for number in range(times):
            requests.answer_next(now=start + number * LATER)

    return drain


@contextmanager
def filled(run, now):
    """A batch that a worker has filled and not sent."""
    endpoint = run.judge.endpoint
    at = FileLine(endpoint.base_url, "", 20)
    worker = Tender(endpoint, at, lambda: now, lambda: False)
    with TemporaryFile() as file:
        yield worker, filling.fill(worker, run, file), file


class DeafServer:
    """Takes connections and says nothing, until it hangs up."""

    def __init__(self, listening):
        self.listening, self.held = listening, []
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    def listen(self):
        with suppress(OSError):
            while True:
                self.held.append(self.listening.accept()[0])

    def hang_up(self):
        self.listening.close()
        for one in self.held:
            one.close()


@contextmanager
def deaf_server():
    deaf = DeafServer(socket.create_server(("127.0.0.1", 0)))
    Thread(target=deaf.listen, daemon=True).start()
    yield deaf
    deaf.hang_up()


class Refusing:
    """A line over which batches cannot be looked for."""

    def __init__(self, refused):
        self.refused = refused

    def find(self, input_file, tag):
        raise self.refused


def cancel(run, now):
    try:
        runs.cancel_run(run=run, user=None, now=now)
    finally:
        connection.close()


def wait_until(is_so):
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


def states():
    return Counter(JudgeRequest.objects.values_list("state", flat=True))


def counts(batch):
    return {
        name: getattr(batch, f"n_{name}")
        for name in ("requests", "matched", "missing", "doubled", "unknown", "garbled")
        if getattr(batch, f"n_{name}")
    }


class TestABatch:
    def test_makes_the_judgments_that_single_calls_make(
        self, judge_at, ask, drain, practice_endpoint
    ):
        judge = judge_at()
        run = ask(judge, 5)

        drain()

        run.refresh_from_db()
        batch = JudgeBatch.objects.get()
        assert (states(), run.state) == ({"answered": 10}, "done")
        assert Judgment.objects.filter(annotator=judge.annotator).count() == 5
        assert (batch.state, counts(batch)) == ("completed", {"requests": 10, "matched": 10})
        assert practice_endpoint.requests == 0

    def test_costs_half_of_what_its_tokens_cost(self, judge_at, ask, drain):
        judge = judge_at(price_in="2.5", price_out="10")
        ask(judge, 2)

        drain()

        judge.refresh_from_db()
        answers = JudgeAnswer.objects.all()
        assert judge.spent == sum(
            -(-(5 * answer.tokens_in + 20 * answer.tokens_out) // 4) for answer in answers
        )
        assert judge.spent == JudgeRequest.objects.aggregate(paid=Sum("cost"))["paid"] > 0
        assert judge.reserved == 0

    def test_takes_what_the_budget_covers_and_no_more(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch_seconds=3600)
        judge = judge_at(max_tokens=100, budget=9_000)
        ask(judge, 5)

        drain(1)

        judge.refresh_from_db()
        batch = JudgeBatch.objects.get()
        held = JudgeRequest.objects.filter(batch=batch, state="running")
        assert 0 < batch.n_requests < 10
        assert states() == {"running": batch.n_requests, "queued": 10 - batch.n_requests}
        assert judge.reserved == held.aggregate(n=Sum("reserved"))["n"] <= judge.budget

    def test_is_cut_where_it_has_too_many_lines(self, judge_at, ask, drain, monkeypatch):
        monkeypatch.setattr(filling, "MOST_LINES", 4)
        ask(judge_at(), 5)

        drain()

        sizes = JudgeBatch.objects.order_by("pk").values_list("n_requests", flat=True)
        assert (list(sizes), states()) == ([4, 4, 2], {"answered": 10})

    def test_is_cut_where_its_file_is_too_long(self, judge_at, ask, drain, monkeypatch):
        monkeypatch.setattr(filling, "MOST_BYTES", 10_000)
        judge = judge_at()
        ask(judge, 5)

        drain()

        judge.refresh_from_db()
        assert JudgeBatch.objects.count() > 1
        assert (states(), judge.reserved) == ({"answered": 10}, 0)

    def test_has_fewer_lines_where_each_answer_is_long(self, judge_at, ask, drain, monkeypatch):
        monkeypatch.setattr(filling, "MOST_WITH_CHANCES", 2)
        ask(judge_at(reads_logprobs=True), 2)
        ask(judge_at(reads_logprobs=False), 2)

        drain(1)

        sizes = JudgeBatch.objects.order_by("pk").values_list("n_requests", flat=True)
        assert sorted(sizes) == [2, 2, 4]

    def test_leaves_out_a_question_that_no_file_can_hold(
        self, judge_at, ask, drain, make_comparison, monkeypatch
    ):
        monkeypatch.setattr(filling, "MOST_BYTES", 10_000)
        judge = judge_at()
        long = make_comparison(texts=("one", "another " * 2_000))

        run = ask(judge, comparisons=[long])
        drain(3)

        judge.refresh_from_db()
        run.refresh_from_db()
        assert (states(), run.state, judge.reserved) == ({"failed": 2}, "done", 0)
        assert set(JudgeRequest.objects.values_list("error", flat=True)) == {filling.TOO_LONG}
        assert JudgeBatch.objects.count() == 0

    def test_waits_while_as_many_as_may_be_are_under_way(
        self, judge_at, ask, drain, noon, monkeypatch, practice_endpoint
    ):
        monkeypatch.setattr(filling, "MOST_LINES", 2)
        monkeypatch.setattr(tender, "MOST_OPEN", 2)
        practice_endpoint.behave(batch_seconds=3600)
        run = ask(judge_at(), 3)

        drain(1)
        due = tender.due_runs(noon, None)
        monkeypatch.setattr(tender, "MOST_OPEN", 3)

        assert states() == {"running": 4, "queued": 2}
        assert (due, tender.due_runs(noon, None)) == ([], [run])

    def test_asks_for_nothing_that_is_answered_already(
        self, judge_at, ask, drain, make_judge, practice_endpoint
    ):
        first = judge_at()
        run = ask(first, 2, by_batch=False)
        drain(1)
        twin = judge_at()
        comparisons = [request.comparison for request in run.requests.filter(order=0)]

        ask(twin, comparisons=comparisons)
        drain(1, start=run.created_at + LATER)

        twin.refresh_from_db()
        assert (states(), twin.spent, JudgeBatch.objects.count()) == ({"answered": 8}, 0, 0)

    def test_asks_once_what_two_comparisons_ask_alike(
        self, judge_at, ask, drain, make_comparison, practice_endpoint
    ):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        alike = [make_comparison(texts=("one", "the same")) for _ in range(6)]

        ask(judge, comparisons=alike)
        drain(3)

        batched = JudgeBatch.objects.aggregate(n=Sum("n_requests"))["n"]
        n_cached = JudgeRequest.objects.filter(is_cached=True).count()
        assert states() == {"answered": 6}
        assert (batched + n_cached, JudgeAnswer.objects.count()) == (6, batched)

    def test_is_no_trial_and_needs_an_endpoint_that_takes_it(self, judge_at, ask, noon):
        judge = judge_at()
        Endpoint.objects.update(takes_batches=False)

        with pytest.raises(InvalidField, match="takes no batches"):
            ask(judge, 1)

    def test_leaves_a_paused_run_alone_but_books_what_is_under_way(
        self, judge_at, ask, drain, noon
    ):
        run = ask(judge_at(), 2)
        drain(1)
        runs.pause_run(run=run, user=None, now=noon)
        later = ask(run.judge, 2)
        runs.pause_run(run=later, user=None, now=noon)

        drain(2, start=noon + LATER)

        assert states() == {"answered": 4, "queued": 4}


class TestWhatComesBack:
    """Fifty items of which something is wrong, once; then all is well."""

    @pytest.mark.parametrize(
        ("mode", "told", "n_over"),
        [
            ("missing", {"matched": 49, "missing": 1}, 49),
            ("reordered", {"matched": 50}, 50),
            ("doubled", {"matched": 50, "doubled": 100}, 50),
            ("unknown", {"matched": 50, "unknown": 4}, 50),
            ("garbled", {"matched": 49, "missing": 1, "garbled": 4}, 49),
            ("errors", {"matched": 50}, 25),
            ("swapped", {"matched": 50}, 0),
            ("expired", {"matched": 50}, 25),
            ("cut", {"matched": 50}, 0),
        ],
    )
    def test_is_matched_by_name_only_and_the_rest_asked_again(
        self, mode, told, n_over, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch=mode, batch_times=1)
        judge = judge_at()
        ask(judge, 25)

        drain()
        met, n_met = JudgeBatch.objects.order_by("pk")[0], states()["answered"]
        drain(2, start=noon + 2 * LATER)

        met.refresh_from_db()
        judge.refresh_from_db()
        usable = JudgeAnswer.objects.filter(status="usable")
        assert (n_met, counts(met)) == (n_over, {"requests": 50} | told)
        assert states() == {"answered": 50}
        assert usable.count() == len(set(usable.values_list("request", flat=True))) == 50
        assert Judgment.objects.count() == JudgeVerdict.objects.filter(is_flipped=False).count()
        assert all(one.ranking[0] == one.comparison.response_ids[1:] for one in said())
        assert judge.reserved == 0
        assert judge.spent == JudgeRequest.objects.aggregate(paid=Sum("cost"))["paid"]

    def test_counts_a_try_and_charges_for_what_was_answered_but_did_not_come(
        self, judge_at, ask, drain, practice_endpoint
    ):
        practice_endpoint.behave(batch="truncated", batch_times=1)
        ask(judge_at(), 10)

        drain(1)
        reserved = dict(JudgeRequest.objects.values_list("pk", "reserved"))
        JudgeRun.objects.update(state="paused")
        drain(2)

        missing = JudgeRequest.objects.filter(state="queued")
        assert 8 < missing.count() < 12
        assert {(one.tries, one.n_lost) for one in missing} == {(1, 1)}
        assert all(one.cost == reserved[one.pk] > 0 for one in missing)

    def test_is_booked_no_further_by_a_worker_that_is_to_stop(
        self, judge_at, ask, drain, noon, monkeypatch
    ):
        monkeypatch.setattr(gathering, "AT_ONCE", 2)
        ask(judge_at(), 3)
        drain(1)

        requests.answer_next(now=noon + LATER, is_stopping=lambda: bool(states()["answered"]))
        stopped = states()
        drain(1, start=noon + 2 * LATER)

        assert stopped == {"answered": 2, "running": 4}
        assert (states(), counts(JudgeBatch.objects.get())) == (
            {"answered": 6},
            {"requests": 6, "matched": 6},
        )

    def test_frees_what_an_expired_batch_did_not_answer(
        self, judge_at, ask, drain, practice_endpoint
    ):
        practice_endpoint.behave(batch="expired", batch_times=1)
        judge = judge_at()
        ask(judge, 4)

        drain()

        left = JudgeRequest.objects.exclude(state="answered")
        judge.refresh_from_db()
        assert {(one.tries, one.cost, one.n_lost) for one in left} == {(1, 0, 0)}
        assert judge.spent == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"]
        assert JudgeBatch.objects.order_by("pk")[0].state == "expired"

    def test_gives_no_vote_where_no_answer_can_be_used(
        self, judge_at, ask, drain, make_comparison, practice_endpoint
    ):
        comparison = make_comparison(texts=("one", "two words"))
        for mode in UNUSABLE:
            judge = judge_at(model_name=f"practice-{mode}", order_policy=OrderPolicy.ONE)
            ask(judge, comparisons=[comparison])

        drain(6)

        assert states() == {"failed": len(UNUSABLE)}
        assert Judgment.objects.count() == 0
        assert {one.outcome for one in JudgeVerdict.objects.all()} == {"unparsed"}

    def test_never_keeps_the_key_that_an_answer_tells(
        self, judge_at, ask, drain, monkeypatch, practice_endpoint
    ):
        monkeypatch.setenv("JUDGE_KEY_BATCHES", KEY)
        judge = judge_at(
            model_name="practice-leaks-key", endpoint={"key_variable": "JUDGE_KEY_BATCHES"}
        )
        ask(judge, 1)

        drain()

        errors = JudgeRequest.objects.values_list("error", flat=True)
        assert all("[key]" in error and KEY not in error for error in errors)


def said():
    return Judgment.objects.select_related("comparison")


class TestABatchThatIsNotTaken:
    @pytest.mark.parametrize(("mode", "n_drains"), [("refused", 1), ("failed", 2)])
    def test_is_put_back_at_no_cost_and_tried_again(
        self, mode, n_drains, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch=mode, batch_times=1)
        judge = judge_at()
        run = ask(judge, 2)

        drain(n_drains)
        run.refresh_from_db()
        told, n_failures = run.batch_error, run.batch_failures
        drain(3, start=noon + 2 * LATER)

        judge.refresh_from_db()
        n_lost = JudgeRequest.objects.aggregate(n=Sum("n_lost"), tries=Sum("tries"))
        assert (bool(told), n_failures) == (True, 1)
        assert (states(), n_lost) == ({"answered": 4}, {"n": 0, "tries": 0})
        assert judge.spent == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"]

    def test_pauses_its_run_after_five_refusals(self, judge_at, ask, drain, practice_endpoint):
        practice_endpoint.behave(batch="refused")
        judge = judge_at()
        run = ask(judge, 1)

        drain(6)

        run.refresh_from_db()
        judge.refresh_from_db()
        assert (run.state, states(), judge.reserved) == ("paused", {"queued": 2}, 0)
        assert run.batch_error == "HTTP 400: Batches are not for this model."
        assert JudgeBatch.objects.filter(state="failed").count() == 5

    def test_waits_for_a_dead_endpoint(self, judge_at, ask, drain, noon, practice_endpoint):
        judge = judge_at()
        Endpoint.objects.update(base_url="http://127.0.0.1:9/v1")
        run = ask(judge, 1)
        drain(7)
        run.refresh_from_db()
        told = run.state, run.batch_error
        Endpoint.objects.update(base_url=practice_endpoint.url)

        drain(3, start=noon + DAY)

        assert told[0] == "running" and told[1].startswith("No connection")
        assert states() == {"answered": 2}

    def test_counts_no_further_than_its_column_goes(self, judge_at, ask, drain):
        run = ask(judge_at(), 1)
        Endpoint.objects.update(base_url="http://127.0.0.1:9/v1")
        JudgeRun.objects.update(batch_failures=2**15 - 1)

        drain(1)

        run.refresh_from_db()
        assert (run.batch_failures, run.state) == (1000, "running")


class TestCancelling:
    def test_waits_for_whoever_fills_a_batch(self, judge_at, ask, noon):
        judge = judge_at()
        run = ask(judge, 2)
        with filled(run, noon) as (worker, batch, _), ThreadPoolExecutor(1) as threads:
            ending.give_back(batch, "", noon)
            with transaction.atomic():
                taken = filling.take(filling.new_batch(worker, run), 4, Library(), noon)
                cancelling = threads.submit(cancel, run, noon)
                wait_until(somebody_waits)

            cancelling.result()

        assert len(taken.calls) == 4
        run.refresh_from_db()
        assert (run.state, states()) == ("cancelled", {"running": 4})

    def test_cancels_the_batch_and_keeps_what_it_answered(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch_seconds=3600)
        judge = judge_at()
        run = ask(judge, 10)
        drain(1)

        runs.cancel_run(run=run, user=None, now=noon)
        drain(3)

        judge.refresh_from_db()
        batch = JudgeBatch.objects.get()
        assert [one["status"] for one in practice_endpoint.state["batches"]] == ["cancelled"]
        assert (batch.state, states()) == ("cancelled", {"answered": 10, "cancelled": 10})
        assert judge.reserved == 0
        assert judge.spent == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"] > 0

    def test_sends_nothing_that_was_only_filled(self, judge_at, ask, noon, practice_endpoint):
        judge = judge_at()
        run = ask(judge, 2)

        with filled(run, noon) as (worker, batch, file):
            runs.cancel_run(run=run, user=None, now=noon)
            submitting.submit(worker, batch, file)

        judge.refresh_from_db()
        assert (states(), judge.reserved) == ({"cancelled": 4}, 0)
        assert practice_endpoint.state["batches"] == []


class TestAWorkerThatIsGone:
    def test_leaves_what_it_filled_to_be_put_back(self, judge_at, ask, drain, noon):
        judge = judge_at()
        run = ask(judge, 3)
        with filled(run, noon) as (_, batch, _):
            assert states() == {"running": 6}

        drain(1)

        batch.refresh_from_db()
        assert (batch.state, JudgeBatch.objects.count()) == ("failed", 2)
        drain(1, start=noon + LATER)
        assert states() == {"answered": 6}

    def test_asks_for_no_second_batch_where_it_did_not_hear_of_the_first(
        self, judge_at, ask, drain, practice_endpoint
    ):
        practice_endpoint.behave(batch="unheard", batch_times=1)
        ask(judge_at(timeout=1), 3)

        drain(1)
        unheard = JudgeBatch.objects.get().state
        drain(3)

        assert (unheard, JudgeBatch.objects.get().state) == ("submitting", "completed")
        assert (len(practice_endpoint.state["batches"]), states()) == (1, {"answered": 6})

    def test_charges_for_a_batch_that_cannot_be_found(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch="unheard")
        judge = judge_at(timeout=1)
        run = ask(judge, 2)
        drain(1)
        reserved = JudgeRequest.objects.aggregate(n=Sum("reserved"))["n"]
        practice_endpoint.reset()
        runs.pause_run(run=run, user=None, now=noon)

        drain(1, start=noon + LATER)

        judge.refresh_from_db()
        assert JudgeBatch.objects.get().state == "lost"
        assert (judge.spent, judge.reserved) == (reserved, 0)
        assert set(JudgeRequest.objects.values_list("state", "tries", "n_lost")) == {
            ("queued", 1, 1)
        }

    @pytest.mark.parametrize(
        ("refused", "state"),
        [
            (Refused(Blame.ENDPOINT, "No connection", is_certain=True), "submitting"),
            (Refused(Blame.BUSY, "HTTP 429", is_certain=True, status=429), "submitting"),
            (Refused(Blame.SETTINGS, "HTTP 401", is_certain=True, status=401), "submitting"),
            (Refused(Blame.SETTINGS, "HTTP 404", is_certain=True, status=404), "lost"),
            (Refused(Blame.REQUEST, "HTTP 405", is_certain=True, status=405), "lost"),
            (Refused(Blame.ENDPOINT, "HTTP 501", status=501), "lost"),
        ],
        ids=lambda one: one.detail if isinstance(one, Refused) else "",
    )
    def test_is_looked_for_while_the_endpoint_may_yet_list_it(
        self, refused, state, judge_at, ask, noon
    ):
        with filled(ask(judge_at(), 1), noon) as (worker, batch, _):
            submitting.moved(batch, "filling", "submitting", submitted_at=noon)

        worker.line, worker.clock = Refusing(refused), lambda: noon + LATER
        submitting.recover(worker, batch)

        batch.refresh_from_db()
        assert batch.state == state
        assert refused.detail in batch.error

    def test_gives_a_batch_up_that_is_not_over_after_two_days(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(batch_seconds=10**6)
        run = ask(judge_at(), 1)
        drain(1)
        runs.pause_run(run=run, user=None, now=noon)

        drain(1, start=noon + 2 * DAY + LATER)

        assert JudgeBatch.objects.get().state == "lost"
        assert states() == {"queued": 2}

    @pytest.mark.slow
    def test_leaves_every_request_to_be_answered_once(
        self, judge_at, ask, drain, practice_endpoint
    ):
        practice_endpoint.behave(batch="unheard", batch_times=1)
        judge = judge_at(timeout=60)
        ask(judge, 60)
        kill_when(start_worker(), lambda: practice_endpoint.state["batches"])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE judge_batch SET poll_at = now()")  # without the wait
        kill_when(start_worker(), lambda: states()["answered"] > 10)

        requests.answer_next(now=database_now() + LATER)

        judge.refresh_from_db()
        usable = JudgeAnswer.objects.filter(status="usable")
        assert len(practice_endpoint.state["batches"]) == JudgeBatch.objects.count() == 1
        assert states() == {"answered": 120}
        assert usable.count() == len(set(usable.values_list("request", flat=True))) == 120
        assert Judgment.objects.count() == 60
        assert judge.reserved == 0
        assert judge.spent == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"]


def start_worker():
    return subprocess.Popen(
        [sys.executable, "-c", WORK, connection.settings_dict["NAME"]],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
    )


def kill_when(worker, is_so):
    while not is_so() and worker.poll() is None:
        time.sleep(0.01)
    worker.kill()
    worker.wait()


class TestTwoWorkers:
    def test_send_and_book_every_request_once(self, judge_at, ask, noon, practice_endpoint):
        judge = judge_at()
        ask(judge, 10)

        for now in (noon, noon + LATER):
            with ThreadPoolExecutor(2) as threads:
                list(threads.map(closing, [now, now]))

        judge.refresh_from_db()
        assert (states(), JudgeAnswer.objects.count()) == ({"answered": 20}, 20)
        sizes = JudgeBatch.objects.values_list("n_requests", flat=True)
        assert len(practice_endpoint.state["batches"]) == len(sizes)
        assert (sum(sizes), judge.reserved) == (20, 0)


def closing(now):
    try:
        requests.answer_next(now=now)
    finally:
        connection.close()


class TestBesideCalls:
    def test_holds_up_no_single_call(self, judge_at, ask, noon, monkeypatch):
        monkeypatch.setattr(line, "FILE_SECONDS", 30.0)
        with deaf_server() as deaf:
            ask(judge_at(endpoint={"base_url": deaf.url}), 1)
            calls = ask(judge_at(), 2, by_batch=False)

            def is_stopping():
                is_over = deaf.held and calls.requests.filter(state="answered").count() == 4
                if is_over:
                    deaf.hang_up()
                return bool(is_over)

            requests.answer_next(now=noon, is_stopping=is_stopping)

        assert set(calls.requests.values_list("state", flat=True)) == {"answered"}
        assert JudgeRun.objects.exclude(pk=calls.pk).get().batch_error.startswith("No answer")
