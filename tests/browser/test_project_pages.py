import re

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import CriterionKind, Role
from annotation.models import Annotator, Judgment
from annotation.services import projects
from annotation.services.projects import CriterionDraft

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ada(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


class TestProgressPlot:
    def test_is_drawn_again_in_the_colours_of_the_other_theme(
        self, ada, open_context, project, make_comparison, noon
    ):
        me = Annotator.objects.create(user=ada, kind="human", name="ada", created_at=noon)
        Judgment.objects.create(
            project=project,
            comparison=make_comparison(),
            annotator=me,
            outcome="unsure",
            judged_at=noon,
        )
        page = open_context(ada, color_scheme="light").new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))

        page.goto("/projects/haiku/")
        plot = page.locator(".plot canvas").first
        expect(plot).to_be_visible()
        light = plot.evaluate("canvas => canvas.toDataURL()")
        page.get_by_role("button", name="Switch between light and dark").click()

        page.wait_for_function(
            "light => document.querySelector('.plot canvas')?.toDataURL() !== light", arg=light
        )
        assert said == []


class TestEveryProjectPage:
    def test_shows_the_tab_that_it_is_under_on_a_phone(self, ada, open_context, project):
        page = open_context(ada, width=360).new_page()

        page.goto("/projects/haiku/settings/")

        expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)

    def test_sends_a_form_once(self, ada, open_context):
        page = open_context(ada).new_page()
        page.goto("/account/profile/")
        send = """document.querySelector("main form").dispatchEvent(
            new SubmitEvent("submit", {bubbles: true, cancelable: true}))"""

        is_sent = [page.evaluate(send), page.evaluate(send)]

        assert is_sent == [True, False]

    def test_sends_a_form_again_where_no_answer_came(self, ada, open_context):
        page = open_context(ada).new_page()
        page.clock.install()
        page.goto("/account/profile/")
        send = """document.querySelector("main form").dispatchEvent(
            new SubmitEvent("submit", {bubbles: true, cancelable: true}))"""

        first = page.evaluate(send)
        page.clock.fast_forward(21_000)

        assert (first, page.evaluate(send)) == (True, True)


class TestCriteriaEditor:
    def test_adds_moves_and_takes_out_before_it_saves(self, ada, open_context, project, noon):
        projects.set_criteria(
            actor=ada,
            project_id=project.id,
            criteria=[
                CriterionDraft("tone", "Tone", CriterionKind.RATING),
                CriterionDraft("depth", "Depth", CriterionKind.RATING),
            ],
            now=noon,
        )
        page = open_context(ada).new_page()
        page.goto("/projects/haiku/settings/")
        editor = page.locator("#criteria-editor")

        editor.get_by_role("button", name="Add a criterion").click()
        row = editor.locator(".criterion-row").last
        row.get_by_label("Key").fill("truth")
        row.get_by_label("Name").fill("Truth")
        row.get_by_role("button", name="Move up").click()
        editor.locator(".criterion-row").first.get_by_role("button", name="Take out").click()
        editor.get_by_role("button", name="Save criteria").click()

        expect(page.get_by_text("The criteria are saved.")).to_be_visible()
        asked = project.criteria.filter(is_asked=True).values_list("key", flat=True)
        assert list(asked) == ["truth", "depth"]


class TestGuidelinesEditor:
    def test_shows_what_is_typed_as_annotators_will_see_it(self, ada, open_context):
        page = open_context(ada).new_page()
        page.goto("/projects/haiku/guidelines/edit/")

        page.get_by_label("Guidelines, in Markdown").fill("Be **kind**.")

        expect(page.locator("#guidelines-preview strong")).to_have_text("kind")

    def test_publishes_the_next_version(self, ada, open_context):
        page = open_context(ada).new_page()
        page.goto("/projects/haiku/guidelines/edit/")
        page.get_by_label("Guidelines, in Markdown").fill("Be kind.")

        page.get_by_role("button", name="Publish").click()

        expect(page.get_by_text("Version 1 of the guidelines is in force.")).to_be_visible()


class TestItemFilters:
    def test_swap_the_list_and_keep_the_address(self, ada, open_context, make_item):
        make_item(external_id="alpha")
        make_item(external_id="beta")
        page = open_context(ada).new_page()
        page.goto("/projects/haiku/items/")

        page.get_by_label("Id begins with").fill("be")
        page.get_by_label("Id begins with").press("Enter")

        expect(page.get_by_role("link", name="alpha")).to_have_count(0)
        expect(page.get_by_role("link", name="beta")).to_be_visible()
        expect(page).to_have_url(re.compile("id=be"))
