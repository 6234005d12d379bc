"""A policy is written, dry-run and activated; then comparisons reach people and judges."""

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from annotation.models import JudgeVerdict, Slot
from annotation.selectors.clock import database_now
from annotation.services.judges import requests
from curation.domain.vocabulary import SignalFamily
from curation.models import RoutingPolicy, Signals
from curation.services.routing import drain, figures, simulations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


@pytest.fixture
def graded(project, make_comparison, make_judge, practice_endpoint, noon):
    """Four comparisons, two of them hard, and a judge that answers."""
    make_judge(endpoint={"base_url": practice_endpoint.url})
    made = [make_comparison(slots=2) for _ in range(4)]
    for place, comparison in enumerate(made):
        Signals.objects.create(
            project=project,
            comparison=comparison,
            family=SignalFamily.DIFFICULTY,
            version=1,
            values={"difficulty": place / 4},
            computed_at=noon,
        )
    return made


def write_policy(page):
    """Send what is hard to two people and the rest to the judge, by the form alone."""
    rule = page.get_by_label("Rule 1", exact=True)
    rule.fill("hard")
    condition = page.get_by_role("group", name="Condition 1 of rule 1")
    condition.get_by_label("Fact").fill("dificulty")
    condition.get_by_label("Value").fill("0.5")
    page.get_by_role("group", name="New rule: who judges").get_by_label("People on each").fill("2")
    rest = page.get_by_role("group", name="All others: who judges")
    rest.get_by_label("Goes to").select_option("judge")
    rest.get_by_label("strict 1").check()
    page.get_by_label("Share of judges’ work that people judge too").fill("0")
    page.get_by_role("button", name="Save as a draft").click()


class TestRouting:
    def test_a_policy_is_written_tried_and_put_to_work(
        self, project, admin, graded, open_context, wait_until_drawn
    ):
        page = open_context(admin).new_page()
        page.goto("/projects/haiku/curation/")
        curation = page.get_by_role("navigation", name="Curation")
        curation.get_by_role("link", name="Routing").click()
        page.get_by_role("button", name="Write a policy").click()

        write_policy(page)
        wrong = page.get_by_label("Fact")
        expect(page.get_by_text("did you mean “difficulty”?")).to_be_visible()
        expect(wrong).to_have_attribute("aria-invalid", "true")
        wrong.fill("difficulty")
        page.get_by_role("button", name="Save as a draft").click()

        expect(page.get_by_text("Look at its dry run before you activate it")).to_be_visible()
        page.get_by_role("button", name="Dry-run it").click()
        expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
        simulations.simulate_next(now=database_now())
        routes = page.get_by_role("region", name="Routes, before and with this policy")
        expect(routes.get_by_role("row", name="people 4 100% 2 50%", exact=True)).to_be_visible()
        expect(routes.get_by_role("row", name="LLM judges 0 0% 2 50%")).to_be_visible()
        page.get_by_text("2 examples").first.click()
        expect(page.get_by_text("difficulty 0.5 is at least 0.5")).to_be_visible()
        wait_until_drawn(page)

        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_text("Policy 1 is active", exact=False).first).to_be_visible()
        while drain.route_next(now=database_now()):
            pass
        while requests.answer_next(now=database_now()):
            pass
        figures.refresh_next(now=database_now(), project=graded[0].project)
        page.reload()
        standing = page.get_by_role("region", name="Comparisons by route")
        expect(standing.get_by_role("row", name="people 2 50% 0 0", exact=True)).to_be_visible()
        expect(standing.get_by_role("row", name="LLM judges 2 50% 0 2")).to_be_visible()
        easy, hard = graded[:2], graded[2:]
        judged = JudgeVerdict.objects.values_list("comparison", flat=True)
        assert set(judged) == {one.pk for one in easy}
        wanted = Slot.objects.values_list("comparison", flat=True)
        assert sorted(wanted) == sorted(2 * [one.pk for one in hard])


class TestEditor:
    def test_moves_rules_by_keyboard_and_keeps_the_focus_on_them(self, admin, open_context):
        page = open_context(admin).new_page()
        page.goto("/projects/haiku/curation/routing/new/")
        page.get_by_label("Rule 1", exact=True).fill("first")
        page.get_by_role("button", name="Add a rule").press("Enter")
        second = page.get_by_label("Rule 2", exact=True)
        expect(second).to_be_focused()
        second.fill("second")

        page.get_by_role("button", name="Move rule 2 up").press("Enter")

        expect(page.get_by_label("Rule 1", exact=True)).to_have_value("second")
        expect(page.get_by_role("button", name="Move rule 1 down")).to_be_focused()
        page.get_by_role("button", name="Add a condition to rule 2").press("Enter")
        expect(page.get_by_role("group", name="Condition 2 of rule 2")).to_be_visible()
        expect(page.get_by_label("Rule 2", exact=True)).to_have_value("first")

    def test_works_without_script(self, admin, open_context):
        page = open_context(admin, java_script_enabled=False).new_page()
        page.goto("/projects/haiku/curation/routing/new/")
        page.get_by_role("button", name="Take out rule 1").click()
        page.get_by_role("button", name="Edit as JSON").click()
        page.get_by_label("The policy as JSON").fill('{"default": {"route": "human"}}')

        page.get_by_role("button", name="Save as a draft").click()

        expect(page.get_by_text("Always, one person judges it.")).to_be_visible()
        assert RoutingPolicy.objects.get().content["rules"] == []
