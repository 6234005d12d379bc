"""An admin configures a judge, tries it, runs it, watches it become done, and sees its curve."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from annotation.models import Comparison, JudgeRun, Judgment
from annotation.selectors.clock import database_now
from annotation.services import aggregation, quality
from annotation.services.judges import calibration, requests

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

N_COMPARISONS = 12
LOOKS = [(360, "light"), (1440, "dark")]  # the empty pages are looked at with all others


@pytest.fixture
def admin(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


@pytest.fixture
def judged(project, make_comparison, ann, bob, noon):
    """Comparisons that two people judged: the longer answer is better, but for every fourth."""
    for place in range(N_COMPARISONS):
        texts = ("A short answer.", f"A longer answer that explains the matter {place} " * 4)
        comparison = make_comparison(texts=texts, prompt=f"Explain the matter {place}.")
        better, worse = reversed(comparison.response_ids)
        ranking = [[worse], [better]] if place % 4 == 0 else [[better], [worse]]
        for who in (ann, bob):
            Judgment.objects.create(
                project=project,
                comparison=comparison,
                annotator=who,
                outcome="ranked",
                ranking=ranking,
                strength=1,
                judged_at=noon,
            )
    Comparison.objects.update(stale_since=noon)


def drain():
    """Do what the workers do."""
    while requests.answer_next(now=database_now()):
        pass


def count(project):
    now = database_now() + timedelta(minutes=1)
    while aggregation.refresh_next_stale(now=now):
        pass
    while quality.refresh_next_report(now=now):
        pass
    calibration.refit_next(now=now, project=project)


class TestAnAdmin:
    def test_configures_tries_runs_and_measures_a_judge(
        self, admin, project, judged, practice_endpoint, open_context, wait_until_drawn
    ):
        practice_endpoint.behave(rule="longer", sharpness=0.5, noise=1.0, bias=0.5)
        page = open_context(admin).new_page()
        page.goto("/projects/haiku/judges/")

        page.get_by_role("link", name="Add a judge").first.click()
        page.get_by_label("Name").first.fill("strict")
        page.get_by_label("Model", exact=True).fill("practice-1")
        page.locator("#id_endpoint-name").fill("here")
        page.get_by_label("Address").fill(practice_endpoint.url)
        page.get_by_label("Price of a million tokens sent").fill("1")
        page.get_by_label("Price of a million tokens answered").fill("2")
        page.get_by_role("button", name="Add the judge").click()
        expect(page.get_by_role("heading", name=re.compile("strict 1"))).to_be_visible()
        expect(page.get_by_text("It has not been asked anything yet.")).to_be_visible()

        page.get_by_role("link", name="here").click()
        page.get_by_role("button", name="Test the connection").click()
        expect(page.get_by_text("It answers.")).to_be_visible()
        page.get_by_role("link", name="strict 1").click()

        page.get_by_role("button", name="Try on twenty comparisons").click()
        expect(page.get_by_text("0 of 24 requests done")).to_be_visible()
        drain()
        expect(page.get_by_text("24 of 24 requests done")).to_be_visible()
        expect(page.locator(".tried article")).to_have_count(N_COMPARISONS)
        expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible()
        assert not Judgment.objects.filter(annotator__kind="llm").exists()

        page.get_by_role("link", name="strict 1").click()
        page.get_by_role("button", name="Run on…").click()
        page.get_by_label("Those that people have judged: to measure the judge").check()
        page.get_by_role("button", name="Count and estimate").click()
        expect(page.get_by_text("Expected cost")).to_be_visible()
        page.get_by_role("button", name="Ask about 12 comparisons").click()
        expect(page.get_by_text("0 of 24 requests done")).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("The run is paused.")).to_have_count(0)
        expect(page.locator("#progress").get_by_text("paused", exact=True)).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#progress").get_by_text("running", exact=True)).to_be_visible()
        drain()
        expect(page.get_by_text("24 of 24 requests done")).to_be_visible()
        assert practice_endpoint.requests == 2 * N_COMPARISONS  # the cache knew the rest

        count(project)
        page.get_by_role("link", name="strict 1").click()
        wait_until_drawn(page)
        curve = page.locator("figure", has_text="Share of verdicts that agree with people")
        expect(curve.locator("canvas")).to_be_visible()
        expect(
            page.get_by_role("row", name=re.compile("Agreement with the majority"))
        ).to_be_visible()
        expect(page.get_by_role("row", name=re.compile("Flips with the order"))).to_be_visible()

    def test_watches_a_run_pause_and_cancel_without_a_reload(
        self, admin, judged, make_judge, open_context, practice_endpoint
    ):
        judge = make_judge(endpoint={"base_url": practice_endpoint.url})
        page = open_context(admin).new_page()
        page.goto(f"/projects/haiku/judges/{judge.pk}/run/?among=all")
        page.get_by_role("button", name="Ask about 12 comparisons").click()
        expect(page.get_by_text("0 of 24 requests done")).to_be_visible()
        page.on("dialog", lambda dialog: dialog.accept())

        page.get_by_role("button", name="Cancel").click()

        expect(page.locator("#progress").get_by_text("cancelled", exact=True)).to_be_visible()
        assert JudgeRun.objects.get().state == "cancelled"
        assert practice_endpoint.requests == 0


class TestThePagesOfAJudge:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_are_accessible_and_fit(
        self, admin, project, judged, make_judge, practice_endpoint, open_context,
        wait_until_drawn, violations, width, theme,
    ):  # fmt: skip
        practice_endpoint.behave(rule="longer", bias=2.0)
        judges = [
            make_judge(name, endpoint={"base_url": practice_endpoint.url}, seed=seed)
            for seed, name in enumerate(("strict", "kind"))
        ]
        at = f"/projects/haiku/judges/{judges[0].pk}/"
        context = open_context(admin, width=width, color_scheme=theme)
        page = context.new_page()
        for judge in judges:
            page.goto(f"/projects/haiku/judges/{judge.pk}/run/?among=all")
            page.get_by_role("button", name="Ask about 12 comparisons").click()
            expect(page.get_by_text("0 of 24 requests done")).to_be_visible()
        drain()
        count(project)
        faults = []
        for address in (
            "/projects/haiku/judges/",
            at,
            f"{at}runs/1/",
            f"/projects/haiku/judges/compare/?a={judges[0].pk}&b={judges[1].pk}",
        ):
            page.goto(address)
            wait_until_drawn(page)
            faults += [f"{address}: {fault}" for fault in violations(page)]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert faults == []
