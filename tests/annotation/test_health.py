from datetime import timedelta

import pytest

from annotation import tasks
from annotation.domain.vocabulary import MOST_TRIES, QUEUES, ImportKind
from annotation.models import Heartbeat, Import
from annotation.selectors import health
from annotation.selectors.health import State
from annotation.services import health as recording

pytestmark = pytest.mark.django_db
BACKGROUND = ("beat", *(f"worker:{queue}" for queue in QUEUES))


@pytest.fixture
def all_alive(noon):
    for name in BACKGROUND:
        recording.record_beat(name=name, now=noon)
        recording.record_answer(name=name, now=noon)


def states(parts):
    return {part.name: part.state for part in parts}


class TestBackgroundParts:
    def test_are_down_before_anything_was_heard_of(self, noon):
        assert states(health.background_parts(noon)) == dict.fromkeys(BACKGROUND, State.DOWN)

    def test_are_well_while_hearts_beat(self, all_alive, noon):
        assert states(health.background_parts(noon)) == dict.fromkeys(BACKGROUND, State.OK)

    def test_name_the_one_that_has_gone_silent(self, all_alive, noon):
        later = noon + timedelta(minutes=1)
        for name in BACKGROUND[:-1]:
            recording.record_beat(name=name, now=later)

        assert health.stopped_processes(later) == [
            f"{BACKGROUND[-1]} was last heard of at 2026-03-01 12:00:00+00:00: it has stopped."
        ]

    def test_do_not_take_a_busy_worker_for_a_dead_one(self, all_alive, noon):
        later = noon + timedelta(minutes=30)
        for name in BACKGROUND:
            recording.record_beat(name=name, now=later)

        assert health.stopped_processes(later) == []
        assert "busy" in health.background_parts(later)[1].detail

    def test_cost_one_query(self, all_alive, noon, django_assert_num_queries):
        with django_assert_num_queries(1):
            health.stopped_processes(noon)


class TestWorkParts:
    def test_are_well_when_nothing_waits(self, noon):
        assert states(health.work_parts(noon)) == {"comparisons": "ok", "imports": "ok"}

    def test_tell_that_comparisons_wait_for_their_consensus(self, make_comparison, noon):
        comparison = make_comparison()
        comparison.stale_since = noon
        comparison.save()

        assert states(health.work_parts(noon + timedelta(minutes=1)))["comparisons"] == "ok"
        late = health.work_parts(noon + timedelta(minutes=5))[0]
        assert (late.state, late.detail) == ("late", "The oldest has waited for 300 s.")

    def test_leave_out_what_was_set_aside(self, make_comparison, noon):
        comparison = make_comparison()
        comparison.stale_since, comparison.stale_tries = noon, MOST_TRIES
        comparison.save()

        assert states(health.work_parts(noon + timedelta(hours=1)))["comparisons"] == "ok"

    def test_tell_that_imports_wait(self, project, noon):
        Import.objects.create(
            project=project, kind=ImportKind.ITEMS, file_name="items.jsonl", created_at=noon
        )

        assert states(health.work_parts(noon + timedelta(hours=1)))["imports"] == "late"


class TestBeatHeart:
    def test_answers_for_its_queue(self):
        tasks.beat_heart(queue="long")

        assert Heartbeat.objects.get(name="worker:long").answered_at is not None

    def test_leaves_the_processs_own_sign_of_life_alone(self, noon):
        recording.record_beat(name="worker:long", now=noon)

        tasks.beat_heart(queue="long")

        assert Heartbeat.objects.get(name="worker:long").beaten_at == noon
