from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from annotation.domain.vocabulary import MOST_TRIES, Role
from annotation.models import Item
from config import health
from curation.models import DuplicateRequest, EmbeddingRequest, Intake, SignalRequest
from curation.selectors import progress
from curation.services import generations

pytestmark = pytest.mark.django_db
HERE = "/projects/haiku/curation/"


@pytest.fixture
def ada(make_user, join, project, client):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return user


def seen(client, **headers):
    return client.get(HERE, headers=headers).content.decode()


class TestProgress:
    def test_counts_what_is_done_and_what_waits(
        self, make_item, read_all, embed_all, project, noon
    ):
        make_item(texts=("a", "b"), prompt="Why?")
        embed_all()
        make_item(texts=("a", "c"), prompt="Why?")
        make_item()
        read_all()
        make_item()

        found = progress.progress_of(project, noon)

        assert (found.items.all.n, found.items.done.n, found.items.waiting.n) == (4, 3, 1)
        assert (found.texts.all.n, found.texts.waiting.n, found.texts.done.n) == (7, 4, 3)
        assert found.texts.share == pytest.approx(3 / 7)
        assert found.is_moving

    def test_counts_the_texts_of_the_project_alone(
        self, make_item, make_project, embed_all, read_all, project, noon
    ):
        make_item()
        embed_all()
        make_item(project=make_project(), prompt="Elsewhere", texts=("x", "y"))
        read_all()

        found = progress.progress_of(project, noon)

        assert found.texts.waiting.n == 0
        assert not found.is_moving

    def test_tells_how_fast_texts_are_embedded(self, make_item, embed_all, project, noon):
        make_item()
        embed_all()

        lately = progress.speed(noon + timedelta(minutes=1))
        long_ago = progress.speed(noon + timedelta(minutes=10))

        assert lately.per_second == pytest.approx(3 / 300)
        assert long_ago.per_second == 0
        assert lately.oldest is None

    def test_tells_how_far_a_new_model_is(self, make_item, embed_all, models, project, noon):
        make_item()
        embed_all()
        generations.generation_for(model=models["better"], name="better", now=noon)

        found = progress.progress_of(project, noon + timedelta(minutes=1))

        assert (found.active.name, found.building.name) == ("toy", "better")
        assert (found.building_stage.done.n, found.building_stage.all.n) == (0, 3)
        assert found.speed.oldest == timedelta(minutes=1)

    def test_lists_what_was_set_aside(self, make_item, make_comparison, embed_all, project, noon):
        comparison = make_comparison()
        embed_all()
        aside = {"tries": MOST_TRIES, "error": "E"}
        SignalRequest.objects.update(**aside)
        DuplicateRequest.objects.filter(kind="near").update(**aside)

        found = progress.faults_of(project)

        assert found.n == SignalRequest.objects.count() + 1
        assert {row.item for row in found.rows} == {comparison.item}
        assert "Duplicates of a text (near)" in {row.what for row in found.rows}


class TestThePage:
    def test_says_what_to_do_where_there_is_nothing(self, client, ada):
        page = seen(client)

        assert "Nothing to curate yet" in page
        assert reverse("annotation:imports", args=["haiku"]) in page

    def test_follows_the_work_live(self, client, ada, make_item, read_all):
        make_item()
        read_all()

        assert "at work" in seen(client)
        part = seen(client, **{"HX-Request": "true"})
        assert part.lstrip().startswith('<section id="progress"')
        assert 'hx-trigger="every 2s"' in part

    def test_says_that_all_is_done(self, client, ada, make_item, embed_all):
        make_item()
        embed_all()

        page = seen(client)

        assert "up to date" in page
        assert "toy" in page

    def test_offers_an_admin_to_retry_what_was_set_aside(
        self, client, ada, make_item, embed_all, models
    ):
        models["toy"].unreadable = {"odd"}
        broken = make_item()
        make_item(texts=("odd", "even"))
        Item.objects.filter(pk=broken.pk).update(messages=[{"role": "user"}])
        embed_all()

        page = seen(client)
        assert "no words for this" in page and "KeyError" in page
        client.post(reverse("curation:retry", args=["haiku"]))

        assert set(Intake.objects.values_list("tries", flat=True)) == {0}
        assert set(EmbeddingRequest.objects.values_list("tries", flat=True)) == {0}
        assert "Set aside after" not in seen(client)

    def test_offers_a_researcher_none(self, make_item, embed_all, models, make_user, join, project):
        rita = make_user("rita")
        join(rita, project, Role.RESEARCHER)
        models["toy"].unreadable = {"odd"}
        make_item(texts=("odd", "even"))
        embed_all()
        client = Client()
        client.force_login(rita)

        assert "no words for this" in seen(client)
        assert "Try them again" not in seen(client)

    def test_costs_a_bounded_number_of_queries(
        self, client, ada, make_item, embed_all, django_assert_max_num_queries
    ):
        for _ in range(5):
            make_item()
        embed_all()

        with django_assert_max_num_queries(35):
            seen(client)


class TestHealth:
    def test_tells_how_old_the_oldest_unread_item_is(self, make_item, noon):
        make_item()
        Intake.objects.update(queued_at=noon)

        soon, late = (health.texts_parts(noon + timedelta(minutes=m))[0] for m in (1, 9))

        assert (soon.state, late.state) == ("ok", "late")
        assert late.detail == "The oldest has waited for 540 s."

    def test_tells_how_fast_texts_are_embedded_and_how_old_the_queue_is(
        self, make_item, embed_all, read_all, noon
    ):
        make_item()
        embed_all()
        make_item(texts=("new", "newer"))
        read_all()

        part = health.texts_parts(noon + timedelta(minutes=1))[1]

        assert (part.name, part.state) == ("embedding", "ok")
        assert part.detail == ("The oldest has waited for 60 s. 0.0 texts/s over the last minutes.")
        assert health.texts_parts(noon + timedelta(hours=2))[1].state == "late"
