"""An admin asks a judge by batch, for half the price, and sees on its page how far it is."""

from datetime import timedelta

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import Role
from annotation.models import Endpoint, JudgeBatch, JudgeRun, Judgment
from annotation.selectors.clock import database_now
from annotation.services.judges import requests, runs

LATER = timedelta(minutes=10)


@pytest.fixture
def admin(client, make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def judge(make_judge, practice_endpoint):
    return make_judge(endpoint={"base_url": practice_endpoint.url, "takes_batches": True})


@pytest.fixture
def page(project, judge):
    def page(name, *args):
        return reverse(f"annotation:{name}", args=[project.slug, judge.pk, *args])

    return page


def text_of(response):
    return response.content.decode()


@pytest.mark.django_db(transaction=True)
class TestAskingByBatch:
    def test_is_planned_sent_and_watched(
        self, admin, page, judge, make_comparison, monkeypatch, practice_endpoint
    ):
        monkeypatch.setattr(requests, "PATIENCE", 0.0)
        practice_endpoint.behave(batch="doubled")
        for n in range(3):
            make_comparison(texts=(f"one {n}", "another and longer one"))

        at_once = admin.get(page("new_run"), {"among": "all"})
        by_batch = admin.get(page("new_run"), {"among": "all", "by_batch": "on"})
        asked = admin.post(page("new_run"), {"among": "all", "by_batch": "on"}, follow=True)
        requests.answer_next(now=database_now())
        sent = admin.get(page("judge_run", 1))
        requests.answer_next(now=database_now() + LATER)
        booked = admin.get(page("judge_run", 1))

        assert by_batch.context["estimate"].expected * 2 == at_once.context["estimate"].expected
        assert "for 0.5 of the price" in text_of(by_batch)
        assert "The first batch is sent as soon as" in text_of(asked)
        assert "at the endpoint" in text_of(sent)
        assert "Passed over: 12 answers again to what was answered." in text_of(booked)
        assert Judgment.objects.filter(annotator=judge.annotator).count() == 3

    def test_says_why_a_run_is_paused(self, admin, page, judge, make_comparison, noon):
        run = runs.ask_judge(
            judge=judge,
            comparison_ids=[make_comparison().pk],
            purpose="run",
            user=None,
            now=noon,
            by_batch=True,
        )
        runs.pause_run(run=run, user=None, now=noon)
        JudgeRun.objects.update(batch_error="HTTP 400: Batches are not for this model.")

        shown = text_of(admin.get(page("judge_run", 1)))

        assert "HTTP 400: Batches are not for this model." in shown
        assert not JudgeBatch.objects.exists()

    def test_is_not_offered_where_the_endpoint_takes_none(self, admin, page, judge):
        Endpoint.objects.update(takes_batches=False)

        assert "By batch" not in text_of(admin.get(page("new_run")))


@pytest.mark.django_db
class TestAnEndpoint:
    def test_is_told_that_it_takes_batches(self, admin, judge, project):
        at = reverse("annotation:endpoint", args=[project.slug, judge.endpoint_id])
        kept = {"name": "here", "base_url": "http://127.0.0.1:9/v1", "max_concurrency": 8}
        given = kept | {"timeout_seconds": 60, "takes_batches": "on", "batch_price_share": "0.4"}

        assert "It takes batches" in text_of(admin.get(at))
        assert admin.post(at, given).status_code == 302
        endpoint = Endpoint.objects.get()
        assert (endpoint.takes_batches, str(endpoint.batch_price_share)) == (True, "0.400")
