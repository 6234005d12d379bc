import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotation.domain.vocabulary import Role
from annotation.models import Import, Item, Refusal
from annotation.services.importing import uploads
from annotation.tasks import run_imports

CSV = b'number,question,answer_a,answer_b,topic\n7,<b>Why?</b>," yes ",no,law\n8,,x,y,law\n9,x\n'


@pytest.fixture
def rosa(make_user, join, project, client, monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")
    user = make_user("rosa")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return client


def upload(client, content, name, kind="items"):
    file = SimpleUploadedFile(name, content)
    return client.post("/projects/haiku/imports/new/", {"kind": kind, "file": file}, follow=True)


class TestImportAFile:
    def test_from_the_empty_list_to_the_refused_lines(self, rosa):
        assert b"Nothing was imported yet" in rosa.get("/projects/haiku/imports/").content

        looked_at = upload(rosa, CSV, "pairs.csv")
        row = Import.objects.get()
        assert run_imports() == 0
        assert b"&lt;b&gt;Why?&lt;/b&gt;" in looked_at.content
        assert b"would be refused" in looked_at.content

        form = looked_at.context["form"]
        chosen = {
            column: form.fields[f"column_{n}"].initial for n, column in enumerate(form.columns)
        }
        assert chosen == {
            "number": "meta.",
            "question": "prompt",
            "answer_a": "response_1",
            "answer_b": "response_2",
            "topic": "meta.",
        }
        fields = {f"column_{n}": value for n, value in enumerate(chosen.values())}
        again = rosa.post(looked_at.request["PATH_INFO"], fields | {"column_0": "id"})
        assert again.context["shown"].mapping["id"] == "number"
        assert not Item.objects.exists()

        started = rosa.post(
            looked_at.request["PATH_INFO"], fields | {"column_0": "id", "start": "yes"}, follow=True
        )
        assert b'hx-trigger="every 1s"' in started.content
        run_imports()

        address = f"/projects/haiku/imports/{row.id}/"
        polled = rosa.get(address, headers={"HX-Request": "true"})
        assert polled.content.lstrip().startswith(b'<section id="progress"')
        assert b"hx-get" not in polled.content
        assert b"column_count" in polled.content
        item = Item.objects.get()
        assert (item.external_id, item.metadata) == ("7", {"topic": "law"})

        lines = rosa.get(f"{address}refusals.jsonl")
        assert lines["Content-Disposition"] == 'attachment; filename="pairs.refusals.jsonl"'
        refusals = [json.loads(line) for line in lines.getvalue().splitlines()]
        assert [(r["line"], r["rule"]) for r in refusals] == [(3, "empty"), (4, "column_count")]
        assert b"pairs.csv" in rosa.get("/projects/haiku/imports/").content

    def test_asks_again_where_no_file_was_chosen(self, rosa):
        assert rosa.get("/projects/haiku/imports/new/").status_code == 200
        assert rosa.post("/projects/haiku/imports/new/", {"kind": "items"}).status_code == 422

    def test_refuses_two_columns_for_one_field(self, rosa):
        looked_at = upload(rosa, CSV, "pairs.csv")
        fields = {"column_0": "prompt", "column_1": "prompt", "start": "yes"}

        refused = rosa.post(looked_at.request["PATH_INFO"], fields)

        assert refused.status_code == 422
        assert "Two columns are both mapped" in refused.content.decode()
        assert Import.objects.get().is_held

    def test_can_be_discarded_after_a_look(self, rosa):
        upload(rosa, CSV, "pairs.csv")
        row = Import.objects.get()

        rosa.post(f"/projects/haiku/imports/{row.id}/discard/")

        assert not Import.objects.exists()

    def test_asks_for_a_file_that_is_gone_again(self, rosa):
        upload(rosa, CSV, "pairs.csv")
        waiting = Import.objects.get()
        Path(waiting.stored_path).unlink()

        answer = rosa.get(reverse("annotation:import_preview", args=["haiku", waiting.id]))

        assert answer.status_code == 409
        assert b"upload it again" in answer.content

    def test_shows_what_cannot_be_read_at_all(self, rosa):
        for content, name in ((b"", "empty.jsonl"), (b"{\n{", "bad.jsonl"), (b"\x1f\x8b!", "x.gz")):
            assert upload(rosa, content, name).status_code == 200

    def test_pages_through_many_refusals(self, rosa, project):
        upload(rosa, b"{\n", "bad.jsonl")
        row = Import.objects.get()
        Import.objects.update(is_held=False, state="done", n_refused=120)
        Refusal.objects.bulk_create(
            Refusal(source=row, line=n, rule="not_json", detail="x") for n in range(1, 121)
        )

        first = rosa.get(f"/projects/haiku/imports/{row.id}/")
        last = rosa.get(f"/projects/haiku/imports/{row.id}/?after={first.context['page'].after}")

        assert [r.line for r in last.context["page"].rows][0] == 51

    @pytest.mark.parametrize(("role", "status"), [(Role.ANNOTATOR, 403), (Role.REVIEWER, 403)])
    def test_is_for_researchers_and_admins(
        self, rosa, client, make_user, join, project, role, status
    ):
        upload(rosa, CSV, "pairs.csv")
        number = Import.objects.get().id
        user = make_user("zoe")
        join(user, project, role)
        client.force_login(user)
        names = ["import", "import_preview", "refusals_file"]
        addresses = [reverse(f"annotation:{name}", args=["haiku", number]) for name in names]

        for address in [*addresses, "/projects/haiku/imports/", "/projects/haiku/imports/new/"]:
            assert client.get(address).status_code == status
        assert client.post(f"/projects/haiku/imports/{number}/discard/").status_code == status
        assert Import.objects.exists()
