"""Groups of duplicates, decided upon with the keyboard, on a phone and on a desk."""

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from annotation.models import Judgment
from curation.models import DuplicateGroup
from curation.tasks import find_duplicates, read_items

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RAIN = "Please write a short haiku about the rain that falls in the old town in spring"
SNOW = "Explain how a compiler turns the source of a program into machine code, step by step"
LOOKS = [(360, "dark"), (1440, "light")]


@pytest.fixture
def ada(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


@pytest.fixture
def twins(make_comparison, ann, noon):
    """Two groups of near duplicates, and a comparison of which the same texts were judged."""
    judged = make_comparison(prompt=RAIN, texts=("a", "b"))
    asked = make_comparison(prompt=RAIN, texts=("a", "b"))
    make_comparison(prompt=RAIN + " <!>", texts=("c", "d"))
    make_comparison(prompt=SNOW, texts=("e", "f"))
    make_comparison(prompt=SNOW + "!", texts=("g", "h"))
    Judgment.objects.create(
        project=judged.project,
        comparison=judged,
        annotator=ann,
        outcome="ranked",
        ranking=[[judged.response_ids[0]], [judged.response_ids[1]]],
        judged_at=noon,
    )
    read_items()
    find_duplicates()
    return asked


class TestDuplicates:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_are_accessible_and_fit(self, twins, ada, open_context, violations, width, theme):
        page = open_context(ada, width=width, color_scheme=theme).new_page()
        faults = []
        for path in ("duplicates/", f"comparisons/{twins.pk}/reuse/"):
            page.goto(f"/projects/haiku/curation/{path}")
            faults += violations(page)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{path} is wider than the window")

        assert faults == []

    def test_split_and_undo_by_keyboard(self, twins, ada, open_context):
        page = open_context(ada).new_page()
        page.goto("/projects/haiku/curation/duplicates/?kind=near")
        groups = page.locator(".duplicate-group")
        expect(groups).to_have_count(2)

        page.get_by_label("split out").first.press("Space")
        page.get_by_role("button", name="Split out the chosen").first.press("Enter")
        expect(page.get_by_role("region", name="Decisions")).to_contain_text("split")
        assert DuplicateGroup.objects.filter(kind="near").count() == 1
        page.get_by_role("button", name="Undo decision").press("Enter")
        expect(page.get_by_role("region", name="Decisions")).to_contain_text("undone")

        assert DuplicateGroup.objects.filter(kind="near").count() == 2

    def test_offer_judgments_of_the_same_texts(self, twins, ada, open_context):
        page = open_context(ada).new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"/projects/haiku/curation/comparisons/{twins.pk}/reuse/")

        page.get_by_role("button", name="Reuse judgments").click()
        page.wait_for_url("**/comparisons/*/")

        assert twins.judgments.count() == 1
