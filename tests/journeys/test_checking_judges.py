"""Pages say whose judge nobody has checked, start a check, and tell admins of a suspended one."""

import pytest

from annotation.domain.vocabulary import JudgeState, Role
from annotation.models import CanaryCheck, JudgeRun, JudgeVerdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client, make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def judge(make_judge, make_comparison, project, noon):
    comparisons = [
        make_comparison(prompt=f"Describe {subject}.", texts=(subject, f"Of {subject}"))
        for subject in ("rivers", "violins")
    ]
    judge = make_judge()
    JudgeRun.objects.create(
        project=project, judge=judge, number=1, purpose="run", n_requests=2, created_at=noon
    )
    JudgeVerdict.objects.create(
        project=project,
        judge=judge,
        comparison=comparisons[0],
        outcome="unsure",
        n_answers=2,
        concluded_at=noon,
    )
    return judge


class TestAJudgeThatNobodyChecked:
    def test_is_named_on_its_page_and_on_that_of_routing(self, admin, judge):
        own = admin.get(f"/projects/haiku/judges/{judge.pk}/").content.decode()
        routing = admin.get("/projects/haiku/curation/routing/").content.decode()

        assert "nobody knows whether a text can win it over" in own
        assert "Nobody has checked yet whether texts can give orders to" in routing

    def test_is_checked_by_an_admin(self, admin, judge):
        started = admin.post(f"/projects/haiku/judges/{judge.pk}/canaries/ask/", {"n": 50})

        assert started.url == f"/projects/haiku/judges/{judge.pk}/runs/2/"
        assert CanaryCheck.objects.get().n_canaries == 50
        page = admin.get(f"/projects/haiku/judges/{judge.pk}/canaries/").content.decode()
        assert "A check with 50 canaries goes on" in page
        again = admin.post(f"/projects/haiku/judges/{judge.pk}/canaries/ask/", {"n": 50})
        assert again.status_code == 409

    def test_is_told_what_a_check_costs_only_where_one_can_begin(self, admin, judge):
        before = admin.get(f"/projects/haiku/judges/{judge.pk}/canaries/").context["estimate"]
        admin.post(f"/projects/haiku/judges/{judge.pk}/canaries/ask/", {"n": 50})

        page = admin.get(f"/projects/haiku/judges/{judge.pk}/canaries/")

        assert before.n_comparisons == 100
        assert page.context["estimate"] is None

    def test_is_not_checked_with_just_any_number(self, admin, judge):
        asked = admin.post(f"/projects/haiku/judges/{judge.pk}/canaries/ask/", {"n": 51})
        page = admin.get(f"/projects/haiku/judges/{judge.pk}/canaries/?n=51")

        assert (asked.status_code, page.status_code) == (400, 422)
        assert not CanaryCheck.objects.exists()


class TestASuspendedJudge:
    def test_is_told_of_to_admins_on_every_page(self, admin, judge):
        judge.state, judge.state_reason = JudgeState.SUSPENDED, "Orders in texts win it over."
        judge.save(update_fields=["state", "state_reason"])

        notice = admin.get("/projects/haiku/curation/routing/notice/").content.decode()
        own = admin.get(f"/projects/haiku/judges/{judge.pk}/").content.decode()

        assert "strict 1" in notice
        assert "suspended, as orders in texts won it over" in notice
        assert "Activate the judge" in own
