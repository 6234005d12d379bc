import re

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from annotation.models import Criterion, Draft, Exclusion, GuidelinesVersion, Judgment, Slot, Span

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "/projects/haiku/judge/"


@pytest.fixture
def open_desk(open_context, ann):
    """Open the judging screen of the haiku project as ann, and wait for a comparison."""

    def open_desk(*, faked_clock=False, **options):
        page = open_context(ann.user, **options).new_page()
        if faked_clock:
            page.clock.install()
        page.goto(ADDRESS)
        wait_for_comparison(page)
        return page

    return open_desk


def slot_on(page):
    return int(page.get_attribute("#panel", "data-slot"))


def wait_for_comparison(page, which="[data-slot]"):
    """Wait until a comparison is on the desk and its texts will not change any more."""
    page.wait_for_selector(f"#panel{which}:not([inert])")
    expect(page.locator("#panel quorum-text:not([data-view])")).to_have_count(0)


def wait_until_ahead(page, number):
    """Wait until so many comparisons are fetched ahead, and no more are being asked for."""
    page.wait_for_selector(f"#stage[data-ahead='{number}']")


def shown_order(page):
    cards = page.locator("[data-card]")
    return [int(cards.nth(n).get_attribute("data-card")) for n in range(cards.count())]


def wait_until_saved(page):
    expect(page.locator("#save-state")).to_have_text("Saved")
    page.wait_for_function(
        "() => !Object.keys(localStorage).some(key => key.startsWith('quorum:outbox'))"
    )


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def answer(page, *keys):
    """Press keys that end a comparison, and wait until something else is on the desk."""
    slot = slot_on(page)
    press(page, *keys)
    expect(page.locator(f"#panel[data-slot='{slot}']")).to_have_count(0)


class TestCorrectAnAnswer:
    def test_opens_any_own_answer_from_the_list(self, open_desk, make_comparison):
        make_comparison(), make_comparison()
        page = open_desk()
        for _ in range(2):
            answer(page, "1", "Enter")
        wait_until_saved(page)
        oldest = Judgment.objects.earliest("id")

        page.goto("/projects/haiku/judgments/")
        page.get_by_role("link", name="Correct").last.click()
        wait_for_comparison(page, f"[data-corrects='{oldest.id}']")
        answer(page, "t", "Enter")
        expect(page.locator("[data-nothing=all_done]")).to_be_visible()
        wait_until_saved(page)

        assert Judgment.objects.get(supersedes=oldest).strength == 0
        assert Judgment.objects.in_force().count() == 2


class TestJudgePairs:
    def test_takes_two_keys_a_pair(self, open_desk, make_comparison, project):
        for _ in range(4):
            make_comparison()
        page = open_desk()
        expected = {}

        for keys, place, strength in [("1", 0, 1), ("22", 1, 2), ("111", 0, 3), ("t", None, 0)]:
            slot, order = slot_on(page), shown_order(page)
            expected[slot] = (order, order[place] if place is not None else None, strength)
            answer(page, *keys, "Enter")
        wait_until_saved(page)

        assert Judgment.objects.count() == 4
        for judgment in Judgment.objects.all():
            order, best, strength = expected[judgment.slot_id]
            assert judgment.shown_order == order
            assert judgment.strength == strength
            assert len(judgment.ranking) == (1 if best is None else 2)
            assert best is None or judgment.ranking[0] == [best]
        expect(page.locator("[data-nothing=all_done]")).to_be_visible()

    def test_keeps_aspects_reasons_and_the_words_that_were_marked(
        self, open_desk, make_comparison, project
    ):
        Criterion.objects.create(project=project, key="tone", name="Tone", kind="preference")
        Criterion.objects.create(project=project, key="depth", name="Depth", kind="rating")
        make_comparison(texts=("a **bold** 🙂 answer", "a **bold** 🙂 answer."))
        page = open_desk()
        first, second = shown_order(page)

        press(page, "m", "Shift+ArrowRight", "Enter")
        page.wait_for_selector("#marker:not([hidden])")
        press(page, "2", "1", "e")
        expect(page.locator("#why")).to_be_focused()
        for aspect in ("tone", "depth"):
            page.locator(f"[data-aspect={aspect}]").first.focus()
            press(page, "Space")
        page.locator("#why").focus()
        page.keyboard.type("It says more, and 1 is not pressed here.")
        page.locator("[data-tag=clearer]").focus()
        press(page, "Space")
        answer(page, "Control+Enter")
        wait_until_saved(page)

        judgment = Judgment.objects.get()
        span = Span.objects.get()
        assert judgment.ranking == [[first], [second]]
        assert judgment.criteria["tone"] == {"ranking": [[first], [second]]}
        assert judgment.criteria["depth"] == {"ratings": {str(first): 1}}
        assert judgment.rationale.text == "It says more, and 1 is not pressed here."
        assert judgment.rationale.tags == ["clearer"]
        assert (span.response_id, span.start, span.end, span.label) == (first, 0, 8, "error")

    def test_marks_the_selected_words_at_their_place_in_the_stored_text(
        self, open_desk, make_comparison
    ):
        text = "🙂 one &amp; `two` *three*\r\n\r\n- four\r\n- **five** six"
        make_comparison(texts=(text, text + " "))
        page = open_desk()

        for word in ("two", "three", "five", "six"):
            page.evaluate(
                """word => {
                    const walker = document.createTreeWalker(
                        document.querySelector("quorum-text[data-response]"), NodeFilter.SHOW_TEXT);
                    while (walker.nextNode()) {
                        const at = walker.currentNode.data.indexOf(word);
                        if (at < 0) continue;
                        getSelection().setBaseAndExtent(
                            walker.currentNode, at, walker.currentNode, at + word.length);
                        return;
                    }
                }""",
                word,
            )
            page.wait_for_selector("#marker:not([hidden])")
            press(page, "1")
        answer(page, "1", "Enter")
        wait_until_saved(page)

        marked = [text[span.start : span.end] for span in Span.objects.order_by("start")]
        assert marked == ["two", "three", "five", "six"]

    def test_says_what_is_missing_and_goes_there(self, open_desk, make_comparison, project):
        project.rationale_policy, project.rationale_min_chars = "required", 10
        project.save()
        make_comparison()
        page = open_desk()

        press(page, "Enter")
        expect(page.locator(".problem")).to_have_text("Choose an answer first.")
        press(page, "2", "Enter")
        expect(page.locator(".problem")).to_have_text("Say why in at least 10 characters.")
        expect(page.locator("#why")).to_be_focused()
        page.keyboard.type("It answers the question.")
        answer(page, "Control+Enter")
        wait_until_saved(page)

        assert Judgment.objects.get().rationale.text == "It answers the question."

    def test_takes_other_answers_than_a_preference(self, open_desk, make_comparison):
        for _ in range(3):
            make_comparison()
        page = open_desk()

        answer(page, "b", "Enter")
        answer(page, "u", "Enter")
        answer(page, "c", "2", "Enter")
        expect(page.locator("[data-nothing]")).to_be_visible()
        wait_until_saved(page)

        said = set(Judgment.objects.values_list("outcome", "reason"))
        assert said == {("both_bad", ""), ("unsure", ""), ("cannot_judge", "expertise")}

    def test_takes_keys_that_come_before_a_dialog_has_gone(self, open_desk, make_comparison):
        make_comparison()
        page = open_desk()

        # In one breath: the browser tells of a closed dialog in a later task than these keys.
        page.evaluate(
            """async () => {
                for (const key of ["c", "2", "Enter"]) {
                    const options = { key, bubbles: true, cancelable: true };
                    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
                    for (let hops = 0; hops < 20; hops++) await null;
                }
            }"""
        )
        expect(page.locator("[data-nothing]")).to_be_visible()
        wait_until_saved(page)

        judgment = Judgment.objects.get()
        assert (judgment.outcome, judgment.reason) == ("cannot_judge", "expertise")

    def test_skips_with_a_reason_and_can_be_cancelled(self, open_desk, make_comparison):
        make_comparison()
        page = open_desk()

        press(page, "s", "Escape")
        expect(page.locator("#skip-dialog")).not_to_be_visible()
        press(page, "s")
        expect(page.locator("#skip-reason")).to_be_focused()
        page.keyboard.type("not mine")
        answer(page, "Enter")
        expect(page.locator("[data-nothing]")).to_be_visible()
        wait_until_saved(page)

        assert Exclusion.objects.get().note == "not mine"


class TestJudgeRankings:
    @pytest.fixture
    def project(self, make_project):
        return make_project(slug="haiku", name="Haiku", response_format="ranking")

    def test_takes_a_digit_for_each_response_and_enter(self, open_desk, make_comparison):
        make_comparison(texts=("one", "two", "three", "four"))
        page = open_desk()
        a, b, c, d = shown_order(page)

        press(page, "2", "1", "4", "2")
        expect(page.locator(".said")).to_have_text("B › A = D › C")
        answer(page, "Enter")
        wait_until_saved(page)

        judgment = Judgment.objects.get()
        assert judgment.ranking == [[b], sorted([a, d]), [c]]
        assert judgment.shown_order == [a, b, c, d]

    def test_steps_back_and_refuses_half_an_order(self, open_desk, make_comparison):
        make_comparison(texts=("one", "two", "three"))
        page = open_desk()
        a, b, c = shown_order(page)

        press(page, "1", "1", "Enter")
        expect(page.locator(".problem")).to_have_text("Place every response: 1 left.")
        answer(page, "Backspace", "3", "2", "Enter")
        wait_until_saved(page)

        assert Judgment.objects.get().ranking == [[a], [c], [b]]

    def test_can_be_ordered_by_dragging_and_by_buttons(self, open_desk, make_comparison):
        make_comparison(texts=("one", "two", "three"))
        page = open_desk()
        a, b, c = shown_order(page)
        press(page, "1", "2", "3")

        page.get_by_role("button", name="Move C up").click()
        expect(page.locator(".said")).to_have_text("A › B = C")
        page.get_by_role("button", name="Move C up").click()
        expect(page.locator(".said")).to_have_text("A › C › B")
        page.wait_for_function("() => window.Sortable !== undefined")
        page.locator(f"[data-piece='{a}'] .piece-name").drag_to(page.locator(f"[data-piece='{b}']"))
        expect(page.locator(".said")).to_have_text(re.compile("^C › A = B$"))
        answer(page, "Enter")
        wait_until_saved(page)

        assert Judgment.objects.get().ranking == [[c], sorted([a, b])]


class TestNeverLoseAnAnswer:
    @pytest.mark.parametrize("seconds", [5, 120])
    def test_judges_on_without_a_network(self, seconds, open_desk, make_comparison):
        for _ in range(5):
            make_comparison()
        page = open_desk(faked_clock=True)
        wait_until_ahead(page, 2)

        page.context.set_offline(True)
        for _ in range(3):
            answer(page, "1", "Enter")
        expect(page.locator("[data-nothing=unreachable]")).to_be_visible()
        expect(page.locator("#save-state")).to_have_text("Offline · 3 answers kept here")
        for _ in range(seconds // 5):
            page.clock.run_for(5_000)
        page.context.set_offline(False)
        for _ in range(2):
            wait_for_comparison(page)
            answer(page, "2", "Enter")
        expect(page.locator("[data-nothing=all_done]")).to_be_visible()
        wait_until_saved(page)

        assert Judgment.objects.count() == 5
        assert Judgment.objects.values("comparison").distinct().count() == 5

    def test_sends_what_is_left_after_the_browser_was_closed(self, open_desk, make_comparison):
        make_comparison()
        make_comparison()
        page = open_desk()
        page.context.route("**/judgment/", lambda route: route.abort())
        slot = slot_on(page)
        answer(page, "1", "Enter")
        page.once("dialog", lambda dialog: dialog.accept())
        page.context.unroute("**/judgment/")
        page.goto(ADDRESS)

        wait_for_comparison(page)
        wait_until_saved(page)

        assert Judgment.objects.get().slot_id == slot

    def test_counts_an_answer_once_when_its_acknowledgement_is_lost(
        self, open_desk, make_comparison
    ):
        make_comparison()
        page = open_desk()
        times = []

        def lose_first(route):
            times.append(1)
            response = route.fetch()
            route.abort() if len(times) == 1 else route.fulfill(response=response)

        page.context.route("**/judgment/", lose_first)
        press(page, "1", "Enter", "Enter", "Enter")
        wait_until_saved(page)

        assert len(times) == 2
        assert Judgment.objects.count() == 1

    def test_restores_a_draft_here_and_on_another_machine(self, open_desk, make_comparison):
        make_comparison()
        page = open_desk()
        best = shown_order(page)[0]
        press(page, "1", "1", "e")
        page.locator("#why").fill("so far")

        page.reload()
        wait_for_comparison(page)
        order = shown_order(page)
        expect(page.locator("#why")).to_have_value("so far")
        with page.expect_response(lambda said: "so good" in (said.request.post_data or "")):
            page.locator("#why").fill("so far, so good")
        elsewhere = open_desk()

        expect(elsewhere.locator("#why")).to_have_value("so far, so good")
        assert shown_order(elsewhere) == order
        answer(elsewhere, "Enter")
        wait_until_saved(elsewhere)
        assert Judgment.objects.get().ranking[0] == [best]
        assert Judgment.objects.get().strength == 2
        assert Draft.objects.count() == 0

    def test_asks_to_log_in_again_and_keeps_the_answer(
        self, open_desk, sign_in, ann, make_comparison
    ):
        make_comparison()
        page = open_desk()
        page.context.clear_cookies(name="sessionid")

        press(page, "1", "Enter")
        expect(page.locator("#save-state a")).to_have_text("Log in again")
        sign_in(page.context, ann.user)
        wait_until_saved(page)

        assert Judgment.objects.count() == 1

    def test_keeps_an_answer_that_comes_after_its_lease(
        self, open_desk, bob, make_comparison, noon
    ):
        make_comparison()
        page = open_desk()
        wait_until_ahead(page, 0)
        Slot.objects.update(lease_ends_at=noon)

        answer(page, "1", "Enter")
        wait_until_saved(page)

        assert Judgment.objects.count() == 1

    def test_shows_a_refused_answer_and_a_way_back_to_it(self, open_desk, make_comparison, project):
        make_comparison()
        page = open_desk()
        wait_until_ahead(page, 0)
        project.rationale_policy, project.rationale_min_chars = "required", 5
        project.save()
        held = []
        page.context.route("**/judge/next/", lambda route: held.append(route), times=1)

        press(page, "1", "Enter")
        expect(page.locator("#refused")).to_contain_text("Say why in at least 5 characters")
        page.get_by_role("button", name="Open it again").click()
        expect(page.locator(".said")).to_contain_text("is slightly better")
        with page.expect_response("**/judge/next/"):  # too late to push it off the desk again
            held[0].continue_()
        page.locator("#why").fill("because of this")
        answer(page, "Control+Enter")
        wait_until_saved(page)

        assert Judgment.objects.get().rationale.text == "because of this"


class TestUndo:
    def test_corrects_the_last_answer(self, open_desk, make_comparison):
        make_comparison()
        make_comparison()
        page = open_desk()
        slot, order = slot_on(page), shown_order(page)
        answer(page, "1", "Enter")
        wait_for_comparison(page)
        wait_until_saved(page)
        after = slot_on(page)

        press(page, "z")
        wait_for_comparison(page, "[data-corrects]:not([data-corrects=''])")
        assert shown_order(page) == order
        expect(page.locator(".said")).to_have_text("Response 1 is slightly better")
        answer(page, "2", "Enter")
        wait_until_saved(page)

        first, second = Judgment.objects.order_by("id")
        assert (first.slot_id, second.slot_id, second.supersedes_id) == (slot, slot, first.id)
        assert second.ranking == [[order[1]], [order[0]]]
        assert slot_on(page) == after

    def test_leaves_the_last_answer_open_while_the_page_would_look_for_work(
        self, open_desk, make_comparison
    ):
        make_comparison()
        page = open_desk(faked_clock=True)
        answer(page, "1", "Enter")
        wait_until_saved(page)
        expect(page.locator("[data-nothing]")).to_be_visible()

        press(page, "z")
        wait_for_comparison(page, "[data-corrects]:not([data-corrects=''])")
        page.clock.run_for(60_000)
        page.evaluate("async () => (await fetch(location.href)).text()")  # what was asked is there
        answer(page, "2", "Enter")
        wait_until_saved(page)

        assert Judgment.objects.in_force().get().supersedes_id

    def test_takes_back_an_answer_that_has_not_left(self, open_desk, make_comparison):
        make_comparison()
        make_comparison()
        page = open_desk()
        wait_until_ahead(page, 1)
        page.context.set_offline(True)
        slot = slot_on(page)
        answer(page, "1", "Enter")
        expect(page.locator("#save-state")).to_have_text("Offline · 1 answer kept here")

        press(page, "z")
        wait_for_comparison(page, f"[data-slot='{slot}']")
        answer(page, "2", "Enter")
        page.context.set_offline(False)
        wait_until_saved(page)

        assert Judgment.objects.count() == 1
        assert Judgment.objects.get().slot_id == slot


class TestEverybodyCanJudge:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [360, 1440])
    def test_has_no_serious_accessibility_violation(
        self, open_desk, violations, project, make_comparison, width, scheme, noon
    ):
        project.guidelines = GuidelinesVersion.objects.create(
            project=project, number=1, text="# Read this\n\nFirst.", created_at=noon
        )
        project.save()
        Criterion.objects.create(project=project, key="tone", name="Tone", kind="preference")
        Criterion.objects.create(project=project, key="depth", name="Depth", kind="rating")
        code = "```python\nx = 1  # a comment\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$x^2$ and [a](http://b.c)"
        make_comparison(texts=(code, "> quoted\n\n" + "word " * 300))
        page = open_desk(width=width, color_scheme=scheme, reduced_motion="reduce")

        found = violations(page)
        press(page, "1", "e")
        found += violations(page)
        page.locator("[data-tag=clearer]").click()
        press(page, "Escape", "m", "Enter")
        page.wait_for_selector("#marker:not([hidden])")
        found += violations(page)
        press(page, "1")
        expect(page.locator(".span-chip")).to_have_count(1)
        found += violations(page)
        for key in "gs?c":
            press(page, key)
            page.wait_for_selector("dialog[open]")
            found += violations(page)
            press(page, "Escape")
            expect(page.locator("dialog[open]")).to_have_count(0)
        answer(page, "Enter")
        page.wait_for_selector("[data-nothing]")
        found += violations(page)

        assert found == []

    def test_fits_a_phone_without_scrolling_sideways(self, open_desk, make_comparison):
        make_comparison(
            texts=(
                "wide " * 50 + "\n\n```\n" + "x" * 500 + "\n```",
                "|a" * 40 + "|\n" + "|-" * 40 + "|",
            )
        )
        page = open_desk(width=360, height=740)

        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    def test_names_no_model_and_no_file_row(self, open_desk, make_comparison, ann, join, make_user):
        make_comparison()
        page = open_desk()

        assert not re.search(r"model-\d|item-\d", page.content())
        assert Role.ANNOTATOR not in page.locator("#panel").inner_text()
