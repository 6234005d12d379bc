from datetime import timedelta

import pytest

from annotation.domain.vocabulary import RunPurpose
from annotation.models import JudgeRequest, JudgeRun, UnwrittenRun
from annotation.selectors import judge_requests
from annotation.selectors.judge_requests import progress_of
from annotation.services.judges import leases, requests, runs, writing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch):
    monkeypatch.setattr(writing, "AT_ONCE", 2)


@pytest.fixture
def order(make_judge, make_comparison, noon):
    """Ask a judge about some comparisons: order(5)."""

    def order(n, **fields):
        return runs.ask_judge(
            judge=make_judge(**fields),
            comparison_ids=[make_comparison().pk for _ in range(n)],
            purpose=RunPurpose.RUN,
            user=None,
            now=noon,
        )

    return order


def n_asked(run):
    return JudgeRequest.objects.filter(run=run).values("comparison").distinct().count()


class TestALargeOrder:
    def test_is_written_bit_by_bit(self, order, noon):
        run = order(5)
        before = (n_asked(run), progress_of(run, noon).n_unwritten)

        written = [writing.write_next(now=noon) for _ in range(3)]

        run.refresh_from_db()
        assert before == (2, 3)
        assert written == [2, 1, 0]
        assert (n_asked(run), run.n_requests, run.n_comparisons) == (5, 10, 5)
        assert not UnwrittenRun.objects.exists()

    def test_is_not_over_before_it_is_written(self, order, noon):
        run = order(3)
        run.requests.update(state="answered")

        leases.finish_runs(now=noon)
        run.refresh_from_db()
        before = run.state
        writing.write_next(now=noon)
        run.requests.update(state="answered")
        leases.finish_runs(now=noon)

        run.refresh_from_db()
        assert (before, run.state) == ("running", "done")

    def test_waits_while_the_run_is_paused(self, order, noon):
        run = order(5)
        runs.pause_run(run=run, user=None, now=noon)

        paused = writing.write_next(now=noon)
        runs.resume_run(run=run, user=None, now=noon)

        assert (paused, writing.write_next(now=noon)) == (0, 2)

    def test_is_given_up_with_the_run(self, order, noon):
        run = order(5)

        runs.cancel_run(run=run, user=None, now=noon)

        assert writing.write_next(now=noon) == 0
        assert n_asked(run) == 2

    def test_writes_nothing_twice_where_a_worker_was_killed(self, order, noon, monkeypatch):
        run, add = order(4), writing.add_requests

        def add_and_die(*given):
            add(*given)
            raise KeyboardInterrupt

        monkeypatch.setattr(writing, "add_requests", add_and_die)
        with pytest.raises(KeyboardInterrupt):
            writing.write_next(now=noon)
        monkeypatch.setattr(writing, "add_requests", add)
        half = n_asked(run)
        while writing.write_next(now=noon):
            pass

        run.refresh_from_db()
        assert (half, n_asked(run), run.n_requests) == (2, 4, 8)

    def test_takes_turns_with_another_one(self, order, noon):
        first, second = order(6), order(6)

        for _ in range(2):
            writing.write_next(now=noon)

        assert (n_asked(first), n_asked(second)) == (4, 4)

    @pytest.mark.django_db(transaction=True)
    def test_is_asked_while_it_is_written(self, order, practice_endpoint, noon, monkeypatch):
        monkeypatch.setattr(requests, "LOOK", 0.0)
        run = order(5, endpoint={"base_url": practice_endpoint.url})

        while requests.answer_next(now=noon + timedelta(hours=1)):
            pass

        run.refresh_from_db()
        assert (run.state, run.n_requests) == ("done", 10)
        assert set(run.requests.values_list("state", flat=True)) == {"answered"}


class TestEvery:
    def test_is_seldom_where_nothing_moves_or_there_is_much_to_count(
        self, order, noon, monkeypatch
    ):
        run = order(2)
        moving = progress_of(run, noon).every
        monkeypatch.setattr(judge_requests, "COUNTED_A_SECOND", 1)
        large = progress_of(run, noon).every
        paused = progress_of(runs.pause_run(run=run, user=None, now=noon), noon)

        assert (moving, large, paused.every) == (2, 4, 15)

    def test_is_seldom_where_answers_come_by_batch(self, order, noon, monkeypatch):
        run = order(2)
        JudgeRun.objects.update(by_batch=True)
        run.refresh_from_db()
        few = progress_of(run, noon).every
        monkeypatch.setattr(judge_requests, "COUNTED_A_SECOND", 0.25)

        assert (few, progress_of(run, noon).every) == (15, 16)
