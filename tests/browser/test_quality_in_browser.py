"""The quality pages in a browser: agreement that keeps up by itself, and axe-core everywhere."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import AnnotatorKind, Role
from annotation.models import Annotator, Comparison, Judgment
from annotation.services import aggregation, quality

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = {
    "quality": "/projects/haiku/quality/",
    "people and judges": "/projects/haiku/judges/",
    "leaderboard": "/projects/haiku/leaderboard/",
    "leaderboard by judges": "/projects/haiku/leaderboard/?by=llm",
    "my quality": "/projects/haiku/annotators/me/",
    "annotator": "/projects/haiku/annotators/{annotator}/",
}
LOOKS = [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")]
N_COMPARISONS = 52


@pytest.fixture
def researcher(make_user, join, project):
    user = make_user("rosa")
    join(user, project, Role.RESEARCHER)
    return user


@pytest.fixture
def vote(project, noon):
    def vote(comparison, annotator, best):
        a, b = comparison.response_ids
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=annotator,
            outcome="ranked",
            ranking=[[a], [b]] if best == 0 else [[b], [a]],
            strength=1,
            shown_order=[a, b],
            judged_at=noon,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)

    return vote


@pytest.fixture
def count(noon):
    def count():
        while aggregation.refresh_next_stale(now=noon):
            pass
        while quality.refresh_next_report(now=noon + timedelta(minutes=1)):
            pass

    return count


@pytest.fixture
def judged(project, make_comparison, ann, bob, vote, count, noon):
    """Fifty-two comparisons with two equal votes of people each, and one of a judge."""
    judge = Annotator.objects.create(
        project=project, kind=AnnotatorKind.LLM, name="judge-1", created_at=noon
    )
    comparisons = [make_comparison() for _ in range(N_COMPARISONS)]
    for place, comparison in enumerate(comparisons):
        for who in (ann, bob):
            vote(comparison, who, place % 2)
        vote(comparison, judge, place % 3 % 2)
    count()
    return comparisons


class TestLiveAgreement:
    def test_follows_a_judgment_without_a_reload(
        self, judged, researcher, open_context, make_annotator, vote, count
    ):
        page = open_context(researcher).new_page()
        page.goto("/projects/haiku/quality/")
        live = page.locator("#live")
        expect(live.get_by_text("100%", exact=True).first).to_be_visible()

        vote(judged[0], make_annotator("carl"), 1)
        count()

        # 52 of the 54 pairs of votes agree now.
        expect(live.get_by_text("96.3%", exact=True).first).to_be_visible()

    def test_rests_while_nobody_looks(self, judged, researcher, open_context):
        page = open_context(researcher).new_page()
        page.clock.install()
        page.goto("/projects/haiku/quality/")
        asked = []
        page.on("request", lambda request: asked.append(request.url))

        with page.expect_response("**/quality/?seen=*") as polled:
            page.clock.run_for(4_000)
        assert polled.value.status == 204
        page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
        asked.clear()
        page.clock.run_for(60_000)
        page.evaluate("async () => (await fetch('/health/')).text()")  # what was asked is heard of

        assert [url for url in asked if "seen" in url] == []


class TestQualityPages:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_are_accessible_and_fit(
        self, judged, researcher, ann, open_context, wait_until_drawn, violations, width, theme
    ):
        faults = []
        context = open_context(researcher, width=width, color_scheme=theme)
        for name, address in PAGES.items():
            page = context.new_page()
            said = []
            page.on("console", lambda message, to=said: to.append(message.text))
            page.goto(address.format(annotator=ann.id))
            wait_until_drawn(page)
            for summary in page.locator(".plot-table summary").all():
                summary.click()
            faults += [f"{name}: {fault}" for fault in violations(page)]
            faults += [f"{name}: {text}" for text in said]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{name}: wider than the window")
            page.close()

        assert faults == []
