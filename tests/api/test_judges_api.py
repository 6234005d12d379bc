"""Judges over the API: configured, asked, watched; a key goes in and never comes out."""

import json
import logging

import pytest

from annotation.domain.vocabulary import JudgeState
from annotation.models import AuditEvent, Endpoint, Judge, JudgeRequest, PromptTemplate

KEY = "sk-canary-77ab31f09e"
NEW = {
    "name": "strict",
    "new_endpoint": {"name": "local", "base_url": "http://127.0.0.1:9/v1", "key": KEY},
    "template": "overall",
    "model_name": "practice-1",
    "price_in": "0.15",
    "price_out": 0,
    "budget": "2.5",
}


def without(body, *names):
    return {key: value for key, value in body.items() if key not in names}


class TestConfigureAJudge:
    def test_makes_what_it_needs_and_tells_no_key(self, admins_api, caplog):
        caplog.set_level(logging.DEBUG)

        answer = admins_api.post("projects/haiku/judges/", NEW)

        body = answer.json()
        assert answer.status_code == 201
        assert (body["budget"], body["price_in"], body["price_out"]) == ("2.5", "0.15", "0")
        assert (body["endpoint"], body["template"], body["template_number"]) == (
            "local",
            "overall",
            1,
        )
        told = [
            answer.content.decode(),
            admins_api.get("projects/haiku/judges/").content.decode(),
            admins_api.get(f"judges/{body['id']}/").content.decode(),
            json.dumps(list(AuditEvent.objects.values("action", "subject", "detail"))),
            caplog.text,
        ]
        assert not [one for one in told if KEY in one]

    def test_takes_an_endpoint_and_a_template_that_are_there(self, admins_api, make_judge):
        other = make_judge("other")
        body = without(NEW, "new_endpoint") | {
            "endpoint": other.endpoint.name,
            "template": other.template.name,
        }

        made = admins_api.post("projects/haiku/judges/", body).json()

        judge = Judge.objects.get(pk=made["id"])
        assert (judge.endpoint, judge.template) == (other.endpoint, other.template)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"endpoint": "local"}, "endpoint"),
            ({"new_template": {"name": "x", "instructions": "y"}}, "template"),
            ({"template": "nope"}, "template"),
            ({"price_in": None}, "price_in"),
            ({"price_in": "NaN"}, "price_in"),
            ({"price_in": -1}, "price_in"),
            ({"budget": "1e999"}, "budget"),
            ({"budget": {}}, "budget"),
            ({"temperature": 3}, "temperature"),
            ({"n_samples": 21}, "n_samples"),
            ({"seed": 2**40}, "seed"),
            ({"order_policy": "sideways"}, "order_policy"),
            ({"state": "active"}, "state"),
            ({"spent": 0}, "spent"),
            ({"name": "\u202e"}, "name"),
            ({"new_endpoint": {**NEW["new_endpoint"], "key_cipher": "x"}}, "key_cipher"),
            ({"new_endpoint": {**NEW["new_endpoint"], "base_url": "http://169.254.169.254"}},
             "base_url"),
            ({"new_endpoint": {"name": "x"}}, "new_endpoint.base_url"),
            ({"new_endpoint": 5}, "new_endpoint"),
            ({"new_endpoint": {**NEW["new_endpoint"], "key": "", "key_variable": "SECRET_KEY"}},
             "key_variable"),
        ],
    )  # fmt: skip
    def test_refuses_what_cannot_be_and_writes_nothing(self, change, field, admins_api, project):
        answer = admins_api.post("projects/haiku/judges/", NEW | change)

        assert answer.status_code == 400
        assert answer.json()["field"] == field
        assert KEY not in answer.content.decode()
        assert not (Judge.objects.exists() or Endpoint.objects.exists())
        assert not PromptTemplate.objects.exists()

    @pytest.mark.parametrize("missing", ["price_in", "price_out", "budget", "new_endpoint"])
    def test_wants_prices_budget_and_an_endpoint(self, missing, admins_api, project):
        assert admins_api.post("projects/haiku/judges/", without(NEW, missing)).status_code == 400

    def test_refuses_a_name_twice(self, admins_api, project):
        admins_api.post("projects/haiku/judges/", NEW)
        again = without(NEW, "new_endpoint") | {"endpoint": "local"}

        answer = admins_api.post("projects/haiku/judges/", again)

        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


class TestAJudge:
    def test_is_paused_and_given_money(self, admins_api, make_judge):
        judge = make_judge()

        body = admins_api.send("PATCH", f"judges/{judge.pk}/", {"state": "paused", "budget": 7})

        assert (body.json()["state"], body.json()["budget"]) == ("paused", "7")

    @pytest.mark.parametrize(
        "change", [{"state": "suspended"}, {"state": "x"}, {"budget": 0}, {"name": "other"}]
    )
    def test_refuses_what_cannot_be(self, change, admins_api, make_judge):
        judge = make_judge(spent=1000)

        assert admins_api.send("PATCH", f"judges/{judge.pk}/", change).status_code == 400
        judge.refresh_from_db()
        assert (judge.state, judge.budget) == (JudgeState.ACTIVE, 1_000_000)


class TestARun:
    @pytest.fixture
    def judge(self, make_judge):
        return make_judge()

    def ask(self, api, judge, **body):
        return api.post(f"judges/{judge.pk}/runs/", {"purpose": "run"} | body)

    @pytest.mark.parametrize(("wanted", "n"), [("all", 3), (2, 2), (100, 3)])
    def test_asks_about_all_or_some(self, wanted, n, admins_api, judge, make_comparison):
        for _ in range(3):
            make_comparison()

        body = self.ask(admins_api, judge, comparisons=wanted).json()

        assert (body["number"], body["n_comparisons"], body["n_requests"]) == (1, n, 2 * n)

    def test_asks_about_what_people_judged(
        self, admins_api, judge, make_comparison, project, ann, noon
    ):
        judged = make_comparison()
        make_comparison()
        judged.judgments.create(project=project, annotator=ann, outcome="both_bad", judged_at=noon)

        self.ask(admins_api, judge, comparisons="judged_by_people")

        assert set(JudgeRequest.objects.values_list("comparison", flat=True)) == {judged.pk}

    def test_asks_about_items_by_their_ids(self, admins_api, judge, make_comparison):
        wanted, _ = make_comparison(), make_comparison()

        self.ask(admins_api, judge, comparisons=[wanted.item.external_id])

        assert set(JudgeRequest.objects.values_list("comparison", flat=True)) == {wanted.pk}

    def test_tries_twenty_by_itself(self, admins_api, judge, make_comparison):
        for _ in range(21):
            make_comparison()

        body = self.ask(admins_api, judge, purpose="trial").json()

        assert (body["purpose"], body["n_comparisons"]) == ("trial", 20)
        assert JudgeRequest.objects.filter(is_trial=True).count() == 40

    @pytest.mark.parametrize(
        "body",
        [
            {"comparisons": "some"}, {"comparisons": 0}, {"comparisons": -1},
            {"comparisons": True}, {"comparisons": {}}, {"comparisons": []},
            {"comparisons": [1]}, {"comparisons": ["no such item"]}, {"comparisons": None},
            {"purpose": "routing", "comparisons": "all"}, {"purpose": "x", "comparisons": "all"},
            {"comparisons": "all", "budget": 5}, {},
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_order(self, body, admins_api, judge, make_comparison):
        make_comparison()

        assert self.ask(admins_api, judge, **body).status_code == 400
        assert not JudgeRequest.objects.exists()

    def test_names_no_item_of_another_project(
        self, admins_api, judge, make_comparison, make_project
    ):
        theirs = make_comparison(project=make_project())

        answer = self.ask(admins_api, judge, comparisons=[theirs.item.external_id + "x"])

        assert answer.status_code == 400

    def test_is_watched_paused_and_cancelled(self, admins_api, judge, make_comparison):
        make_comparison()
        self.ask(admins_api, judge, comparisons="all")
        at = f"judges/{judge.pk}/runs/1/"

        watched = admins_api.get(at).json()
        states = [
            admins_api.send("PATCH", at, {"state": state}).json()
            for state in ("paused", "running", "cancelled")
        ]

        assert (watched["n_over"], watched["by_state"]["queued"], watched["cost"]) == (0, 2, "0")
        assert [one["state"] for one in states] == ["paused", "running", "cancelled"]
        assert states[-1]["by_state"]["cancelled"] == 2
        assert admins_api.send("PATCH", at, {"state": "running"}).status_code == 409
        assert admins_api.send("PATCH", at, {"state": "done"}).status_code == 400
        assert admins_api.get(f"judges/{judge.pk}/runs/2/").status_code == 404

    def test_is_asked_by_batch_where_the_endpoint_takes_them(
        self, admins_api, make_judge, make_comparison
    ):
        make_comparison()
        judge = make_judge(endpoint={"takes_batches": True})

        answer = self.ask(admins_api, judge, comparisons="all", by_batch=True)
        watched = admins_api.get(f"judges/{judge.pk}/runs/1/").json()

        assert (answer.status_code, answer.json()["by_batch"]) == (201, True)
        assert (watched["by_batch"], watched["batches"]) == (True, [])

    @pytest.mark.parametrize("purpose", ["run", "trial"])
    def test_is_not_asked_by_batch_otherwise(
        self, purpose, admins_api, make_judge, make_comparison
    ):
        make_comparison()
        judge = make_judge(endpoint={"takes_batches": purpose == "trial"})

        answer = self.ask(admins_api, judge, purpose=purpose, comparisons="all", by_batch=True)

        assert (answer.status_code, answer.json()["field"]) == (400, "by_batch")

    def test_is_listed(self, researchers_api, admins_api, judge, make_comparison):
        make_comparison()
        self.ask(admins_api, judge, comparisons="all")

        rows = researchers_api.get(f"judges/{judge.pk}/runs/").json()["results"]

        assert [row["number"] for row in rows] == [1]
