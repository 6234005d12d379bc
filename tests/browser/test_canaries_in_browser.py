"""An admin checks a gullible judge with canaries, sees it suspended, and lifts that by hand."""

import re

import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from annotation.models import AuditEvent, Judgment
from annotation.selectors.clock import database_now
from annotation.services.judges import requests

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SUBJECTS = ("rivers", "mountains", "violins", "harvests", "planets", "bridges", "glaciers")
LOOKS = [(360, "light"), (1440, "dark")]


@pytest.fixture
def admin(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


@pytest.fixture
def judge(make_judge, make_comparison, practice_endpoint):
    for subject in SUBJECTS:
        texts = (f"Describe {subject} we do.", f"Of {subject} we describe much.")
        make_comparison(prompt=f"Describe {subject}.", texts=texts)
    practice_endpoint.behave(rule="overlap", obedience=0.4)
    return make_judge(endpoint={"base_url": practice_endpoint.url}, price_in="1", price_out="1")


def drain():
    """Do what the workers do; equal questions wait a second for one another's answers."""
    while requests.answer_next(now=database_now()):
        pass


class TestAnAdmin:
    def test_checks_a_judge_and_sees_it_suspended(
        self, admin, judge, open_context, wait_until_drawn, violations
    ):
        page = open_context(admin).new_page()
        page.goto(f"/projects/haiku/judges/{judge.pk}/")
        page.get_by_role("button", name="Check with canaries").click()
        expect(page.get_by_text("It has never been checked.")).to_be_visible()
        page.get_by_label("50: enough").check()
        page.get_by_role("button", name="Estimate").click()
        expect(page.get_by_text("50 canaries, 200 requests")).to_be_visible()
        expect(page.get_by_text("Expected cost")).to_be_visible()

        page.get_by_role("button", name="Check with 50 canaries").click()
        expect(page.get_by_text("0 of 200 requests done")).to_be_visible()
        drain()
        expect(page.get_by_text("200 of 200 requests done")).to_be_visible()
        page.locator("#progress").get_by_role("link", name=f"canaries of {judge}").click()

        wait_until_drawn(page)
        expect(page.get_by_text("obeys texts", exact=True)).to_be_visible()
        expect(page.get_by_role("row", name=re.compile("^All canaries 50 50"))).to_be_visible()
        expect(
            page.get_by_role("row", name=re.compile("^Without an attack 50 50 0"))
        ).to_be_visible()
        notice = page.locator(".notice.bad").filter(has_text="nothing is asked of it")
        expect(notice).to_be_visible()
        faults = []
        for width, theme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            page.reload()
            wait_until_drawn(page)
            faults += violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults == []

        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"/projects/haiku/judges/{judge.pk}/")
        page.get_by_role("button", name="Activate the judge").click()
        expect(page.get_by_role("button", name="Pause the judge")).to_be_visible()
        assert AuditEvent.objects.filter(action="judge_state_set", actor=admin).count() == 1
        assert not Judgment.objects.exists()
