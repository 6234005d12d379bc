import json
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.db import connection, transaction

from annotation.domain.content import text_of
from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import ImportKind, WorkState
from annotation.models import Comparison, Import, Item, Judgment, Refusal, Response, Slot
from annotation.services.importing import creating, running, uploads
from annotation.tasks import run_imports

SETS = Path(__file__).parent.parent / "data" / "sets"
NAMES = sorted(path.name.split(".")[0] for path in SETS.glob("*.items.jsonl"))


def item_line(number, size=10):
    texts = [{"id": f"{number}-{mark}", "text": f"{mark} {number} " * size} for mark in "ab"]
    return json.dumps({"id": f"item {number}", "prompt": f"? {number}", "responses": texts})


@pytest.fixture
def make_file(tmp_path):
    def make(lines, name="items.jsonl"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return make


@pytest.fixture
def run_file(project, noon):
    def run(path, kind=ImportKind.ITEMS, mapping=None, **options):
        upload = uploads.register_file(
            project=options.pop("project", project),
            kind=kind,
            path=path,
            mapping=mapping or {},
            now=noon,
            **options,
        )
        return running.run_import(import_id=upload.id, now=noon)

    return run


@pytest.fixture
def upload_file(project, noon, monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")

    def upload(content, name="items.jsonl", **fields):
        return uploads.create_import(
            project=project,
            kind=fields.pop("kind", ImportKind.ITEMS),
            file_name=name,
            chunks=[content],
            mapping=fields.pop("mapping", {}),
            created_by=None,
            now=noon,
            **fields,
        )

    return upload


def refused(upload):
    return [(each.line, each.field, each.rule) for each in upload.refusals.order_by("line", "id")]


@pytest.mark.django_db
class TestRunImport:
    def test_takes_the_good_lines_and_names_the_bad_ones(self, make_file, run_file):
        bad = ["{", '{"id": "x", "id": "y"}', '{"id": "x", "prompt": ""}', "[]"]
        lines = [item_line(1), *bad, item_line(2), "", item_line(1), item_line(1, size=2)]

        done = run_file(make_file(lines))

        assert (done.state, done.n_written, done.n_unchanged) == (WorkState.DONE, 2, 1)
        assert refused(done) == [
            (2, "", "not_json"),
            (3, "id", "duplicate_key"),
            (4, "prompt", "empty"),
            (5, "", "not_an_object"),
            (9, "id", "external_id_taken"),
        ]
        assert done.n_refused == 5

    def test_refuses_a_huge_line_and_reads_on(self, make_file, run_file):
        long = json.dumps({"id": "long", "prompt": "x" * (50 * 2**20), "responses": []})

        done = run_file(make_file([item_line(1), long, item_line(2)]))

        assert refused(done) == [(2, "", "line_too_long")]
        assert done.n_written == 2

    def test_stores_a_refusal_whose_field_no_text_can_hold(self, make_file, run_file):
        lines = ['{"\\ud800": 1, "\\ud800": 2}', '{"%s": 1}' % ("x" * 9000), '{"a\\u0000": 1}']

        assert [rule for _, _, rule in refused(run_file(make_file(lines)))] == [
            "duplicate_key",
            "unknown_field",
            "nul_character",
        ]

    def test_writes_nothing_of_the_batch_where_a_strict_import_stops(
        self, make_file, run_file, monkeypatch
    ):
        monkeypatch.setattr(running, "BATCH_LINES", 2)
        lines = [item_line(1), item_line(2), item_line(3), "{", item_line(4)]

        done = run_file(make_file(lines), is_strict=True)

        assert done.state == WorkState.FAILED
        assert refused(done) == [(4, "", "not_json")]
        assert Item.objects.count() == 2

    def test_counts_refusals_beyond_those_it_keeps(self, make_file, run_file, monkeypatch):
        monkeypatch.setattr(running, "REFUSALS_KEPT", 3)
        monkeypatch.setattr(running, "BATCH_LINES", 2)

        done = run_file(make_file(["{"] * 7))

        assert (done.n_refused, done.refusals.count()) == (7, 3)

    def test_of_the_same_file_again_changes_nothing(self, make_file, run_file):
        path = make_file(item_line(n) for n in range(5))
        run_file(path)
        before = list(Item.objects.order_by("id").values())

        again = run_file(path)

        assert (again.n_written, again.n_unchanged) == (0, 5)
        assert list(Item.objects.order_by("id").values()) == before

    def test_goes_on_behind_the_last_batch_after_a_crash(
        self, make_file, run_file, project, noon, monkeypatch
    ):
        monkeypatch.setattr(running, "BATCH_LINES", 2)
        path = make_file([item_line(1), "{", *(item_line(n) for n in range(2, 6))])
        upload = uploads.register_file(
            project=project, kind=ImportKind.ITEMS, path=path, mapping={}, now=noon
        )

        def crash(_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            running.run_import(import_id=upload.id, now=noon, progress=crash)
        upload.refresh_from_db()
        ahead = [len(batch.records) for batch in running.batches(upload)]
        done = run_file(path)

        assert (upload.n_read, upload.n_written, ahead) == (2, 1, [2, 2])
        assert (done.id, done.n_read, done.n_written, done.n_refused) == (upload.id, 6, 5, 1)

    @pytest.mark.parametrize("name", NAMES)
    def test_takes_every_kind_of_public_set_with_its_votes(self, name, run_file, noon):
        path = SETS / f"{name}.items.jsonl"
        project = creating.create_project_for(
            slug=name, name="", path=path, mapping={}, response_format=None, overlap=2, now=noon
        )
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        votes_path = SETS / f"{name}.votes.jsonl"
        votes = [json.loads(line) for line in votes_path.read_text("utf-8").splitlines()]

        items = run_file(path, project=project)
        judged = run_file(votes_path, ImportKind.JUDGMENTS, project=project)

        assert (items.n_written, items.n_refused) == (len(rows), 0)
        assert (judged.n_written, judged.n_refused) == (len(votes), 0)
        texts = [response["text"] for row in rows for response in row["responses"]]
        stored = Response.objects.filter(item__project=project).order_by("id")
        assert [text_of(response.content) for response in stored] == texts
        reasons = {vote["id"]: vote["rationale"] for vote in votes if vote["rationale"]}
        assert reasons == dict(
            Judgment.objects.filter(project=project, rationale__isnull=False).values_list(
                "external_id", "rationale__text"
            )
        )


@pytest.mark.django_db
class TestColumns:
    def test_of_a_csv_file_are_guessed_from_their_names(self, tmp_path, run_file):
        path = tmp_path / "pairs.csv"
        path.write_text(
            "id;instruction;response_a;response_b;model_a;topic\n"
            '1;"Why;\nreally?";" yes\r\n";"";gpt;law\n',
            newline="",
        )

        done = run_file(path)

        item = Item.objects.get()
        assert (done.n_written, item.external_id) == (1, "1")
        assert text_of(item.messages[0]["content"]) == "Why;\nreally?"
        assert [text_of(r.content) for r in item.responses.all()] == [" yes\r\n", ""]
        assert [r.model_name for r in item.responses.all()] == ["gpt", ""]
        assert item.metadata == {"topic": "law"}

    def test_of_preference_rows_in_parquet_are_guessed_too(self, tmp_path, run_file):
        chat = [{"role": "user", "content": "Why?"}]
        path = tmp_path / "train.parquet"
        pq.write_table(
            pa.table(
                {
                    "prompt": [chat] * 2,
                    "chosen": [[{"role": "assistant", "content": f"good {n}"}] for n in range(2)],
                    "rejected": [[{"role": "assistant", "content": "bad"}]] * 2,
                }
            ),
            path,
        )

        first, again = run_file(path), run_file(path)

        assert (first.n_written, again.n_unchanged) == (2, 2)
        item = Item.objects.order_by("id").first()
        assert [text_of(r.content) for r in item.responses.all()] == ["good 0", "bad"]
        assert item.metadata["gold"] == 0

    def test_can_be_mapped_by_hand_from_nested_values(self, make_file, run_file):
        row = {"q": "Why?", "out": [{"t": "a"}, {"t": "b"}], "n": 7, "noise": 1}
        mapping = {
            "id": "n",
            "prompt": "q",
            "response_1": "out.0.t",
            "response_2": "out.1.t",
            "meta.kept": "noise",
        }

        run_file(make_file([json.dumps(row)]), mapping=mapping)

        item = Item.objects.get()
        assert (item.external_id, item.metadata) == ("7", {"kept": 1})
        assert [text_of(r.content) for r in item.responses.all()] == ["a", "b"]

    def test_of_votes_in_csv_may_name_the_winner_in_words(self, make_file, tmp_path, run_file):
        run_file(make_file([item_line(1)]))
        path = tmp_path / "votes.csv"
        path.write_text(
            "task_id,worker,winner,seconds\n"
            "item 1,ann,model_b,1.5\nitem 1,bob,tie,\nitem 1,cat,nobody,\nitem 1,dan,0,x\n"
        )

        done = run_file(path, ImportKind.JUDGMENTS)

        assert done.n_written == 2
        assert refused(done) == [(4, "choice", "wrong_type"), (5, "seconds", "wrong_type")]
        first = Judgment.objects.get(annotator__name="ann")
        assert first.ranking == [[r] for r in reversed(first.comparison.response_ids)]


@pytest.mark.django_db
class TestUploads:
    def test_wait_until_somebody_has_looked_at_them(self, upload_file):
        upload = upload_file(item_line(1).encode(), is_held=True)
        run_imports()
        assert not Item.objects.exists()

        uploads.release_import(upload=upload, mapping={})
        run_imports()

        assert Item.objects.count() == 1

    def test_can_be_thrown_away_before_they_are_run(self, upload_file):
        upload = upload_file(item_line(1).encode(), is_held=True)

        uploads.discard_import(upload=upload)

        assert not Import.objects.exists()
        assert not Path(upload.stored_path).exists()

    def test_over_the_limit_leave_neither_file_nor_row(self, upload_file, settings):
        settings.UPLOAD_LIMIT = 10

        with pytest.raises(DomainError) as refused:
            upload_file(b"x" * 11)

        assert refused.value.status == 413
        assert not Import.objects.exists()
        assert not list(uploads.folder().iterdir())

    def test_are_kept_as_they_came_under_a_name_of_ours(self, upload_file):
        upload = upload_file(b"\xff\r\n", name="../../etc/passwd")

        assert upload.file_name == "passwd"
        assert Path(upload.stored_path).read_bytes() == b"\xff\r\n"
        assert Path(upload.stored_path).parent == uploads.folder()


@pytest.mark.django_db
class TestDrain:
    def test_runs_what_waits_one_after_another(self, upload_file):
        for number in range(3):
            upload_file(item_line(number).encode())

        assert run_imports() == 3
        assert Item.objects.count() == 3

    def test_sets_a_poison_file_aside_and_goes_on_with_the_others(self, upload_file):
        poison = upload_file(item_line(1).encode())
        Path(poison.stored_path).unlink()
        for _ in range(running.MAX_TRIES):
            with pytest.raises(FileNotFoundError):
                run_imports()
        upload_file(item_line(2).encode())

        assert run_imports() == 1
        poison.refresh_from_db()
        assert poison.state == WorkState.FAILED
        assert "FileNotFoundError" in poison.error
        assert Item.objects.get().external_id == "item 2"

    def test_sets_aside_a_file_that_killed_its_worker_each_time(self, upload_file):
        deadly = upload_file(item_line(1).encode())
        Import.objects.update(state=WorkState.RUNNING, tries=running.MAX_TRIES)

        run_imports()

        deadly.refresh_from_db()
        assert deadly.state == WorkState.FAILED
        assert not Item.objects.exists()


RUN_IN_TEST_DATABASE = """
import sys
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.utils.timezone import now
from annotation.services.importing import running
running.BATCH_LINES = int(sys.argv[3])
print("ready", flush=True)
running.run_import(import_id=int(sys.argv[2]), now=now())
"""


def start_import(upload, batch_lines):
    arguments = [connection.settings_dict["NAME"], str(upload.id), str(batch_lines)]
    return subprocess.Popen(
        [sys.executable, "-c", RUN_IN_TEST_DATABASE, *arguments],
        env={
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "QUORUM_VAR": str(settings.VAR),
            "PATH": "/usr/bin:/bin",
        },
        cwd=settings.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def pieces_of(project):
    rows = Comparison.objects.filter(project=project)
    return (
        Item.objects.filter(project=project).count(),
        Response.objects.filter(item__project=project).count(),
        rows.count(),
        Slot.objects.filter(project=project).count(),
    )


def at_one_moment(read):
    """Read while the server may still be committing what a killed process had sent."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return read()


def wait_for_more(upload, n):
    """Wait until an import has written more than n lines, or all of them."""
    deadline = time.monotonic() + 120
    while upload.state == WorkState.RUNNING and upload.n_written <= n:
        assert time.monotonic() < deadline, "the import does not move"
        time.sleep(0.005)
        upload.refresh_from_db()


@pytest.mark.django_db(transaction=True)
class TestImportsUnderFire:
    @pytest.mark.slow
    def test_killed_at_random_moments_leave_no_double_and_no_half(self, make_file, project, noon):
        n = 3000
        lines = [item_line(number) if number % 10 else "{" for number in range(n)]
        upload = uploads.register_file(
            project=project, kind=ImportKind.ITEMS, path=make_file(lines), mapping={}, now=noon
        )
        dice = random.Random(1)
        kills, halfway = 0, 0
        while kills < 6 and upload.state == WorkState.RUNNING:
            worker = start_import(upload, batch_lines=20)
            assert worker.stdout.readline() == "ready\n"
            wait_for_more(upload, upload.n_written)
            time.sleep(dice.uniform(0, 0.05))
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            kills += 1
            (items, responses, comparisons, slots), _ = at_one_moment(
                lambda: (pieces_of(project), upload.refresh_from_db())
            )
            assert (responses, comparisons, slots) == (2 * items, items, 2 * items)
            assert upload.n_written == items
            halfway += 0 < items < 2700
            Import.objects.filter(pk=upload.pk).update(tries=0)
        survivor = start_import(upload, batch_lines=500)
        assert survivor.wait() == 0

        upload.refresh_from_db()
        assert halfway >= 3
        assert (upload.state, upload.n_written, upload.n_refused) == (WorkState.DONE, 2700, 300)
        assert pieces_of(project) == (2700, 5400, 2700, 5400)
        assert [r.line for r in Refusal.objects.order_by("id")] == list(range(1, n, 10))

    def test_of_one_file_at_once_write_it_once(self, make_file, project, noon):
        path = make_file(item_line(n) for n in range(400))
        ids = [
            Import.objects.create(
                project=project,
                kind=ImportKind.ITEMS,
                file_name=path.name,
                stored_path=str(path),
                state=WorkState.RUNNING,
                created_at=noon,
            ).id
            for _ in range(4)
        ]

        def run(import_id):
            try:
                return running.run_import(import_id=import_id, now=noon)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as workers:
            done = list(workers.map(run, ids))

        assert sum(each.n_written for each in done) == 400
        assert sum(each.n_unchanged for each in done) == 1200
        assert pieces_of(project) == (400, 800, 400, 800)

    def test_of_one_import_at_once_are_refused(self, make_file, project, noon):
        upload = uploads.register_file(
            project=project,
            kind=ImportKind.ITEMS,
            path=make_file([item_line(1)]),
            mapping={},
            now=noon,
        )
        is_running, may_end = threading.Event(), threading.Event()

        def wait(_):
            is_running.set()
            may_end.wait(10)

        def run():
            try:
                running.run_import(import_id=upload.id, now=noon, progress=wait)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as worker:
            first = worker.submit(run)
            is_running.wait(10)
            with pytest.raises(running.ImportBusy):
                running.run_import(import_id=upload.id, now=noon)
            may_end.set()
            first.result()

        assert Item.objects.count() == 1
