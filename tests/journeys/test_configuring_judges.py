"""An admin configures judges; a researcher looks; a key is seen by nobody again."""

import json
import logging
import re
from decimal import Decimal

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import JudgeState, Role
from annotation.models import AuditEvent, Endpoint, Judge, PromptTemplate

KEY = "sk-canary-91b2f0d3c7"


@pytest.fixture
def admin(client, make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def page(project):
    def page(name, *args):
        return reverse(f"annotation:{name}", args=[project.slug, *args])

    return page


NEW_JUDGE = {
    "name": "strict",
    "endpoint": "new",
    "endpoint-name": "local",
    "endpoint-base_url": "http://127.0.0.1:9/v1",
    "endpoint-key": KEY,
    "endpoint-max_concurrency": "4",
    "endpoint-timeout_seconds": "10",
    "template": "starter:overall",
    "model_name": "practice-1",
    "price_in": "0.15",
    "price_out": "0",
    "budget": "2.5",
    "order_policy": "both",
    "reads_logprobs": "on",
    "temperature": "0",
    "n_samples": "1",
    "max_tokens": "512",
    "seed": "",
    "family": "",
}


def text_of(response):
    return response.content.decode()


class TestAddAJudge:
    def test_asks_for_everything_on_one_page(self, admin, page):
        shown = text_of(admin.get(page("add_judge")))

        assert "A new endpoint…" in shown
        assert "Overall, with explanation" in shown
        assert 'name="price_in" step="any"' not in shown or 'value="0"' not in shown

    def test_makes_endpoint_template_and_judge_at_once(self, admin, page):
        response = admin.post(page("add_judge"), NEW_JUDGE)

        judge = Judge.objects.get()
        assert response["Location"] == page("own_judge", judge.pk)
        assert (judge.budget, judge.price_in, judge.family) == (
            2_500_000,
            Decimal("0.15"),
            "practice",
        )
        assert (judge.endpoint.name, str(judge.template)) == ("local", "overall 1")
        assert "is ready" in text_of(admin.get(response["Location"]))

    def test_takes_what_is_there(self, admin, page, make_judge):
        other = make_judge()
        fields = NEW_JUDGE | {
            "name": "second",
            "endpoint": str(other.endpoint_id),
            "template": f"template:{other.template_id}",
        }

        admin.post(page("add_judge"), fields)

        judge = Judge.objects.get(name="second")
        assert (judge.endpoint, judge.template) == (other.endpoint, other.template)

    def test_lets_a_browser_send_it_without_the_new_endpoint_that_it_hides(self, admin, page):
        shown = text_of(admin.get(page("add_judge")))

        hidden = re.findall(r'<input[^>]* name="endpoint-[^>]*>', shown)
        assert hidden and not any("required" in one for one in hidden)

    @pytest.mark.parametrize("missing", ["price_in", "price_out", "budget", "model_name", "name"])
    def test_wants_prices_and_budget_typed(self, missing, admin, page):
        fields = {key: value for key, value in NEW_JUDGE.items() if key != missing}

        response = admin.post(page("add_judge"), fields)

        assert response.status_code == 422
        assert "This field is required" in text_of(response)
        assert not Judge.objects.exists()
        assert not Endpoint.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"endpoint-base_url": "http://169.254.169.254/latest"}, "is never asked"),
            ({"endpoint-base_url": "http://u:p@host/v1"}, "Leave name and password out"),
            ({"endpoint-key": "", "endpoint-key_variable": "SECRET_KEY"}, "JUDGE_KEY_"),
            ({"template": "template:999"}, "Select a valid choice"),
            ({"template": "starter:nope"}, "Select a valid choice"),
            ({"endpoint": "999"}, "Select a valid choice"),
            ({"budget": "NaN"}, "Enter a number"),
            ({"name": "a\u202eb"}, "invisible character"),
        ],
    )
    def test_says_what_is_wrong_and_writes_nothing(self, fields, words, admin, page):
        response = admin.post(page("add_judge"), NEW_JUDGE | fields)

        assert response.status_code == 422
        assert words in text_of(response)
        assert not (Judge.objects.exists() or Endpoint.objects.exists())
        assert not PromptTemplate.objects.exists()
        assert KEY not in text_of(response)


class TestAJudgesPage:
    @pytest.fixture
    def judge(self, make_judge):
        return make_judge(budget=2_000_000, spent=500_000)

    def test_says_what_to_do_first(self, admin, page, judge):
        shown = text_of(admin.get(page("own_judge", judge.pk)))

        assert "Try on twenty comparisons" in shown
        assert "It has not been asked anything yet" in shown
        assert "0.5 spent, 1.5 left of 2" in shown

    def test_is_for_looking_only_to_a_researcher(
        self, client, make_user, join, project, page, judge
    ):
        user = make_user("rita")
        join(user, project, Role.RESEARCHER)
        client.force_login(user)

        shown = text_of(client.get(page("own_judge", judge.pk)))

        assert "0.5 spent" in shown
        for action in ("Try on twenty", "Set the budget", "Pause the judge", "Change"):
            assert action not in shown

    def test_sets_state_and_budget(self, admin, page, judge):
        admin.post(page("judge_state", judge.pk), {"state": "paused"})
        admin.post(page("judge_budget", judge.pk), {"budget": "100"})

        judge.refresh_from_db()
        assert (judge.state, judge.budget) == (JudgeState.PAUSED, 100_000_000)
        assert 'value="100"' in text_of(admin.get(page("own_judge", judge.pk)))

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("judge_state", {"state": "suspended"}),
            ("judge_state", {"state": "asleep"}),
            ("judge_budget", {"budget": "0.4"}),
            ("judge_budget", {"budget": "much"}),
        ],
    )
    def test_refuses_what_cannot_be(self, name, fields, admin, page, judge):
        assert admin.post(page(name, judge.pk), fields).status_code == 400

    def test_shows_trouble_with_its_endpoint_and_what_to_do(self, admin, page, judge, noon):
        later = noon.replace(year=2100)
        Endpoint.objects.update(n_failures=5, opened_until=later, last_error="HTTP 500")

        shown = text_of(admin.get(page("own_judge", judge.pk)))

        assert "Nothing is sent to endpoint 1 until 12:00:00 UTC, after 5 failures" in shown
        assert "HTTP 500" in shown
        assert "Test the connection" in shown

    def test_makes_the_next_number_when_it_is_changed(self, admin, page, judge):
        fields = NEW_JUDGE | {
            "endpoint": str(judge.endpoint_id),
            "template": f"template:{judge.template_id}",
            "temperature": "0.5",
        }

        response = admin.post(page("change_judge", judge.pk), fields)

        following = Judge.objects.get(temperature=0.5)
        assert response["Location"] == page("own_judge", following.pk)
        shown = text_of(admin.get(response["Location"]))
        assert "takes over from strict 1" in shown
        assert "Other numbers of it" in shown


class TestTemplates:
    def test_start_from_a_starter_and_get_numbers(self, admin, page):
        shown = text_of(admin.get(page("add_template") + "?from=criteria"))
        assert "one criterion at a time" in shown

        fields = {"name": "own", "kind": "overall", "instructions": "Be fair."}
        admin.post(page("add_template"), fields)
        first = PromptTemplate.objects.get()
        admin.post(page("prompt_template", first.pk), fields | {"instructions": "Be strict."})

        names = {str(one) for one in PromptTemplate.objects.all()}
        assert names == {"own 1", "own 2"}

    def test_are_read_by_researchers_and_written_by_admins(
        self, client, make_user, join, project, page, make_judge
    ):
        template = make_judge().template
        user = make_user("rita")
        join(user, project, Role.RESEARCHER)
        client.force_login(user)

        assert "Say which answer is better." in text_of(
            client.get(page("prompt_template", template.pk))
        )
        fields = {"name": "x", "kind": "overall", "instructions": "Mine."}
        response = client.post(page("prompt_template", template.pk), fields)
        assert response.status_code == 403
        assert PromptTemplate.objects.count() == 1


class TestAnEndpointsPage:
    @pytest.fixture
    def endpoint(self, admin, page):
        admin.post(page("add_judge"), NEW_JUDGE)
        return Endpoint.objects.get()

    def test_keeps_the_key_out_of_everything(self, admin, page, endpoint, caplog, project):
        caplog.set_level(logging.DEBUG)
        judge = Judge.objects.get()
        moved = {
            "name": "local",
            "base_url": "http://127.0.0.1:10/v1",
            "key": "",
            "max_concurrency": "4",
            "timeout_seconds": "10",
        }

        shown = [
            text_of(admin.get(page("endpoint", endpoint.pk))),
            text_of(admin.post(page("endpoint", endpoint.pk), moved)),
            text_of(admin.post(page("endpoint", endpoint.pk), moved | {"key": KEY + "\u00fc"})),
            text_of(admin.post(page("look_at_endpoint", endpoint.pk))),
            text_of(admin.get(page("judges"))),
            text_of(admin.get(page("own_judge", judge.pk))),
            text_of(admin.get(page("change_judge", judge.pk))),
            text_of(admin.get(page("add_judge"))),
            json.dumps(list(AuditEvent.objects.values("action", "subject", "detail"))),
            caplog.text,
        ]

        assert not [one for one in shown if KEY in one]
        assert "never shown" in shown[0]
        assert "type the key in again" in shown[1]
        assert "Nothing answers" in shown[3]

    def test_sends_no_password_manager_a_filled_field(self, admin, page, endpoint):
        shown = text_of(admin.get(page("endpoint", endpoint.pk)))

        assert 'type="password" name="key" ' in shown
        assert 'autocomplete="new-password"' in shown


class TestTheListOfJudges:
    def test_offers_to_add_one_to_admins_only(self, admin, client, make_user, join, project, page):
        assert "Add a judge" in text_of(admin.get(page("judges")))

        user = make_user("rita")
        join(user, project, Role.RESEARCHER)
        client.force_login(user)
        shown = text_of(client.get(page("judges")))
        assert "An admin of the project can add one" in shown

    def test_is_not_for_reviewers(self, client, make_user, join, project, page, make_judge):
        make_judge()
        user = make_user("vera")
        join(user, project, Role.REVIEWER)
        client.force_login(user)

        assert "practice-1" not in text_of(client.get(page("judges")))

    def test_knows_no_judge_of_another_project(self, admin, make_project, make_judge, page):
        theirs = make_judge(project=make_project())

        assert admin.get(page("own_judge", theirs.pk)).status_code == 404
        assert admin.get(page("endpoint", theirs.endpoint_id)).status_code == 404
        assert admin.get(page("prompt_template", theirs.template_id)).status_code == 404
        assert admin.post(page("judge_state", theirs.pk), {"state": "paused"}).status_code == 404


class TestCompareJudges:
    def test_takes_two(self, admin, page, make_judge):
        make_judge()
        assert "It takes two" in text_of(admin.get(page("compare_judges")))

        first, second = make_judge("kind"), make_judge("fair")
        shown = text_of(admin.get(page("compare_judges"), {"a": first.pk, "b": second.pk}))
        assert "Side by side" in shown
        assert "They have not voted on the same comparison yet" in shown

    @pytest.mark.parametrize("query", [{"a": "1"}, {"a": "x", "b": "y"}, {"a": "999", "b": "998"}])
    def test_refuses_what_is_no_pair(self, query, admin, page, make_judge):
        make_judge(), make_judge()

        assert admin.get(page("compare_judges"), query).status_code == 422

    def test_refuses_one_twice(self, admin, page, make_judge):
        judge = make_judge()
        make_judge()

        response = admin.get(page("compare_judges"), {"a": judge.pk, "b": judge.pk})

        assert "Choose two different judges" in text_of(response)
