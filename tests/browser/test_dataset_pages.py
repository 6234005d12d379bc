"""Datasets in a browser: cut, write, download; and accessible at both widths, in both themes."""

import pytest

from annotation.domain.vocabulary import Role
from annotation.models import Judgment
from curation.services import storage
from curation.tasks import build_versions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/datasets/", "/new-dataset/", "/datasets/haiku/", "/datasets/haiku/versions/1/")
LOOKS = [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")]


@pytest.fixture
def rita(project, make_user, join, make_comparison, ann, noon, monkeypatch, tmp_path):
    """A researcher of a project with three judgments: two winners and a tie."""
    monkeypatch.setattr(storage, "root", lambda: tmp_path / "datasets")
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    for place in range(3):
        comparison = make_comparison(prompt="Write a haiku about\n\n    rain")
        one, other = comparison.response_ids
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=ann,
            outcome="ranked",
            ranking=[[one], [other]] if place else [[one, other]],
            judged_at=noon,
        )
    return user


class TestDatasetJourney:
    def test_goes_from_judgments_to_a_downloaded_file(self, rita, open_context):
        page = open_context(rita, accept_downloads=True).new_page()
        page.goto("/datasets/haiku/")
        page.get_by_role("button", name="Cut a version").click()
        page.get_by_text("Waiting for a worker").wait_for()
        build_versions()
        page.get_by_role("heading", name="Take it away").wait_for()
        page.get_by_role("button", name="Write it as trl-preference").click()
        page.get_by_text("Being written").wait_for()
        build_versions()

        with page.expect_download() as download:
            page.get_by_role("link", name="jsonl/train-00000-of-00001.jsonl").click()

        assert len(download.value.path().read_text().splitlines()) == 2


class TestDatasetPages:
    def test_break_no_rule_of_accessibility(self, rita, open_context, violations, client):
        client.force_login(rita)
        client.post("/datasets/haiku/cut/")
        build_versions()
        client.post("/datasets/haiku/versions/1/export/", {"format": "trl-preference"})
        build_versions()

        found = {}
        for width, scheme in LOOKS:
            page = open_context(rita, width=width, color_scheme=scheme).new_page()
            for path in PAGES:
                page.goto(path)
                page.eval_on_selector_all("main details", "all => all.forEach(d => d.open = true)")
                is_wide = page.evaluate("document.querySelector('main').scrollWidth") > width
                found[path, width, scheme] = [*violations(page), *["scrolls sideways"] * is_wide]

        assert {place: broken for place, broken in found.items() if broken} == {}
