from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people
from curation.services.routing import drain

pytestmark = pytest.mark.django_db

POLICIES = "/api/v1/projects/haiku/routing-policies/"
DECISIONS = "/api/v1/projects/haiku/routing-decisions/"
TO_TWO = {"default": {"route": "human", "overlap": 2}}


@pytest.fixture
def api(make_user, join, project, noon):
    user = make_user("adam")
    join(user, project, Role.ADMIN)
    token = people.issue_token(user=user, scope=TokenScope.ADMIN, name="test", now=noon)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def drafted(api):
    return api.post(POLICIES, {"content": TO_TWO, "note": "for a start"}, format="json").json()


class TestRoutingPolicies:
    def test_are_drafted_listed_and_read(self, api, drafted):
        assert (drafted["number"], drafted["state"], drafted["created_by"]) == (1, "draft", "adam")
        assert drafted["content"]["default"]["overlap"] == 2
        assert api.get(f"{POLICIES}1/").json() == drafted
        assert api.get(POLICIES).json() == {"results": [drafted], "next": None}

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "content"),
            ({"content": []}, "content"),
            ({"content": {}, "state": "active"}, "state"),
            ({"content": {"rules": [{"name": "x", "when": {}}]}}, "rules.1.when.fact"),
            ({"content": {"default": {"route": "judge", "judges": ["none 1"]}}}, "judges"),
            ({"content": {"default": {"route": "human", "overlap": 1.5}}}, "default.overlap"),
        ],
    )
    def test_are_refused_with_the_place_of_the_fault(self, api, body, field):
        answer = api.post(POLICIES, body, format="json")

        assert answer.status_code == 400
        assert answer.json().get("field", "") == field

    def test_decide_once_activated_until_retired(self, api, drafted, make_comparison):
        comparison = make_comparison(slots=0)

        active = api.post(f"{POLICIES}1/activate/")

        assert (active.status_code, active.json()["state"]) == (200, "active")
        assert api.post(f"{POLICIES}1/activate/").json()["code"] == "policy_active"
        retired = api.post(f"{POLICIES}1/retire/")
        assert (retired.status_code, retired.json()["state"]) == (200, "retired")
        assert api.post(f"{POLICIES}1/retire/").json()["code"] == "no_policy_active"
        assert comparison.slots.count() == 2

    def test_are_tried_out_in_the_background(self, api, drafted):
        assert api.get(f"{POLICIES}1/simulate/").status_code == 404

        asked = api.post(f"{POLICIES}1/simulate/")

        assert (asked.status_code, asked.json()["state"]) == (202, "queued")
        assert api.get(f"{POLICIES}1/simulate/").json() == asked.json()

    def test_are_tried_out_by_researchers_but_not_activated(
        self, drafted, make_user, join, project, noon
    ):
        user = make_user("rita")
        join(user, project, Role.RESEARCHER)
        token = people.issue_token(user=user, scope=TokenScope.WRITE, name="test", now=noon)
        rita = APIClient()
        rita.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

        assert rita.post(f"{POLICIES}1/simulate/").status_code == 202
        assert rita.post(f"{POLICIES}1/activate/").status_code == 403

    @pytest.mark.parametrize("number", ["2", "9" * 18])
    def test_that_are_not_there_are_not_found(self, api, drafted, number):
        assert api.get(f"{POLICIES}{number}/").status_code == 404
        assert api.post(f"{POLICIES}{number}/activate/").status_code == 404


class TestRoutingDecisions:
    def test_are_listed_page_by_page_with_their_reasons(self, api, drafted, make_comparison, noon):
        first, second = make_comparison(slots=0), make_comparison(slots=0)
        api.post(f"{POLICIES}1/activate/")
        drain.route_next(now=noon + timedelta(hours=1))

        page = api.get(f"{DECISIONS}?limit=1").json()

        (row,) = page["results"]
        assert (row["comparison"], row["policy"], row["route"]) == (first.pk, 1, "human")
        assert (row["overlap"], row["judges"], row["propensity"]) == (2, [], 1)
        assert row["reason"] == "No rule applies, so two people judge it."
        following = api.get(page["next"]).json()
        assert [row["comparison"] for row in following["results"]] == [second.pk]
        only = api.get(f"{DECISIONS}?comparison={second.pk}&policy=1").json()["results"]
        assert [row["comparison"] for row in only] == [second.pk]
        assert api.get(f"{DECISIONS}?policy=2").status_code == 404
        assert api.get(f"{DECISIONS}?route=human").status_code == 400
