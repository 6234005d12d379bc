from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import JudgeState, OrderPolicy, ProjectState, RunPurpose
from annotation.models import AuditEvent, Judge, JudgeRequest, JudgeRun
from annotation.selectors.judge_runs import Among, left_to_ask
from annotation.services.judges import runs

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(noon):
    def ask(judge, *comparisons, purpose=RunPurpose.RUN):
        return runs.ask_judge(
            judge=judge,
            comparison_ids=[comparison.pk for comparison in comparisons],
            purpose=purpose,
            user=None,
            now=noon,
        )

    return ask


class TestAskJudge:
    def test_asks_in_both_orders_and_every_sample(self, make_judge, make_comparison, ask):
        comparison = make_comparison(texts=["a", "b", "c"])

        run = ask(make_judge(n_samples=2), comparison)

        rows = JudgeRequest.objects.filter(run=run).order_by("order", "sample")
        asked = [(row.order, row.sample) for row in rows]
        first, second = rows[0].shown_order, rows[2].shown_order
        assert asked == [(0, 0), (0, 1), (1, 0), (1, 1)]
        assert (first[::-1], sorted(first)) == (second, comparison.response_ids)
        assert (run.n_requests, run.n_comparisons) == (4, 1)

    def test_asks_once_where_one_order_is_wanted(self, make_judge, make_comparison, ask):
        run = ask(make_judge(order_policy=OrderPolicy.ONE), make_comparison())

        assert run.n_requests == 1

    def test_shows_each_side_first_about_as_often(self, make_judge, make_comparison, ask):
        run = ask(make_judge(), *(make_comparison() for _ in range(100)))

        rows = JudgeRequest.objects.filter(run=run, order=0)
        shown = Counter(row.shown_order == sorted(row.shown_order) for row in rows)
        assert 30 <= shown[True] <= 70

    def test_skips_what_was_asked(self, make_judge, make_comparison, ask):
        judge, old, new = make_judge(), make_comparison(), make_comparison()
        ask(judge, old)

        again, both = ask(judge, old), ask(judge, old, new)

        assert (again.n_requests, again.state) == (0, "done")
        assert (both.number, both.n_requests, both.state) == (3, 2, "running")

    def test_asks_anew_what_was_cancelled(self, make_judge, make_comparison, ask, noon):
        judge, comparison = make_judge(), make_comparison()
        runs.cancel_run(run=ask(judge, comparison), user=None, now=noon)

        run = ask(judge, comparison)

        assert set(JudgeRequest.objects.values_list("run", "state")) == {(run.pk, "queued")}

    def test_leaves_to_ask_what_was_cancelled_in_part_only(
        self, make_judge, make_comparison, ask, noon
    ):
        judge, done, half = make_judge(), make_comparison(), make_comparison()
        ask(judge, done)
        run = ask(judge, half)
        JudgeRequest.objects.filter(run=run, order=0).update(state="answered")
        runs.cancel_run(run=run, user=None, now=noon)

        left = list(left_to_ask(judge, Among.ALL))
        again = ask(judge, *left)

        assert left == [half]
        assert again.n_requests == 1

    def test_keeps_a_trial_apart(self, make_judge, make_comparison, ask):
        judge, comparison = make_judge(), make_comparison()
        ask(judge, comparison, purpose=RunPurpose.TRIAL)

        ask(judge, comparison)

        assert Counter(JudgeRequest.objects.values_list("is_trial", flat=True)) == {
            True: 2,
            False: 2,
        }

    def test_refuses_a_trial_on_many(self, make_judge, make_comparison, ask):
        with pytest.raises(InvalidField, match="at most 20"):
            ask(make_judge(), *(make_comparison() for _ in range(21)), purpose=RunPurpose.TRIAL)

    def test_refuses_nothing_and_what_is_not_of_the_project(
        self, make_judge, make_project, make_comparison, ask
    ):
        with pytest.raises(InvalidField):
            ask(make_judge())
        with pytest.raises(NotFound):
            ask(make_judge(), make_comparison(project=make_project()))

    @pytest.mark.parametrize("state", set(JudgeState) - {JudgeState.ACTIVE})
    def test_refuses_a_judge_that_is_not_active(self, state, make_judge, make_comparison, ask):
        with pytest.raises(runs.JudgeNotAsked, match=state):
            ask(make_judge(state=state), make_comparison())

    def test_refuses_an_archived_project(self, make_judge, make_comparison, project, ask):
        project.state = ProjectState.ARCHIVED
        project.save()

        with pytest.raises(runs.JudgeNotAsked, match="archived"):
            ask(make_judge(), make_comparison())


class TestAskJudges:
    def ask(self, judges, comparisons, now):
        return runs.ask_judges(
            judge_ids=[judge.pk for judge in judges],
            comparison_ids=[comparison.pk for comparison in comparisons],
            now=now,
        )

    def test_keeps_one_run_open_per_judge(self, make_judge, make_comparison, noon):
        judge = make_judge()

        added = [self.ask([judge], [make_comparison()], noon) for _ in range(2)]

        run = JudgeRun.objects.get()
        assert (added, run.purpose, run.n_requests) == ([2, 2], "routing", 4)

    def test_adds_nothing_twice(self, make_judge, make_comparison, noon):
        judge, comparison = make_judge(), make_comparison()

        assert [self.ask([judge], [comparison], noon) for _ in range(2)] == [2, 0]

    def test_spares_a_judge_its_own_family_where_another_can_judge(
        self, make_judge, make_comparison, noon
    ):
        comparison = make_comparison()
        comparison.item.responses.filter(position=0).update(model_name="gpt-4")
        own, other = make_judge(family="gpt"), make_judge(family="mistral")

        self.ask([own, other], [comparison], noon)

        assert set(JudgeRequest.objects.values_list("judge", flat=True)) == {other.pk}

    def test_asks_a_judge_about_its_own_family_where_there_is_no_other(
        self, make_judge, make_comparison, noon
    ):
        comparison = make_comparison()
        comparison.item.responses.update(model_name="gpt-4")

        assert self.ask([make_judge(family="gpt")], [comparison], noon) == 2

    def test_leaves_out_who_may_not_judge(self, make_judge, make_comparison, noon):
        suspended = make_judge(state=JudgeState.SUSPENDED)

        assert self.ask([suspended], [make_comparison()], noon) == 0


@pytest.mark.django_db(transaction=True)
class TestAskJudgesInParallel:
    def test_does_not_wait_for_answers_that_are_being_booked(
        self, make_judge, make_comparison, noon
    ):
        told = {
            "judge_ids": [make_judge().pk],
            "comparison_ids": [make_comparison().pk],
            "now": noon,
        }
        runs.ask_judges(**told)
        is_held, is_over = Event(), Event()

        def book():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT FROM judge_run FOR SHARE")
                cursor.execute("SELECT FROM judge_request FOR NO KEY UPDATE")
                is_held.set()
                is_over.wait(30)
            connection.close()

        with ThreadPoolExecutor(1) as worker:
            booked = worker.submit(book)
            is_held.wait(30)
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                    n_added = runs.ask_judges(**told)
            finally:
                is_over.set()
            booked.result()

        assert n_added == 0


class TestTurningARun:
    def test_pauses_and_resumes(self, make_judge, make_comparison, ask, noon):
        run = ask(make_judge(), make_comparison())

        paused = runs.pause_run(run=run, user=None, now=noon)
        resumed = runs.resume_run(run=run, user=None, now=noon)

        assert (paused.state, resumed.state) == ("paused", "running")
        assert AuditEvent.objects.filter(action="judge_run_state_set").count() == 2

    def test_cancels_what_waits_only(self, make_judge, make_comparison, ask, noon):
        run = ask(make_judge(), make_comparison())
        sent = run.requests.first()
        sent.state, sent.lease_token = "running", "00000000-0000-0000-0000-000000000001"
        sent.save()

        cancelled = runs.cancel_run(run=run, user=None, now=noon)

        states = sorted(run.requests.values_list("state", flat=True))
        assert (cancelled.state, cancelled.finished_at) == ("cancelled", noon)
        assert states == ["cancelled", "running"]

    def test_lets_cheaper_requests_go_on_once_a_dear_one_is_cancelled(
        self, make_judge, make_comparison, ask, noon
    ):
        judge = make_judge()
        run = ask(judge, make_comparison())
        Judge.objects.update(unaffordable=2_000_000)

        runs.cancel_run(run=run, user=None, now=noon)

        judge.refresh_from_db()
        assert judge.unaffordable == 0

    def test_leaves_a_run_that_is_over(self, make_judge, make_comparison, ask, noon):
        run = runs.cancel_run(run=ask(make_judge(), make_comparison()), user=None, now=noon)

        assert runs.cancel_run(run=run, user=None, now=noon).state == "cancelled"
        with pytest.raises(runs.RunOver, match="cancelled already"):
            runs.resume_run(run=run, user=None, now=noon)
