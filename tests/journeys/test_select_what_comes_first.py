"""A researcher drafts a selection, an admin applies it, an annotator gets its first pick."""

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import Role
from annotation.services import queue
from curation.domain.vocabulary import SignalFamily
from curation.models import Selection, Signals


@pytest.fixture
def researcher(client, make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return client


@pytest.fixture
def admin(make_user, join, project):
    from django.test import Client

    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def graded(make_comparison, noon):
    comparisons = []
    for place in range(4):
        topic = "<b>law</b>" if place == 0 else "prose"
        comparison = make_comparison(slots=1, metadata={"topic": topic})
        Signals.objects.create(
            project=comparison.project, comparison=comparison, version=1,
            family=SignalFamily.DIFFICULTY, values={"difficulty": place / 10}, computed_at=noon,
        )  # fmt: skip
        comparisons.append(comparison)
    return comparisons


def page(project, name, *arguments):
    return reverse(f"curation:{name}", args=[project.slug, *arguments])


WISH = {
    "method": "comparisons", "groups": "metadata.topic", "first": "difficulty", "rule": "borda",
    "n": "2", "floors": "given", "group": ["<b>law</b>", "prose"], "least": ["1", ""],
}  # fmt: skip


def next_comparison(project, annotator, now):
    slot = queue.claim_slot(project_id=project.id, annotator_id=annotator.id, now=now)
    queue.release_slot(slot_id=slot.id, annotator_id=annotator.id, now=now)
    return slot.comparison_id


class TestSelecting:
    def test_goes_from_a_draft_to_the_next_claim_and_back(
        self, project, graded, researcher, admin, ann, noon
    ):
        drafted = researcher.post(page(project, "draft_selection"), WISH)
        shown = researcher.get(drafted.url).content.decode()

        assert "for the floor of &#x27;&lt;b&gt;law&lt;/b&gt;&#x27;" in shown
        assert "<b>law</b>" not in shown
        assert "Apply" not in shown.split("What it does to the queue")[1]
        assert next_comparison(project, ann, noon) == graded[0].id

        assert admin.post(page(project, "apply_selection", 1)).status_code == 302
        assert next_comparison(project, ann, noon) == graded[3].id

        assert admin.post(page(project, "undo_selection", 1)).status_code == 302
        assert next_comparison(project, ann, noon) == graded[0].id
        assert "undone" in researcher.get(page(project, "selection")).content.decode()

    def test_shows_floors_that_cannot_hold_at_their_field(self, project, graded, researcher):
        answer = researcher.post(page(project, "draft_selection"), WISH | {"least": ["2", ""]})

        assert answer.status_code == 422
        assert "wants 2 and has 1" in answer.context["form"].errors["floors"][0]
        assert 'value="2"' in answer.content.decode()
        assert not Selection.objects.exists()

    def test_refuses_a_floor_that_is_no_number(self, project, graded, researcher):
        answer = researcher.post(page(project, "draft_selection"), WISH | {"least": ["many", ""]})

        assert "whole number" in answer.context["form"].errors["floors"][0]

    def test_says_what_to_do_without_signals(self, project, make_comparison, researcher):
        make_comparison(slots=1)

        shown = researcher.get(page(project, "selection")).content.decode()

        assert "No signals yet to score by" in shown
        answer = researcher.post(page(project, "draft_selection"), WISH | {"first": ""})
        assert "Choose a signal" in answer.context["form"].errors["first"][0]

    def test_tells_the_second_of_two_admins_that_the_first_was_quicker(
        self, project, graded, researcher, admin
    ):
        for _ in range(2):
            researcher.post(page(project, "draft_selection"), WISH)
        admin.post(page(project, "apply_selection", 1))

        answer = admin.post(page(project, "apply_selection", 2))

        assert answer.status_code == 409
        assert "make a new draft" in answer.content.decode()

    def test_offers_fields_for_responses(self, project, graded, researcher):
        shown = researcher.get(page(project, "selection") + "?method=responses")

        assert {"k", "quality", "subset_weight"} <= set(shown.context["form"].fields)
        assert "weight" not in shown.context["form"].fields

    def test_asks_few_queries_of_a_long_list(
        self, project, graded, researcher, django_assert_max_num_queries
    ):
        researcher.post(page(project, "draft_selection"), WISH)

        with django_assert_max_num_queries(30):
            researcher.get(page(project, "selection"))
        with django_assert_max_num_queries(15):
            researcher.get(page(project, "drafted", 1))
