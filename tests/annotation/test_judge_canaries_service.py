from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from annotation.domain.errors import InvalidField
from annotation.domain.judges.attacks import BY_NAME
from annotation.domain.vocabulary import JudgeState, OrderPolicy, RunPurpose
from annotation.models import (
    AuditEvent,
    CanaryCheck,
    Judge,
    JudgeAnswer,
    JudgeCanary,
    JudgeRequest,
    JudgeVerdict,
    Judgment,
)
from annotation.selectors import judge_canaries, judge_estimates, judge_figures
from annotation.services.judges import canaries, configuring, requests, runs, taking
from annotation.services.judges.canaries import CheckUnderWay
from annotation.services.judges.material import Library
from annotation.services.judges.runs import JudgeNotAsked

pytestmark = pytest.mark.django_db(transaction=True)
SUBJECTS = ("rivers", "mountains", "violins", "harvests", "planets", "bridges", "glaciers")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(requests, "PATIENCE", 0.0)


@pytest.fixture
def items(make_comparison):
    """Comparisons whose answers take up the words of their own prompts, and of no other."""
    return [
        make_comparison(
            prompt=f"Describe {subject}.",
            texts=(f"Describe {subject} we do.", f"Of {subject} we describe much."),
        )
        for subject in SUBJECTS
    ]


@pytest.fixture
def judge_at(make_judge, practice_endpoint, items):
    def judge_at(obedience=0.0, **fields):
        practice_endpoint.behave(rule="overlap", obedience=obedience)
        endpoint = {"base_url": practice_endpoint.url, "timeout_seconds": 20}
        return Judge.objects.get(pk=make_judge(endpoint=endpoint, **fields).pk)

    return judge_at


@pytest.fixture
def check(noon):
    """Check a judge and drain: check(judge, 50) gives what was found.

    Equal questions wait for one another's answers, so there are several drains.
    """

    def check(judge, n=20):
        run = canaries.check_judge(judge=judge, n=n, user=None, now=noon)
        for minutes in range(5):
            requests.answer_next(now=noon + timedelta(minutes=minutes))
            if not judge_canaries.is_under_way(judge):
                break
        judge.refresh_from_db()
        return judge_canaries.check_of(judge, run.number)

    return check


class TestACheck:
    def test_finds_that_an_honest_judge_loses_none(self, judge_at, check):
        judge = judge_at()

        found = check(judge, 100)

        told = found.findings
        assert (told.attacked.n_answered, told.attacked.n_lost) == (100, 0)
        assert (told.controls.n_answered, told.controls.n_lost) == (100, 0)
        assert len(told.by_kind) >= 10
        assert (judge.state, found.check.suspended, found.run.state) == ("active", False, "done")

    def test_suspends_a_judge_that_obeys_texts(self, judge_at, check):
        judge = judge_at(obedience=0.5)

        found = check(judge, 50)

        assert found.findings.attacked.share > 0.1
        assert found.findings.controls.n_lost == 0
        assert (judge.state, found.check.suspended) == (JudgeState.SUSPENDED, True)
        assert "orders in texts win it over" in judge.state_reason
        assert AuditEvent.objects.filter(action="judge_suspended").count() == 1
        assert judge_canaries.suspended_judges(judge.project) == [judge]

    def test_tells_a_judge_that_judges_badly_from_one_that_obeys(
        self, judge_at, check, practice_endpoint
    ):
        judge = judge_at()
        practice_endpoint.behave(mode="always-first")

        found = check(judge)

        assert found.findings.attacked.share == found.findings.controls.share == 1.0
        assert judge.state == JudgeState.ACTIVE

    def test_suspends_nobody_for_a_few(self, judge_at, check):
        judge = judge_at(obedience=1.0)

        found = check(judge)

        assert found.findings.obeys
        assert judge.state == JudgeState.ACTIVE

    def test_counts_malformed_answers_and_tells_nothing_by_them(
        self, judge_at, check, practice_endpoint, noon
    ):
        judge = judge_at()
        practice_endpoint.behave(mode="refuses-in-words")
        run = canaries.check_judge(judge=judge, n=10, user=None, now=noon)

        for hours in range(4):
            requests.answer_next(now=noon + timedelta(hours=hours))

        found = judge_canaries.check_of(judge, run.number).findings
        assert (found.attacked.n_asked, found.attacked.n_answered) == (10, 0)
        assert found.unusable == {"attacked": {"malformed": 20}, "controls": {"malformed": 20}}
        assert judge_canaries.unchecked([judge]) == [judge]

    def test_is_no_vote_and_in_no_figure(self, judge_at, check):
        judge = judge_at(price_in="1", price_out="1")

        check(judge)

        figures = judge_figures.figures_of(judge)
        assert Judgment.objects.count() == JudgeVerdict.objects.count() == 0
        assert (figures.usage.n_answers, figures.usage.n_comparisons) == (0, 0)
        assert (figures.usage.spent, [figure.n for _, figure in figures.habits]) == (0, [0, 0])
        assert judge.spent > 0

    def test_asks_what_it_asks_of_comparisons_all_the_same(self, judge_at, check, items, noon):
        judge = judge_at()
        check(judge)

        runs.ask_judge(
            judge=judge,
            comparison_ids=[one.pk for one in items],
            purpose=RunPurpose.TRIAL,
            user=None,
            now=noon,
        )
        requests.answer_next(now=noon)

        assert JudgeVerdict.objects.filter(is_trial=True).count() == len(items)
        assert judge_figures.figures_of(judge).usage.n_answers == 2 * len(items)

    def test_costs_about_what_was_estimated(self, judge_at, check):
        judge = judge_at(price_in="1", price_out="1")
        estimate = judge_estimates.estimate_of_check(judge, 20)

        check(judge)

        assert estimate.n_requests == JudgeRequest.objects.count() == 80
        assert float(judge.spent) / 1e6 < estimate.worst
        assert 0.4 < float(judge.spent) / 1e6 / float(estimate.expected) < 2.5

    def test_never_exceeds_the_budget(self, judge_at, check):
        judge = judge_at(price_in="1", price_out="1", budget=20_000)

        run = check(judge).run

        assert 0 < judge.spent <= 20_000
        assert JudgeRequest.objects.filter(run=run, state="queued").exists()
        assert judge_canaries.is_under_way(judge)

    def test_asks_in_one_order_where_the_judge_does(self, judge_at, check):
        judge = judge_at(order_policy=OrderPolicy.ONE)

        found = check(judge)

        rows = JudgeRequest.objects.select_related("canary")
        first = Counter(row.shown_order[0] == row.canary.good_id for row in rows)
        assert found.findings.attacked.n_answered == 20
        assert first == {True: 20, False: 20}

    def test_draws_other_canaries_each_time(self, judge_at, check, practice_endpoint):
        judge = judge_at()
        check(judge)
        before = practice_endpoint.requests

        check(judge)

        drawn = JudgeCanary.objects.values_list("run", "comparison", "good", "foreign", "attack")
        first, second = (
            {row[1:] for row in drawn if row[0] == run} for run in {r[0] for r in drawn}
        )
        assert first != second
        assert practice_endpoint.requests > before

    def test_takes_the_cached_answer_of_the_same_question(
        self, make_judge, make_comparison, practice_endpoint, check
    ):
        for subject in SUBJECTS[:2]:  # in eight pairs of answers only
            make_comparison(prompt=f"Describe {subject}.", texts=(subject, f"Of {subject}"))

        check(make_judge(endpoint={"base_url": practice_endpoint.url, "timeout_seconds": 20}))

        answers = JudgeAnswer.objects.filter(status="usable")
        cached = JudgeRequest.objects.filter(is_cached=True).count()
        assert cached > 0
        assert answers.count() + cached == JudgeRequest.objects.count()


class TestAWorker:
    def take(self, judge, now, limit=1_000):
        endpoint = judge.endpoint
        return taking.take(
            endpoint=endpoint, limit=limit, project_id=None, library=Library(), now=now
        )

    def test_shows_the_attack_on_the_worse_answer_and_the_same_without_it(self, judge_at, noon):
        judge = judge_at()
        run = canaries.check_judge(judge=judge, n=30, user=None, now=noon)
        rows = {row.pk: row for row in run.requests.select_related("canary__foreign")}

        calls = self.take(judge, noon).calls

        for call in calls:
            canary = rows[call.ticket.request_id].canary
            place = rows[call.ticket.request_id].shown_order.index(canary.foreign_id)
            worse, plain = call.asked.answers[place], canary.foreign.content
            text = BY_NAME[canary.attack].text("AB"[place], "BA"[place]) if canary.attack else ""
            assert call.asked.answers[1 - place] != plain
            assert plain[0]["text"] in worse[0]["text"]
            assert len(worse[0]["text"]) == len(plain[0]["text"]) + len(text) + 2 * bool(text)
            assert text in worse[0]["text"]
        assert {bool(rows[call.ticket.request_id].canary.attack) for call in calls} == {True, False}

    def test_that_is_killed_leaves_each_to_be_answered_once(self, judge_at, noon):
        judge = judge_at(price_in="1", price_out="1")
        run = canaries.check_judge(judge=judge, n=20, user=None, now=noon)
        n_lost = len(self.take(judge, noon, limit=8).calls)

        for hours in range(1, 5):
            requests.answer_next(now=noon + timedelta(hours=hours))

        judge.refresh_from_db()
        usable = JudgeAnswer.objects.filter(status="usable").values_list("request", flat=True)
        assert Counter(run.requests.values_list("state", flat=True)) == {"answered": 80}
        assert len(usable) == len(set(usable))
        assert sum(run.requests.values_list("n_lost", flat=True)) == n_lost > 0
        assert judge.spent == sum(JudgeAnswer.objects.values_list("cost", flat=True))
        assert judge_canaries.check_of(judge, run.number).findings.attacked.n_answered == 20


class TestASuspendedJudge:
    def test_is_asked_nothing_until_an_admin_activates_it(
        self, judge_at, check, items, noon, practice_endpoint, ann
    ):
        judge = judge_at(obedience=1.0)
        run = runs.ask_judge(
            judge=judge, comparison_ids=[items[0].pk], purpose=RunPurpose.RUN, user=None, now=noon
        )
        runs.pause_run(run=run, user=None, now=noon)
        check(judge, 50)
        runs.resume_run(run=run, user=None, now=noon)

        requests.answer_next(now=noon)

        assert set(run.requests.values_list("state", flat=True)) == {"queued"}
        configuring.set_judge_state(judge=judge, user=None, state=JudgeState.ACTIVE, now=noon)
        requests.answer_next(now=noon)
        assert set(run.requests.values_list("state", flat=True)) == {"answered"}
        assert AuditEvent.objects.filter(action="judge_state_set").count() == 1

    def test_can_be_checked_again_and_stays_suspended(self, judge_at, check, practice_endpoint):
        judge = judge_at(obedience=1.0)
        check(judge, 50)
        practice_endpoint.behave(obedience=0.0)

        again = check(judge, 50)

        assert again.findings.attacked.n_answered == 50
        assert judge.state == JudgeState.SUSPENDED


class TestCheckJudge:
    @pytest.mark.parametrize("n", [0, 9, 1_001])
    def test_refuses_too_few_and_too_many(self, judge_at, noon, n):
        with pytest.raises(InvalidField):
            canaries.check_judge(judge=judge_at(), n=n, user=None, now=noon)

    @pytest.mark.parametrize("state", [JudgeState.PAUSED, JudgeState.RETIRED])
    def test_refuses_a_judge_that_is_not_asked(self, judge_at, noon, state):
        with pytest.raises(JudgeNotAsked):
            canaries.check_judge(judge=judge_at(state=state), n=50, user=None, now=noon)

    def test_needs_two_prompts(self, make_judge, make_comparison, noon):
        make_comparison()
        make_comparison()

        with pytest.raises(InvalidField, match="two different prompts"):
            canaries.check_judge(judge=make_judge(), n=50, user=None, now=noon)

        assert not CanaryCheck.objects.exists()

    def test_starts_one_of_two_at_once(self, judge_at, noon):
        judge = judge_at()

        def start(_):
            try:
                return canaries.check_judge(judge=judge, n=10, user=None, now=noon).number
            except CheckUnderWay:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            started = list(threads.map(start, range(4)))

        assert sorted(started, key=str) == [1, None, None, None]

    def test_tells_what_a_cancelled_check_had_found(self, judge_at, noon):
        judge = judge_at()
        run = canaries.check_judge(judge=judge, n=20, user=None, now=noon)
        requests.answer_next(now=noon, limit=30)

        runs.cancel_run(run=run, user=None, now=noon)
        requests.answer_next(now=noon)

        told = judge_canaries.check_of(judge, run.number)
        assert 0 < told.findings.attacked.n_asked < 20
        assert told.run.state == "cancelled"


class TestConcludingChecks:
    def test_happens_once_however_many_do_it(self, judge_at, noon):
        judge = judge_at()
        canaries.check_judge(judge=judge, n=20, user=None, now=noon)
        JudgeRequest.objects.update(state="failed", status="malformed")

        def conclude(_):
            try:
                return canaries.conclude_checks(now=noon)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            concluded = sum(threads.map(conclude, range(4)))

        assert concluded == 1


class TestTheDatabase:
    @pytest.mark.parametrize("wrong", [{"comparison_id": 1}, {"is_trial": False}])
    def test_keeps_canaries_from_counting(self, judge_at, items, noon, wrong):
        canaries.check_judge(judge=judge_at(), n=10, user=None, now=noon)
        wrong = {"comparison_id": items[0].pk} if "comparison_id" in wrong else wrong

        with pytest.raises(IntegrityError, match="judge_request_of_comparison_or_canary"):
            JudgeRequest.objects.update(**wrong)
