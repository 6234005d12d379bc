import gzip
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.domain.vocabulary import Role, TokenScope
from annotation.models import Import, Item
from annotation.services.importing import uploads
from annotation.tasks import run_imports

GOOD = {
    "id": "one",
    "prompt": "Why?",
    "responses": [{"id": "x", "text": " x "}, {"id": "y", "text": ""}],
}
LINES = json.dumps(GOOD).encode() + b'\n{"id": 1}\n{\n'


@pytest.fixture
def send(make_user, join, project, api_of, monkeypatch, tmp_path):
    """Upload as a researcher: send(content, kind="items", ...)."""
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")
    user = make_user("rosa")
    join(user, project, Role.RESEARCHER)

    def send(content=LINES, name="items.jsonl", slug="haiku", scope=TokenScope.WRITE, **fields):
        api = api_of(user, scope)
        body = {"kind": "items", "file": SimpleUploadedFile(name, content)} | fields
        body = {field: value for field, value in body.items() if value is not None}
        answer = api.client.post(f"/api/v1/projects/{slug}/imports/", body, headers=api.headers)
        answer.api = api
        return answer

    return send


class TestUpload:
    def test_is_taken_in_and_read_by_a_worker(self, send):
        taken = send()
        address = taken.json()["id"]
        run_imports()

        assert taken.status_code == 202
        assert taken["Location"].endswith(f"/api/v1/projects/haiku/imports/{address}/")
        assert (taken.json()["state"], taken.json()["n_written"]) == ("queued", 0)
        now_at = taken.api.get(f"projects/haiku/imports/{address}/").json()
        assert now_at["state"] == "done"
        assert (now_at["n_read"], now_at["n_written"], now_at["n_refused"]) == (3, 1, 2)
        assert now_at["share_read"] == 1

    def test_lists_what_was_refused_page_by_page(self, send):
        taken = send()
        run_imports()
        address = f"projects/haiku/imports/{taken.json()['id']}/refusals/"

        first = taken.api.get(address, limit=1).json()
        second = taken.api.client.get(first["next"], headers=taken.api.headers).json()

        assert [(r["line"], r["rule"]) for r in first["results"]] == [(2, "prompt_or_messages")]
        assert [(r["line"], r["rule"]) for r in second["results"]] == [(3, "not_json")]
        assert second["next"] is None

    def test_is_only_shown_where_a_preview_is_asked_for(self, send):
        shown = send(gzip.compress(LINES), name="items.jsonl.gz", preview="true")

        assert shown.status_code == 200
        assert [line["refused"] and line["refused"]["rule"] for line in shown.json()["lines"]] == [
            None,
            "prompt_or_messages",
            "not_json",
        ]
        assert not Import.objects.exists()

    def test_is_listed(self, send):
        taken = [send().json()["id"] for _ in range(2)]

        listed = send().api.get("projects/haiku/imports/", limit=2).json()

        assert [each["id"] for each in listed["results"]] == taken
        assert listed["next"]

    @pytest.mark.parametrize(
        ("fields", "status", "field"),
        [
            ({"kind": "people"}, 400, "kind"),
            ({"kind": None}, 400, "kind"),
            ({"file": None}, 400, "file"),
            ({"file": "text"}, 400, "file"),
            ({"mapping": "{"}, 400, "mapping"),
            ({"mapping": '{"promt": "q"}'}, 400, "mapping"),
            ({"mapping": '{"prompt": 1}'}, 400, "mapping"),
            ({"is_strict": "yes"}, 400, "is_strict"),
            ({"state": "done"}, 400, "state"),
            ({"kind": ["items", "judgments"]}, 400, "kind"),
        ],
    )
    def test_refuses_a_bad_request_by_field(self, send, fields, status, field):
        answer = send(**fields)

        assert (answer.status_code, answer.json()["field"]) == (status, field)
        assert not Import.objects.exists()

    def test_refuses_a_file_over_the_limit(self, send, settings):
        settings.UPLOAD_LIMIT = 20

        assert send().status_code == 413
        assert not Import.objects.exists()

    def test_needs_the_scope_and_the_role(self, send, make_user, join, project, api_of):
        ann = make_user("ann")
        join(ann, project, Role.ANNOTATOR)

        assert send(scope=TokenScope.ANNOTATE).status_code == 403
        assert api_of(ann).get("projects/haiku/imports/").status_code == 403
        assert api_of(make_user("eve")).get("projects/haiku/imports/").status_code == 404

    def test_does_not_show_an_import_of_another_project(self, send, make_project):
        taken = send().json()["id"]
        other = make_project(slug="other")
        rosa = Import.objects.get().created_by
        rosa.memberships.create(project=other, role=Role.ADMIN, created_at=other.created_at)

        api = send(slug="other").api
        assert api.get(f"projects/other/imports/{taken}/").status_code == 404
        assert api.get(f"projects/other/imports/{taken}/refusals/").status_code == 404
        assert api.get(f"projects/haiku/imports/{taken}/", state="x").status_code == 400

    def test_stores_texts_as_they_are(self, send):
        send()
        run_imports()

        assert [r.content[0]["text"] for r in Item.objects.get().responses.all()] == [" x ", ""]
