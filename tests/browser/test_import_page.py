import os
from pathlib import Path

import pytest

from annotation.domain.vocabulary import Role
from annotation.services.importing import uploads
from annotation.tasks import run_imports

CSV = "number,question,answer_a,answer_b\n7,Why?,yes,no\n8,,x,y\n"


@pytest.fixture
def rosa(make_user, join, project, monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")
    user = make_user("rosa")
    join(user, project, Role.RESEARCHER)
    return user


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
class TestImportPage:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
    def test_watches_a_file_being_read_to_its_end(
        self, open_context, rosa, tmp_path, width, scheme
    ):
        file = tmp_path / "pairs.csv"
        file.write_text(CSV)
        page = open_context(rosa, width=width, color_scheme=scheme).new_page()
        shots = Path(os.environ["SHOTS"]) if "SHOTS" in os.environ else None

        def shoot(name):
            if shots:
                page.screenshot(path=shots / f"import-{name}-{width}-{scheme}.png", full_page=True)

        page.goto("/projects/haiku/imports/")
        shoot("empty")
        page.get_by_role("button", name="Import a file").first.click()
        shoot("new")
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Upload and look at it").click()
        shoot("preview")
        page.get_by_label("number").select_option("id")
        page.get_by_role("button", name="Import", exact=True).click()
        page.get_by_text("queued").wait_for()
        shoot("queued")
        run_imports()
        page.get_by_role("cell", name="The prompt is empty.").wait_for()
        shoot("done")

        assert page.locator("#progress[hx-get]").count() == 0
        assert page.get_by_text("done", exact=True).is_visible()
