"""Somebody asks `/health/` whether Quorum is well, with parts of it missing."""

import pytest
from django.db import OperationalError
from django.urls import reverse

from annotation.domain.vocabulary import QUEUES, Role
from annotation.models import Heartbeat
from annotation.selectors.clock import database_now
from annotation.services import health
from config.celery import app

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(make_user):
    return make_user("olga", is_staff=True)


@pytest.fixture
def without_broker(settings, tmp_path):
    settings.CELERY = settings.CELERY | {"broker_url": f"redis+socket://{tmp_path}/none.sock"}


@pytest.fixture
def beating():
    for name in ("beat", *(f"worker:{queue}" for queue in QUEUES)):
        health.record_beat(name=name, now=database_now())


class TestHealth:
    def test_tells_strangers_which_part_is_down_and_nothing_else(
        self, client, without_broker, beating
    ):
        answer = client.get("/health/")

        assert answer.status_code == 200
        assert answer.json() == {
            "status": "degraded",
            "parts": {
                "database": "ok",
                "broker": "down",
                "beat": "ok",
                "worker:celery": "ok",
                "worker:long": "ok",
                "worker:heavy": "ok",
                "worker:judges": "ok",
                "comparisons": "ok",
                "imports": "ok",
                "versions": "ok",
                "judges": "ok",
                "reading": "ok",
                "embedding": "ok",
            },
        }
        assert "no-store" in answer["Cache-Control"]

    def test_tells_operators_details(self, client, operator, without_broker):
        client.force_login(operator)

        details = client.get("/health/").json()["details"]

        assert "does not answer" in details["broker"]
        assert details["beat"] == "beat has never been heard of: is it started?"

    def test_shows_operators_a_page(self, client, operator, without_broker):
        client.force_login(operator)

        page = client.get(reverse("health"), headers={"accept": "text/html"})

        assert page.status_code == 200
        assert "worker:long has never been heard of" in page.content.decode()

    def test_tells_annotators_no_more_than_strangers(self, client, make_user, without_broker):
        client.force_login(make_user("ann"))

        assert "details" not in client.get("/health/").json()

    def test_answers_503_without_a_database(self, client, without_broker, monkeypatch):
        def refuse():
            raise OperationalError("connection to 10.0.0.7 refused")

        monkeypatch.setattr("config.health.database_now", refuse)

        answer = client.get("/health/")

        assert answer.status_code == 503
        assert answer.json() == {
            "status": "degraded",
            "parts": {"database": "down", "broker": "down"},
        }

    def test_is_for_reading(self, client):
        assert client.post("/health/").status_code == 405


class TestProjectPages:
    @pytest.fixture
    def page_of(self, client, make_user, join, project):
        """What the first page of a project says to somebody of a role in it."""

        def page_of(role, page="project", **fields):
            user = make_user("olga", **fields)
            join(user, project, role)
            client.force_login(user)
            return client.get(reverse(f"annotation:{page}", args=["haiku"])).content.decode()

        return page_of

    @pytest.mark.parametrize("page", ["project", "items", "people", "settings"])
    def test_tell_an_admin_what_has_stopped_and_what_to_do(self, page_of, beating, page):
        Heartbeat.objects.filter(name="worker:long").update(beaten_at="2026-03-01T12:00Z")

        said = page_of(Role.ADMIN, page)

        assert "worker:long was last heard of at 2026-03-01 12:00:00+00:00" in said
        assert "should start them again" in said
        assert "worker:celery" not in said

    def test_say_nothing_while_all_live(self, page_of, beating):
        assert "background processes" not in page_of(Role.ADMIN)

    def test_tell_an_operator_whatever_their_role(self, page_of):
        assert "beat has never been heard of" in page_of(Role.ANNOTATOR, is_staff=True)

    @pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.RESEARCHER])
    def test_do_not_trouble_others_with_it(self, page_of, role):
        assert "background processes" not in page_of(role)

    def test_ask_with_one_query(self, page_of, django_assert_max_num_queries):
        with django_assert_max_num_queries(100) as queries:
            page_of(Role.ADMIN)

        assert sum("heartbeat" in query["sql"] for query in queries) == 1


class TestSchedule:
    def test_rings_only_for_tasks_that_exist_on_queues_that_are_worked_on(self):
        app.loader.import_default_modules()

        for bell in app.conf.beat_schedule.values():
            assert bell["task"] in app.tasks
            assert bell["options"]["queue"] in QUEUES
            assert bell["options"]["expires"] < bell["schedule"]
