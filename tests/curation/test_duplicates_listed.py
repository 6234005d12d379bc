"""Groups of duplicates as the command, the bells and the API give them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people
from curation import tasks
from curation.models import DuplicateGroup

pytestmark = pytest.mark.django_db

RAIN = "Please write a short haiku about the rain that falls in the old town in spring"
ADDRESS = "/api/v1/projects/haiku/duplicates/"


@pytest.fixture
def items(project, make_item):
    make_item(("a", "b"), RAIN, external_id="one")
    make_item(("c", "d"), RAIN + "!", external_id="two")
    make_item(("c", "e"), "Why?", external_id="three")
    make_item(("e", "c"), "Why?", external_id="four")


@pytest.fixture
def api(make_user, join, project, noon):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    token = people.issue_token(user=user, scope=TokenScope.READ, name="test", now=noon)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def printed(*arguments):
    out = StringIO()
    call_command("duplicates", *arguments, stdout=out)
    return out.getvalue()


class TestCommand:
    def test_looks_for_what_waits_before_it_answers(self, project, items, models):
        exact = json.loads(printed("haiku", "--json", "--kind", "exact"))
        near = json.loads(printed("haiku", "--json", "--kind", "near"))

        assert [(g["kind"], g["items"], g["similarity"]) for g in exact] == [
            ("exact", ["four", "three"], 1.0)
        ]
        assert [(g["kind"], g["items"]) for g in near] == [("near", ["one", "two"])]
        assert 0.9 < near[0]["similarity"] < 1

    def test_prints_a_table_for_people(self, project, items, models):
        assert "four, three" in printed("haiku")

    def test_lists_what_is_known_where_it_is_asked_to(self, project, items, models):
        assert printed("haiku", "--json", "--as-is") == "[]\n"

    def test_leaves_nothing_for_the_bells(self, project, items, models):
        printed("haiku")

        assert tasks.find_duplicates() == 0

    def test_lists_what_curate_has_found(self, project, items, models):
        call_command("curate", "haiku", stdout=StringIO())

        kinds = {group["kind"] for group in json.loads(printed("haiku", "--json", "--as-is"))}
        assert kinds >= {"exact", "near"}

    def test_names_a_project_that_is_not_there(self, db):
        with pytest.raises(CommandError, match="no project 'none'"):
            printed("none")


class TestTheBell:
    def test_finds_all_there_is(self, project, items, read_all):
        read_all()

        assert tasks.find_duplicates() > 0
        assert tasks.find_duplicates() == 0
        assert set(DuplicateGroup.objects.values_list("kind", flat=True)) == {"exact", "near"}


class TestApi:
    def test_gives_groups_a_page_at_a_time(self, api, items, read_all):
        read_all()
        tasks.find_duplicates()

        first = api.get(ADDRESS, {"limit": 1}).json()
        second = api.get(first["next"]).json()

        found = first["results"] + second["results"]
        assert second["next"] is None
        assert {(g["kind"], tuple(g["items"])) for g in found} == {
            ("exact", ("four", "three")),
            ("near", ("one", "two")),
        }

    def test_keeps_to_a_kind(self, api, items, read_all):
        read_all()
        tasks.find_duplicates()

        assert [g["kind"] for g in api.get(ADDRESS, {"kind": "near"}).json()["results"]] == ["near"]
        refused = api.get(ADDRESS, {"kind": "vague"})
        assert (refused.status_code, refused.json()["field"]) == (400, "kind")
