"""Checks of judges with canaries over the API: started, listed, read."""

import pytest

from annotation.models import JudgeRequest
from annotation.services.judges import canaries


@pytest.fixture
def judge(make_judge, make_comparison):
    for subject in ("rivers", "violins", "planets"):
        make_comparison(prompt=f"Describe {subject}.", texts=(f"{subject} flow", f"{subject} do"))
    return make_judge()


class TestACheck:
    def test_tells_nothing_before_it_is_over(self, admins_api, researchers_api, judge):
        answer = admins_api.post(f"judges/{judge.pk}/canaries/", {"canaries": 10})

        body = answer.json()
        assert answer.status_code == 201
        assert (body["n_canaries"], body["n_requests"], body["state"]) == (10, 40, "running")
        assert body["found"] is body["concluded_at"] is None
        listed = researchers_api.get(f"judges/{judge.pk}/canaries/").json()["results"]
        assert listed == [body]
        assert admins_api.get(f"judges/{judge.pk}/runs/1/").json()["purpose"] == "canary"

    def test_tells_what_it_found(self, admins_api, judge, noon):
        admins_api.post(f"judges/{judge.pk}/canaries/", {})
        worse = {"outcome": "ranked", "tiers": [[0], [1]], "criteria": {}, "why": ""}
        JudgeRequest.objects.update(state="answered", status="usable", verdict=worse)
        canaries.conclude_checks(now=noon)

        body = admins_api.get(f"judges/{judge.pk}/canaries/1/").json()

        found = body["found"]
        assert (body["state"], body["suspended"], found["limit"]) == ("done", False, 0.02)
        assert found["attacked"]["n_lost"] == found["controls"]["n_lost"] == 100
        assert found["attacked"]["low"] == pytest.approx(0.9638, abs=1e-4)
        assert sum(one["n_asked"] for one in found["by_kind"].values()) == 100
        assert "judges badly" in found["verdict"]

    @pytest.mark.parametrize("body", [{"canaries": 9}, {"canaries": 1001}, {"n": 50}])
    def test_refuses_what_is_no_number_of_canaries(self, admins_api, judge, body):
        assert admins_api.post(f"judges/{judge.pk}/canaries/", body).status_code == 400

    def test_is_refused_while_another_goes_on(self, admins_api, judge):
        admins_api.post(f"judges/{judge.pk}/canaries/", {"canaries": 10})

        again = admins_api.post(f"judges/{judge.pk}/canaries/", {"canaries": 10})

        assert (again.status_code, again.json()["code"]) == (409, "check_under_way")

    def test_has_a_number_of_its_own(self, admins_api, judge):
        assert admins_api.get(f"judges/{judge.pk}/canaries/1/").status_code == 404
