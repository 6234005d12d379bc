import gzip
import hashlib
import json
from io import StringIO

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from annotation.domain.content import text_part, user_prompt
from annotation.domain.vocabulary import Outcome, WorkState
from annotation.models import Response
from curation.domain.formats import Format
from curation.models import Export
from curation.services import builds, exporting, storage
from curation.services.part_files import PART_ROWS

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(export, folder="data"):
    files = sorted((storage.export_path(export) / folder).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def lines_of(export, folder):
    files = sorted((storage.export_path(export) / folder).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.open("rb")]


class TestTrlPreference:
    def test_gives_each_settled_comparison_a_pair_with_a_margin_and_a_soft_label(
        self, cut, write, judge, make_comparison, project, ann, bob
    ):
        comparison = make_comparison(texts=("worse", "better"), prompt="Say it.")
        judge(ann, comparison, [[1], [0]], strength=2)
        judge(bob, comparison, [[1], [0]], strength=3)

        (row,) = rows_of(write(cut(project), Format.TRL_PREFERENCE))

        assert row["prompt"] == [{"role": "user", "content": "Say it."}]
        assert row["chosen"] == [{"role": "assistant", "content": "better"}]
        assert row["rejected"] == [{"role": "assistant", "content": "worse"}]
        assert row["soft_label"] == pytest.approx(2.5 / 3, abs=1e-6)
        assert row["margin"] == pytest.approx(1.609438, abs=1e-6)  # ln 5
        assert (row["strength"], row["agreement"], row["n_human_votes"]) == (2.5, 1.0, 2)
        assert len(row["judgments"]) == 2

    def test_shares_the_turns_that_two_conversations_have_in_common(
        self, cut, write, judge, make_comparison, make_item, project, ann
    ):
        item = make_item(texts=("yes", "no"), prompt="Hello")
        turns = [*user_prompt("Hello"), {"role": "assistant", "content": text_part("Hi")}]
        for response, last in zip(item.responses.all(), ("one", "two"), strict=True):
            own = [*turns, {"role": "assistant", "content": text_part(last)}, *user_prompt("More")]
            Response.objects.filter(pk=response.pk).update(messages=own)
        judge(ann, make_comparison(item=item), [[0], [1]])

        (row,) = rows_of(write(cut(project), Format.TRL_PREFERENCE))

        assert [m["content"] for m in row["prompt"]] == ["Hello", "Hi"]
        assert [m["content"] for m in row["chosen"]] == ["one", "More", "yes"]
        assert [m["content"] for m in row["rejected"]] == ["two", "More", "no"]

    @pytest.mark.parametrize(
        ("pairs", "expected"),
        [
            ("best_versus_rest", {("a", "b"), ("a", "c"), ("a", "d")}),
            ("all_pairs", {("a", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "d")}),
            ("adjacent", {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}),
        ],
    )
    def test_takes_pairs_from_a_ranking_and_none_from_a_tie(
        self, cut, write, judge, make_comparison, project, ann, pairs, expected
    ):
        judge(ann, make_comparison(texts=("a", "b", "c", "d")), [[0], [1, 2], [3]])

        rows = rows_of(write(cut(project, pairs=pairs), Format.TRL_PREFERENCE))

        assert {(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows} == expected

    def test_reconciles_its_rows_with_the_version(
        self, cut, write, judge, make_comparison, project, ann
    ):
        judge(ann, make_comparison(), [[0], [1]])
        judge(ann, make_comparison(), [[0, 1]])
        make_comparison()
        version = cut(project)

        export = write(version, Format.TRL_PREFERENCE)

        assert export.counts["default"] == {"rows": 1, "dropped": {"no_votes": 1, "tie": 1}}
        assert version.counts["kept"] == 1

    def test_keeps_equal_prompts_in_one_split(
        self, cut, write, judge, make_comparison, project, ann
    ):
        for n in range(30):
            judge(
                ann,
                make_comparison(prompt=f"prompt {n % 10}", texts=(f"a{n}", f"b{n}")),
                [[0], [1]],
            )

        export = write(cut(project, split={"test": 50}), Format.TRL_PREFERENCE)

        folder = storage.export_path(export) / "data"
        prompts = {
            split: {
                row["prompt"][0]["content"]
                for file in folder.glob(f"{split}-*")
                for row in pq.read_table(file).to_pylist()
            }
            for split in ("train", "test")
        }
        assert prompts["train"] and prompts["test"]
        assert not prompts["train"] & prompts["test"]

    def test_holds_the_same_rows_as_lines_and_as_parquet(
        self, cut, write, judge, make_comparison, project, ann
    ):
        for _ in range(5):
            judge(ann, make_comparison(), [[0], [1]])

        export = write(cut(project), Format.TRL_PREFERENCE)

        assert rows_of(export) == lines_of(export, "jsonl")

    def test_writes_a_table_with_its_columns_where_nothing_was_kept(
        self, cut, write, make_comparison, project
    ):
        make_comparison()

        export = write(cut(project), Format.TRL_PREFERENCE)

        assert rows_of(export) == []
        (file,) = (storage.export_path(export) / "data").glob("*.parquet")
        assert "margin" in pq.read_schema(file).names


class TestRaw:
    def test_says_both_bad_unsure_and_corrected_as_they_were(
        self, cut, write, judge, make_comparison, project, ann, bob
    ):
        comparison = make_comparison()
        mistaken = judge(ann, comparison, [[0], [1]], strength=1)
        judge(ann, comparison, [[1], [0]], strength=2, supersedes=mistaken)
        judge(bob, comparison, outcome=Outcome.BOTH_BAD)

        export = write(cut(project), Format.RAW)

        votes = lines_of(export, "votes-jsonl")
        assert export.counts["votes"] == {"rows": 2, "dropped": {"superseded": 1}}
        assert {(v["choice"], v.get("outcome")) for v in votes} == {(1, None), (None, "both_bad")}

    def test_gives_back_a_file_that_imports_as_it_was(self, tmp_path):
        items, votes = tmp_path / "i.jsonl.gz", tmp_path / "v.jsonl.gz"
        dump(items, ITEMS)
        dump(votes, VOTES)
        call_command("import_items", "round", str(items), "--create", stdout=StringIO())
        call_command("import_judgments", "round", str(votes), stdout=StringIO())
        call_command("cut", "round", stdout=StringIO())
        call_command("export", "round", "latest", "raw", str(tmp_path / "out"), stdout=StringIO())

        back = [
            {row["id"]: row for path in (tmp_path / "out" / folder).glob("*") for row in load(path)}
            for folder in ("items-jsonl", "votes-jsonl")
        ]

        assert back == [{row["id"]: row for row in rows} for rows in (ITEMS, VOTES)]


ITEMS = [
    {
        "id": "one",
        "source": "somewhere",
        "prompt": " Say\r\n it\u2028 ",
        "responses": [
            {"id": "one-a", "text": "", "model": None},
            {"id": "one-b", "text": "e\u0301 \ufeff\t", "model": "m", "style": {"share": 0.1}},
        ],
        "meta": {"gold": 1, "nested": [1.5, None, "x"]},
    },
    {
        "id": "two",
        "source": "somewhere",
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "responses": [{"id": f"two-{n}", "text": str(n), "model": "m"} for n in range(2)],
        "meta": {},
    },
]
NOTHING = {
    "model": None,
    "choice": None,
    "strength": None,
    "ranking": None,
    "ratings": None,
    "aspects": None,
    "seconds": None,
    "position_swapped": None,
    "meta": None,
}
VOTES = [
    NOTHING
    | {"id": "v1", "item_id": "one", "annotator": "w1", "kind": "human", "choice": 1}
    | {"strength": 2, "rationale": "because ", "seconds": 3.5, "position_swapped": True},
    NOTHING
    | {"id": "v2", "item_id": "two", "annotator": "g", "kind": "llm", "model": "g"}
    | {"choice": "tie", "strength": 0, "rationale": None, "aspects": {"style": 0}}
    | {"ratings": {"two-0": {"depth": 1.5}, "two-1": {"depth": 2}}, "meta": {"p": 0.25}},
    NOTHING
    | {"id": "v3", "item_id": "two", "annotator": "g", "kind": "llm", "model": "g"}
    | {"rationale": "unreadable"},
]


def dump(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def load(path):
    return [json.loads(line) for line in path.open("rb")]


class TestExport:
    def test_writes_the_same_bytes_every_time(
        self, cut, write, judge, make_comparison, project, ann
    ):
        for _ in range(5):
            judge(ann, make_comparison(), [[0], [1]])
        export = write(cut(project), Format.TRL_PREFERENCE)
        first = export.files
        Export.objects.update(state=WorkState.QUEUED)

        again = write(export.version, Format.TRL_PREFERENCE)

        assert again.files == first
        for file in again.files:
            content = (storage.export_path(again) / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]

    def test_leaves_nothing_to_see_where_its_builder_was_killed_and_is_written_again(
        self, cut, judge, make_comparison, project, ann, noon, monkeypatch
    ):
        judge(ann, make_comparison(), [[0], [1]])
        export = exporting.request_export(
            version=cut(project), format=Format.TRL_PREFERENCE, now=noon
        )

        class Killed(BaseException):
            pass

        def die(*args):
            raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(exporting, "write_cards", die)
            exporting.build_export(export=export, now=noon)
        export.refresh_from_db()
        assert export.state == WorkState.RUNNING
        assert not storage.export_path(export).exists()

        assert exporting.build_export(export=export, now=noon)

        export.refresh_from_db()
        assert (export.state, export.tries) == (WorkState.DONE, 2)
        assert builds.MOST_TRIES > 2

    def test_is_refused_before_its_version_is_done(self, make_comparison, project, noon):
        from curation.services import datasets, versioning

        dataset = datasets.default_dataset(project=project, now=noon)
        version = versioning.request_version(dataset=dataset, now=noon)

        with pytest.raises(exporting.NotBuilt):
            exporting.request_export(version=version, format=Format.RAW, now=noon)

    def test_divides_a_large_table_into_files_of_bounded_size(
        self, cut, write, judge, make_comparison, project, ann, monkeypatch
    ):
        monkeypatch.setattr("curation.services.part_files.PART_ROWS", 4)
        for _ in range(10):
            judge(ann, make_comparison(), [[0], [1]])

        export = write(cut(project), Format.TRL_PREFERENCE)

        names = sorted(f["path"] for f in export.files if f["path"].startswith("data/"))
        assert names == [f"data/train-0000{n}-of-00003.parquet" for n in range(3)]
        assert len(rows_of(export)) == 10
        assert PART_ROWS > 4


class TestCommand:
    def test_refuses_a_folder_that_holds_something(self, cut, make_comparison, project, tmp_path):
        make_comparison()
        cut(project)
        (tmp_path / "mine").write_text("keep me")

        with pytest.raises(CommandError, match="not an empty folder"):
            call_command("export", project.slug, "latest", "raw", str(tmp_path))

        assert (tmp_path / "mine").read_text() == "keep me"

    def test_names_what_is_missing(self, project, tmp_path):
        with pytest.raises(CommandError, match="There is no dataset"):
            call_command("export", "nothing", "latest", "raw", str(tmp_path / "out"))
        with pytest.raises(CommandError, match="no dataset and no project"):
            call_command("cut", "nothing")
