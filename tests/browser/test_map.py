import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from curation.domain.texts import text_digest
from curation.models import ItemTexts, PromptMap, PromptPoint, Text, Topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = '<img src=x onerror=alert(1)> & what of "it"?'
PLACES = {"Bake bread?": (-0.8, -0.8, 0), HOSTILE: (-0.7, -0.7, 0), "Sort a list.": (0.9, 0.9, 1)}


@pytest.fixture
def researcher(make_user, join, project):
    user = make_user("rosa")
    join(user, project, Role.RESEARCHER)
    return user


@pytest.fixture
def drawn(project, make_item, noon):
    found = PromptMap.objects.create(project=project, version=1, n_prompts=3, computed_at=noon)
    for number, label in enumerate(("bread", "python; list")):
        Topic.objects.create(
            prompt_map=found, number=number, label=label, size=2 - number, centroid=b""
        )
    for prompt, (x, y, topic) in PLACES.items():
        item = make_item(prompt=prompt)
        digest = text_digest(prompt)
        text = Text.objects.create(digest=digest, folded=digest, n_chars=len(prompt), item=item)
        ItemTexts.objects.create(
            item=item, project=project, prompt=text, digest=digest, folded=digest
        )
        PromptPoint.objects.create(prompt_map=found, text=text, x=x, y=y, topic=topic)


@pytest.fixture
def open_map(open_context, researcher):
    def open_map(**options):
        page = open_context(researcher, **options).new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/projects/haiku/curation/map/")
        page.wait_for_selector("#map[data-drawn] canvas")
        return page, faults

    return open_map


def lasso(page, corners):
    """Draw a closed line over the map; corners are shares of the drawing's width and height."""
    box = page.locator("#map canvas").bounding_box()
    inside = [(box["x"] + x * box["width"], box["y"] + y * 480) for x, y in corners]
    page.mouse.move(*inside[0])
    page.mouse.down()
    for corner in inside[1:]:
        page.mouse.move(*corner, steps=5)
    page.mouse.up()


class TestMap:
    def test_lists_what_a_lasso_holds(self, drawn, open_map):
        page, faults = open_map()

        lasso(page, [(0.01, 0.45), (0.45, 0.45), (0.45, 0.97), (0.01, 0.97)])

        rows = page.locator("#chosen tbody tr")
        expect(page.locator("#chosen-count")).to_have_text("2 prompts.")
        expect(rows).to_have_count(2)
        expect(rows.nth(1).locator("a")).to_have_text(HOSTILE)
        page.locator("#chosen-clear").click()
        expect(page.locator("#chosen-none")).to_be_visible()
        assert faults == []

    def test_opens_the_item_of_a_prompt(self, drawn, open_map):
        page, _ = open_map()
        lasso(page, [(0.55, 0.02), (0.99, 0.02), (0.99, 0.5), (0.55, 0.5)])

        page.locator("#chosen a").click()

        expect(page.get_by_text("Sort a list.").first).to_be_visible()

    def test_is_coloured_by_any_signal(self, drawn, open_map):
        page, faults = open_map(width=360, color_scheme="dark")

        page.get_by_label("Colour by").select_option("votes")

        page.wait_for_url("**colour=votes**")
        page.wait_for_selector("#map[data-drawn] canvas")
        assert faults == []

    def test_keeps_to_one_topic_without_the_map(self, drawn, open_map, violations):
        page, _ = open_map()

        page.get_by_role("link", name="python; list").click()

        listed = page.get_by_role("region", name="Prompts of this topic")
        expect(listed.get_by_role("link")).to_have_text(["Sort a list."])
        assert violations(page) == []
