import json
import math
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from queue import SimpleQueue

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from annotation.domain.judges.patience import MOST_WAIT, OPENS_AT
from annotation.domain.vocabulary import MOST_TRIES, AnswerStatus, OrderPolicy, RunPurpose
from annotation.models import (
    Endpoint,
    Judge,
    JudgeAnswer,
    JudgeRequest,
    JudgeVerdict,
    Judgment,
)
from annotation.selectors.judge_requests import progress_of
from annotation.services import queue
from annotation.services.judges import (
    booking,
    configuring,
    leases,
    requests,
    runs,
    seats,
    taking,
)
from annotation.services.judges.lanes import Lane
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Call, Outcome, Ticket
from practice import server
from practice.behaviour import BODIES, MESSAGES

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(minutes=10)
# What can be read is a verdict; one that always names a side flips, which is no vote either.
READABLE = ("always-first", "always-second", "always-tie")
TURNED_AWAY = ("leaks-key",)  # until somebody repairs the endpoint's settings
KEY = "sk-practice/secret+0123456789"


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    """Leave what is due soon to the next drain: tests move the clock instead of waiting."""
    monkeypatch.setattr(requests, "PATIENCE", 0.0)


@pytest.fixture
def judge_at(make_judge, practice_endpoint):
    def judge_at(url=None, concurrency=8, timeout=20, **fields):
        endpoint = {
            "base_url": url or practice_endpoint.url,
            "max_concurrency": concurrency,
            "timeout_seconds": timeout,
            **fields.pop("endpoint", {}),
        }
        return make_judge(endpoint=endpoint, **fields)

    return judge_at


@pytest.fixture
def ask(make_comparison, noon):
    """Ask a judge about new comparisons: ask(judge, 5), or about given ones."""
    numbers = count(1)

    def ask(judge, n=1, comparisons=None, purpose=RunPurpose.RUN):
        if comparisons is None:
            comparisons = [
                make_comparison(texts=(f"one {next(numbers)}", "another and longer one"))
                for _ in range(n)
            ]
        return runs.ask_judge(
            judge=judge,
            comparison_ids=[comparison.pk for comparison in comparisons],
            purpose=purpose,
            user=None,
            now=noon,
        )

    return ask


@pytest.fixture
def drain(noon):
    """Drain until nothing is queued, ten minutes later each time: drain(times=1) drains once."""

    def drain(times=20, start=noon):
        for number in range(times):
            requests.answer_next(now=start + number * LATER)
            if not JudgeRequest.objects.filter(state="queued").exists():
                break

    return drain


def in_threads(*tasks):
    def closing(task):
        try:
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [future.result() for future in [threads.submit(closing, task) for task in tasks]]


def wait_until(is_so):
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw
        cursor.execute("""
            SELECT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
            )
        """)
        return cursor.fetchone()[0]


class SlowLine:
    """A line whose calls come back when they are let go."""

    def __init__(self):
        self.go, self.transport = threading.Event(), self

    def send(self, call):
        self.go.wait(10)
        return Outcome(call.ticket, AnswerStatus.USABLE)

    def close(self):
        pass


def call(number, until=math.inf):
    ticket = Ticket(number, uuid.uuid4(), 1, 1, number, 1, False, 0, 0, until=until)
    return Call(ticket, b"", None, None, False)


def states():
    return Counter(JudgeRequest.objects.values_list("state", flat=True))


class TestAnswering:
    def test_makes_one_judgment_of_both_orders(self, judge_at, ask, drain):
        judge = judge_at()
        run = ask(judge, 3)

        drain()

        run.refresh_from_db()
        assert states() == {"answered": 6}
        assert Judgment.objects.filter(annotator=judge.annotator).count() == 3
        assert (run.state, JudgeVerdict.objects.count()) == ("done", 3)

    def test_pays_for_every_call_what_its_tokens_cost(self, judge_at, ask, drain):
        judge = judge_at(price_in="2.5", price_out="10")
        ask(judge, 2)

        drain()

        judge.refresh_from_db()
        answers = JudgeAnswer.objects.all()
        assert judge.spent == sum(
            -(-(5 * answer.tokens_in + 20 * answer.tokens_out) // 2) for answer in answers
        )
        assert judge.spent == JudgeRequest.objects.aggregate(paid=Sum("cost"))["paid"]
        assert judge.reserved == 0

    def test_makes_no_judgment_of_a_trial(self, judge_at, ask, drain):
        run = ask(judge_at(), 2, purpose=RunPurpose.TRIAL)

        drain()

        run.refresh_from_db()
        verdicts = JudgeVerdict.objects.values_list("is_trial", "judgment")
        assert (run.state, set(verdicts)) == ("done", {(True, None)})

    def test_asks_about_rankings_of_many(self, judge_at, ask, drain, make_comparison):
        comparison = make_comparison(texts=["one", "two words", "a third one of five"])

        ask(judge_at(), comparisons=[comparison])
        drain()

        ranking = Judgment.objects.get().ranking
        assert sorted(pk for tier in ranking for pk in tier) == comparison.response_ids

    def test_leaves_a_paused_run_alone(self, judge_at, ask, drain, noon, practice_endpoint):
        run = ask(judge_at(), 2)
        runs.pause_run(run=run, user=None, now=noon)

        drain(times=1)

        assert (states(), practice_endpoint.requests) == ({"queued": 4}, 0)

    @pytest.mark.parametrize("state", ["paused", "suspended"])
    def test_leaves_a_judge_alone_that_is(self, state, judge_at, ask, drain, practice_endpoint):
        judge = judge_at()
        ask(judge, 1)
        Judge.objects.update(state=state)

        drain(times=1)

        assert (states(), practice_endpoint.requests) == ({"queued": 2}, 0)

    def test_takes_a_trial_before_a_long_run(self, judge_at, ask, noon):
        judge = judge_at(concurrency=1)
        ask(judge, 5)
        trial = ask(judge, 1, purpose=RunPurpose.TRIAL)

        requests.answer_next(now=noon, limit=2)

        assert set(JudgeRequest.objects.filter(state="answered").values_list("run", flat=True)) == {
            trial.pk
        }

    def test_stops_when_it_is_told_to(self, judge_at, ask, noon):
        ask(judge_at(), 3)

        done = requests.answer_next(now=noon, is_stopping=lambda: True)

        assert (done, states()) == (0, {"queued": 6})

    def test_tells_how_far_a_run_is(self, judge_at, ask, drain, noon):
        run = ask(judge_at(), 3)
        before = progress_of(run, noon)

        drain()

        after = progress_of(run, noon + timedelta(seconds=30))
        assert (before.n, before.n_over, before.by_state) == (6, 0, [("queued", 6)])
        assert (after.n_over, after.by_status) == (6, [("usable", 6)])
        assert after.tokens_in > 0 and after.seconds <= after.seconds_high
        assert after.cost == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"]
        assert (after.left, after.waits_for) == (None, "")


class TestTheCache:
    def test_pays_once_for_the_same_question(
        self, judge_at, ask, drain, make_comparison, practice_endpoint
    ):
        twins = [make_comparison(texts=("the same", "two answers")) for _ in range(6)]
        judge = judge_at()

        ask(judge, comparisons=twins)
        drain()

        cached = JudgeRequest.objects.filter(is_cached=True)
        assert practice_endpoint.requests == 2
        assert (cached.count(), cached.aggregate(paid=Sum("cost"))["paid"]) == (10, 0)
        assert JudgeAnswer.objects.count() == 2
        assert Judgment.objects.count() == 6

    def test_pays_once_with_two_workers(
        self, judge_at, ask, drain, make_comparison, practice_endpoint, noon
    ):
        practice_endpoint.behave(latency=0.1)
        ask(judge_at(), comparisons=[make_comparison(texts=("a", "b c")) for _ in range(8)])

        in_threads(*[lambda: requests.answer_next(now=noon)] * 2)
        drain()

        assert practice_endpoint.requests == 2
        assert states() == {"answered": 16}

    def test_answers_another_judge_of_the_same_configuration(
        self, judge_at, ask, drain, make_comparison, practice_endpoint
    ):
        comparison = make_comparison()
        for _ in range(2):
            ask(judge_at(), comparisons=[comparison])
            drain()

        assert practice_endpoint.requests == 2
        assert Judgment.objects.count() == 2

    def test_asks_another_model_anew(
        self, judge_at, ask, drain, make_comparison, practice_endpoint
    ):
        comparison = make_comparison()
        for name in ("practice-1", "practice-2"):
            ask(judge_at(model_name=name), comparisons=[comparison])
            drain()

        assert practice_endpoint.requests == 4


class TestAnswersThatAreNone:
    def test_never_become_votes(self, judge_at, ask, drain, make_comparison):
        modes = [m for m in (*MESSAGES, *BODIES) if m not in (*READABLE, *TURNED_AWAY)]
        for mode in modes:
            judge = judge_at(model_name=f"practice-{mode}", order_policy=OrderPolicy.ONE)
            ask(judge, comparisons=[make_comparison()])

        drain()

        assert Judgment.objects.exclude(outcome__in=["unsure", "unparsed"]).count() == 0
        assert states() == {"failed": len(modes)}
        assert set(JudgeRequest.objects.values_list("status", flat=True)) == {
            "malformed",
            "refused",
            "truncated",
            "filtered",
        }
        assert JudgeRequest.objects.filter(verdict__isnull=False).count() == 0

    def test_are_kept_each_and_tried_at_most_twice_again(self, judge_at, ask, drain):
        ask(judge_at(model_name="practice-garbage", order_policy=OrderPolicy.ONE))

        drain()

        request = JudgeRequest.objects.get()
        kept = [answer.raw for answer in request.answers.all()]
        assert (request.state, request.status, request.tries) == ("failed", "malformed", 3)
        assert len(kept) == 3
        assert all("Answer A is clearly the better one" in raw for raw in kept)

    def test_are_paid_for(self, judge_at, ask, drain):
        judge = judge_at(model_name="practice-refuses", order_policy=OrderPolicy.ONE)
        ask(judge)

        drain()

        judge.refresh_from_db()
        request = JudgeRequest.objects.get()
        assert (request.tries, request.status) == (2, "refused")
        assert judge.spent == request.cost > 0

    def test_cost_the_most_they_may_where_tokens_are_not_told(self, judge_at, ask, drain):
        judge = judge_at(model_name="practice-no-usage", order_policy=OrderPolicy.ONE)
        ask(judge)

        drain()

        judge.refresh_from_db()
        least = 3 * judge.max_tokens * judge.price_out
        assert judge.spent == JudgeRequest.objects.get().cost > least

    def test_give_nobody_the_key(self, judge_at, ask, drain, monkeypatch):
        monkeypatch.setenv("JUDGE_KEY_PRACTICE", KEY)
        judge = judge_at(
            model_name="practice-leaks-key", endpoint={"key_variable": "JUDGE_KEY_PRACTICE"}
        )
        run = ask(judge)

        drain(times=2)

        answer = JudgeAnswer.objects.first()
        assert "Incorrect API key provided: [key]" in answer.raw
        assert "[key]" in Endpoint.objects.get().last_error
        assert KEY not in everything_in("judge_answer", "judge_request", "endpoint", "audit_event")
        assert KEY not in json.dumps(progress_of(run).waits_for)


def everything_in(*tables):
    with connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f"SELECT coalesce(json_agg(t)::text, '') FROM {table} t")
            found.append(cursor.fetchone()[0])
    return "".join(found)


class TestAnEndpointThatFails:
    def test_is_left_alone_after_five_failures(self, judge_at, ask, noon, practice_endpoint):
        practice_endpoint.behave(mode="500")
        ask(judge_at(concurrency=1), 10)

        requests.answer_next(now=noon)

        endpoint = Endpoint.objects.get()
        assert practice_endpoint.requests == endpoint.n_failures == OPENS_AT
        assert endpoint.opened_until > noon
        assert endpoint.last_error.startswith("HTTP 500")

    def test_gets_one_call_to_prove_itself(self, judge_at, ask, noon, practice_endpoint):
        practice_endpoint.behave(mode="500")
        ask(judge_at(concurrency=4), 10)
        requests.answer_next(now=noon)
        before = practice_endpoint.requests

        requests.answer_next(now=noon + LATER)

        assert practice_endpoint.requests == before + 1

    def test_is_asked_again_by_itself_and_loses_no_request(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(mode="503")
        ask(judge_at(concurrency=4), 10)
        for hour in range(1, 3 * MOST_TRIES):
            requests.answer_next(now=noon + timedelta(hours=hour))
        practice_endpoint.behave(mode="fine")

        drain(start=noon + timedelta(days=2))

        assert states() == {"answered": 20}
        assert Endpoint.objects.filter(n_failures=0, opened_until=None, last_error="").exists()

    def test_holds_up_no_other_and_no_person(self, judge_at, ask, noon, ann):
        hanging = judge_at(model_name="practice-hangs", concurrency=2, timeout=8)
        dead = judge_at(url="http://127.0.0.1:9/v1", concurrency=2)
        fine = judge_at(concurrency=4)
        for judge, n in ((hanging, 1), (dead, 4), (fine, 15)):
            ask(judge, n)
        is_over = threading.Event()

        def work():
            in_threads(lambda: requests.answer_next(now=noon))
            is_over.set()

        threading.Thread(target=work).start()
        answered = JudgeRequest.objects.filter(judge=fine, state="answered")
        while answered.count() < 30 and not is_over.wait(0.1):
            pass
        running = JudgeRequest.objects.filter(judge=hanging, state="running").count()
        slot = queue.claim_slot(project_id=fine.project_id, annotator_id=ann.pk, now=noon)
        is_over.wait()

        assert (answered.count(), running) == (30, 2)
        assert slot is not None
        assert Endpoint.objects.get(judges=dead).n_failures >= 2

    def test_is_waited_for_as_long_as_it_says(self, judge_at, ask, noon, practice_endpoint):
        practice_endpoint.behave(mode="429", retry_after="30")
        ask(judge_at(concurrency=1), 3)

        requests.answer_next(now=noon)

        endpoint = Endpoint.objects.get()
        waits = endpoint.opened_until - noon
        assert timedelta(seconds=30) <= waits < timedelta(seconds=60)
        assert (practice_endpoint.requests, endpoint.n_failures) == (1, 1)
        assert set(JudgeRequest.objects.values_list("tries", flat=True)) == {0}

    @pytest.mark.parametrize("mode", ["429-huge", "429-date", "429-negative", "429-none", "529"])
    def test_is_never_waited_for_longer_than_two_minutes(self, mode, judge_at, ask, noon):
        ask(judge_at(concurrency=1, model_name=f"practice-{mode}"), 3)

        requests.answer_next(now=noon)

        most = noon + timedelta(seconds=2 * MOST_WAIT + 10)
        assert states() == {"queued": 6}
        assert Endpoint.objects.get().opened_until is None or (
            Endpoint.objects.get().opened_until < most
        )
        assert JudgeRequest.objects.filter(due_at__gt=most).count() == 0

    def test_gives_up_a_request_that_alone_fails(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(mode="500", share=0.5)
        ask(judge_at(concurrency=1, model_name="practice-1"), 1)
        poison = judge_at(concurrency=1, model_name="practice-400")
        ask(poison, 1)

        drain()

        given_up = JudgeRequest.objects.filter(judge=poison)
        assert set(given_up.values_list("state", "status", "tries")) == {
            ("failed", "unreachable", 2)
        }
        assert JudgeRequest.objects.filter(state="answered").count() == 2
        assert Judge.objects.get(pk=poison.pk).spent == 0

    @pytest.mark.parametrize("mode", ["drips", "hangs"])
    def test_has_its_seconds_and_no_more(self, mode, judge_at, ask, noon):
        judge = judge_at(timeout=1, concurrency=1, model_name=f"practice-{mode}")
        ask(judge, 1)

        requests.answer_next(now=noon, limit=1)

        answer = JudgeAnswer.objects.get()
        judge.refresh_from_db()
        assert answer.status == "unreachable"
        assert 0.5 < answer.seconds < 10
        assert judge.spent == answer.cost > 0
        assert JudgeRequest.objects.aggregate(n=Sum("n_lost"))["n"] == 1

    @pytest.mark.parametrize("mode", ["closes", "resets", "resets-after-headers", "cut-body"])
    def test_may_break_off_at_any_time(self, mode, judge_at, ask, drain, practice_endpoint):
        practice_endpoint.behave(mode=mode, times=3)
        ask(judge_at(concurrency=1), 2)

        drain()

        assert states() == {"answered": 4}

    def test_is_left_alone_where_its_key_is_missing(self, judge_at, ask, noon, practice_endpoint):
        ask(judge_at(endpoint={"key_variable": "JUDGE_KEY_NOWHERE"}))

        requests.answer_next(now=noon)

        endpoint = Endpoint.objects.get()
        assert practice_endpoint.requests == 0
        assert endpoint.opened_until > noon
        assert "JUDGE_KEY_NOWHERE is not set" in endpoint.last_error

    def test_is_not_followed_elsewhere(self, judge_at, ask, noon, practice_endpoint, elsewhere):
        ask(judge_at(url=elsewhere))

        requests.answer_next(now=noon)

        assert Endpoint.objects.get().last_error.startswith("HTTP 307")
        assert practice_endpoint.requests == 0
        assert states() == {"queued": 2}


@pytest.fixture
def elsewhere(practice_endpoint):
    """An endpoint that sends everybody to the practice endpoint."""

    class Redirect(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(307)
            self.send_header("Location", f"{practice_endpoint.url}/chat/completions")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *told):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


class TestTheBudget:
    def test_is_never_overrun(self, judge_at, ask, noon, practice_endpoint):
        judge = judge_at(concurrency=16, budget=20_000)
        run = ask(judge, 50)

        in_threads(*[lambda: requests.answer_next(now=noon)] * 3)

        judge.refresh_from_db()
        progress = progress_of(run, noon)
        assert 0 < judge.spent <= judge.budget
        assert judge.reserved == 0
        assert judge.spent == JudgeAnswer.objects.aggregate(paid=Sum("cost"))["paid"]
        assert practice_endpoint.requests == JudgeAnswer.objects.count() < 100
        assert progress.waits_for_money
        assert "budget does not suffice" in progress.waits_for

    def test_lets_the_rest_go_on_once_it_is_raised(self, judge_at, ask, drain, noon):
        judge = judge_at(budget=5_000)
        ask(judge, 10)
        requests.answer_next(now=noon)

        configuring.raise_budget(judge=judge, user=None, budget=Decimal(1), now=noon)
        drain(start=noon + LATER)

        assert states() == {"answered": 20}

    def test_of_nothing_is_enough_for_a_judge_that_costs_nothing(self, judge_at, ask, drain):
        ask(judge_at(budget=0, price_in=0, price_out=0), 2)

        drain()

        assert states() == {"answered": 4}

    @pytest.mark.slow
    def test_for_a_hundred_calls_holds_against_a_thousand(
        self, judge_at, ask, drain, noon, practice_endpoint, make_comparison
    ):
        judge = judge_at(concurrency=64, budget=100_000)
        comparisons = [make_comparison(texts=(f"{n} is short", f"{n} is long")) for n in range(500)]
        run = ask(judge, comparisons=comparisons)
        assert run.n_requests == 1000

        in_threads(*[lambda: requests.answer_next(now=noon)] * 4)

        judge.refresh_from_db()
        charged = JudgeAnswer.objects.aggregate(paid=Sum(F("tokens_in") * 1 + F("tokens_out") * 2))[
            "paid"
        ]
        assert charged == judge.spent <= judge.budget
        assert practice_endpoint.requests == JudgeAnswer.objects.count() < 1000
        assert states()["queued"] > 500

        again = judge_at(concurrency=64, budget=0)
        answered = JudgeRequest.objects.filter(state="answered").values_list(
            "comparison", flat=True
        )
        sent = practice_endpoint.requests
        whole = [pk for pk, n in Counter(answered).items() if n == 2]
        asked = [comparison for comparison in comparisons if comparison.pk in whole]
        ask(again, comparisons=asked)
        drain(start=noon + LATER)
        again.refresh_from_db()
        assert (practice_endpoint.requests, again.spent) == (sent, 0)
        assert JudgeRequest.objects.filter(judge=again, is_cached=True).count() == 2 * len(asked)


class TestSeveralWorkers:
    def test_never_send_more_at_once_than_an_endpoint_allows(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        practice_endpoint.behave(latency=0.02)
        judge = judge_at(concurrency=3)
        ask(judge, 30)

        in_threads(*[lambda: requests.answer_next(now=noon)] * 4)
        drain()

        state = practice_endpoint.state
        assert state["peak"] == 3
        assert state["n_requests"] == 60
        assert states() == {"answered": 60}
        assert Judgment.objects.count() == 30

    def test_share_the_seats_of_one_that_is_busy(
        self, judge_at, ask, noon, practice_endpoint, monkeypatch
    ):
        monkeypatch.setattr(requests, "PATIENCE", 5.0)
        practice_endpoint.behave(latency=0.05)
        ask(judge_at(concurrency=2), 40)

        n_done = in_threads(*[lambda: requests.answer_next(now=noon)] * 2)

        assert min(n_done) > 0
        assert sum(n_done) == 80
        assert practice_endpoint.state["peak"] == 2

    def test_count_each_other_and_are_gone_with_their_connection(self):
        def entered():
            return seats.enter(endpoint_id=1), seats.share_of(endpoint_id=1, n_seats=7)

        with ThreadPoolExecutor(1) as other:
            own = seats.enter(endpoint_id=1)
            theirs = other.submit(entered).result()
            shared = seats.share_of(endpoint_id=1, n_seats=7)
            other.submit(lambda: connection.close()).result()

        wait_until(lambda: seats.share_of(endpoint_id=1, n_seats=7) == 7)
        seats.give_seats(endpoint_id=1, numbers=own)
        assert (theirs[0] != own, theirs[1], shared) == (True, 4, 4)


class TestALane:
    def test_lets_threads_leave_when_seats_are_given_up(self):
        lane = Lane(SlowLine(), SimpleQueue())
        lane.seats, lane.places = [1, 2, 3], []
        lane.is_shut = False
        lane.put([call(number) for number in range(3)])

        busy = lane.keep(1, range(1, 4))
        lane.line.go.set()
        for _ in range(3):
            lane.results.get(timeout=10)
        for thread in lane.threads.values():
            thread.join(0 if thread is lane.threads[1] else 10)

        assert busy == []
        assert (sorted(lane.keep(1, range(1, 4))), lane.seats, lane.n_seats) == ([2, 3], [1], 1)
        lane.check()
        lane.close()
        lane.join()

    def test_leaves_the_seats_that_an_endpoint_has_no_more_and_hands_back_what_lies_ready(self):
        lane = Lane(SlowLine(), SimpleQueue())
        lane.seats = [3]
        lane.put([call(number) for number in range(3)])
        wait_until(lambda: lane.ready.qsize() == 2)

        lane.keep(1, range(1, 3))

        lane.line.go.set()
        came = [lane.results.get(timeout=10) for _ in range(3)]
        lane.threads[3].join(10)
        assert Counter(type(one) for one in came) == {Ticket: 2, Outcome: 1}
        assert (lane.keep(1, range(1, 3)), lane.seats, lane.room) == ([3], [], -3)

    def test_sits_down_on_the_seats_that_are_left_to_send_what_lies_ready(self):
        lane = Lane(SlowLine(), SimpleQueue())
        lane.seats = [3]
        lane.put([call(number) for number in range(3)])
        wait_until(lambda: lane.ready.qsize() == 2)
        lane.seats.append(1)

        lane.keep(1, range(1, 3))

        lane.line.go.set()
        came = [lane.results.get(timeout=10) for _ in range(3)]
        assert {type(one) for one in came} == {Outcome}
        lane.close()
        lane.join()

    def test_hands_back_what_has_lain_ready_too_long(self):
        lane = Lane(SlowLine(), SimpleQueue())
        lane.seats = [1]
        lane.line.go.set()

        lane.put([call(1, until=0.0)])

        assert isinstance(lane.results.get(timeout=10), Ticket)
        lane.close()
        lane.join()

    def test_goes_the_new_way_once_the_endpoint_has_moved(
        self, judge_at, ask, noon, practice_endpoint
    ):
        practice_endpoint.behave(latency=0.05)
        judge = judge_at(concurrency=1)
        ask(judge, 20)

        with server.start() as moved, ThreadPoolExecutor(1) as worker:
            drained = worker.submit(requests.answer_next, now=noon)
            wait_until(lambda: practice_endpoint.requests > 2)
            Endpoint.objects.update(base_url=moved.url)
            n_done = drained.result()
            worker.submit(lambda: connection.close()).result()

            assert n_done == 40
            assert practice_endpoint.requests + moved.requests == 40
            assert moved.requests > 0

    def test_is_shut_while_the_key_of_its_endpoint_is_gone(
        self, judge_at, ask, noon, practice_endpoint
    ):
        practice_endpoint.behave(latency=0.05)
        judge = judge_at(concurrency=1)
        ask(judge, 20)

        with ThreadPoolExecutor(1) as worker:
            drained = worker.submit(requests.answer_next, now=noon)
            wait_until(lambda: practice_endpoint.requests > 2)
            Endpoint.objects.update(key_variable="JUDGE_KEY_OF_NOBODY")
            drained.result()
            worker.submit(lambda: connection.close()).result()
        sent = practice_endpoint.requests
        requests.answer_next(now=noon)

        endpoint = Endpoint.objects.get()
        assert (practice_endpoint.requests, states()["running"]) == (sent, 0)
        assert states()["queued"] > 0
        assert "JUDGE_KEY_OF_NOBODY" in endpoint.last_error


class TestALease:
    def take(self, judge, now):
        return taking.take(
            endpoint=judge.endpoint, limit=1, project_id=None, library=Library(), now=now
        )

    def test_that_ended_is_charged_for_and_taken_again(self, judge_at, ask, drain, noon):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        ask(judge)
        lost = self.take(judge, noon).calls[0].ticket

        drain(start=noon + LATER)

        request = JudgeRequest.objects.get()
        judge.refresh_from_db()
        answers = Counter(request.answers.values_list("status", flat=True))
        assert (request.state, request.tries, request.n_lost) == ("answered", 1, 1)
        assert answers == {"usable": 1, "unreachable": 1}
        assert judge.spent == request.cost > lost.reserved
        assert judge.reserved == 0

    def test_that_ended_lets_no_late_answer_in_but_keeps_it(
        self, judge_at, ask, drain, noon, practice_endpoint
    ):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        ask(judge)
        call = self.take(judge, noon).calls[0]
        leases.book_expired(library=Library(), now=noon + LATER)
        line = requests.Line(judge.endpoint.base_url, "", 5.0)

        n_booked = booking.book(
            outcomes=[line.send(call)], library=Library(), in_hand=(), now=noon + LATER
        )
        before = JudgeRequest.objects.get().state
        drain(start=noon + 2 * LATER)

        request = JudgeRequest.objects.get()
        assert (n_booked, before) == (0, "queued")
        assert (request.state, request.is_cached) == ("answered", True)
        assert practice_endpoint.requests == 1

    def test_ends_for_good_after_its_tries(self, judge_at, ask, noon):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        ask(judge)

        for number in range(MOST_TRIES):
            start = noon + 2 * number * LATER
            assert self.take(judge, start).calls
            leases.book_expired(library=Library(), now=start + LATER)

        request = JudgeRequest.objects.get()
        assert (request.state, request.status) == ("failed", "unreachable")
        assert JudgeVerdict.objects.count() == 1
        assert Judgment.objects.exclude(outcome="unsure").count() == 0

    def test_of_a_cancelled_run_is_not_taken_again(self, judge_at, ask, drain, noon):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        run = ask(judge)
        self.take(judge, noon)
        runs.cancel_run(run=run, user=None, now=noon)

        drain(start=noon + LATER)

        assert states() == {"cancelled": 1}

    def test_handed_back_while_its_run_is_cancelled_is_not_taken_again(self, judge_at, ask, noon):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        run = ask(judge)
        ticket = self.take(judge, noon).calls[0].ticket

        with ThreadPoolExecutor(1) as worker:
            with transaction.atomic():
                runs.cancel_run(run=run, user=None, now=noon)
                handed = worker.submit(leases.hand_back, tickets=[ticket])
                wait_until(lambda: somebody_waits() or handed.done())
            handed.result()
            worker.submit(lambda: connection.close()).result()

        judge.refresh_from_db()
        assert states() == {"cancelled": 1}
        assert judge.reserved == 0

    def test_is_fenced_by_its_token(self, judge_at, ask, noon):
        judge = judge_at(order_policy=OrderPolicy.ONE)
        ask(judge)
        call = self.take(judge, noon).calls[0]
        JudgeRequest.objects.update(lease_token=uuid.uuid4())
        line = requests.Line(judge.endpoint.base_url, "", 5.0)

        booking.book(outcomes=[line.send(call)], library=Library(), in_hand=(), now=noon)

        assert states() == {"running": 1}
