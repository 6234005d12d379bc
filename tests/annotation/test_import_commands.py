import json

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Import, Item, Judgment, Project

GOOD = {
    "id": "one",
    "prompt": "Why?",
    "responses": [{"id": "x", "text": "x"}, {"id": "y", "text": "y"}],
}
VOTE = {"id": "v1", "item_id": "one", "annotator": "w1", "kind": "human", "choice": 1}


@pytest.fixture
def make_file(tmp_path):
    def make(*records, name="items.jsonl"):
        path = tmp_path / name
        lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
        path.write_text("\n".join(lines))
        return str(path)

    return make


@pytest.mark.django_db
class TestImportCommands:
    def test_make_a_project_and_take_in_items_and_votes(self, make_file, capsys):
        call_command("import_items", "new", make_file(GOOD), "--create", "--name", "New one")
        call_command("import_judgments", "new", make_file(VOTE, name="votes.jsonl"))

        project = Project.objects.get(slug="new")
        assert (project.name, project.response_format) == ("New one", "pairwise")
        assert Judgment.objects.get().project == project
        assert "1 written, 0 unchanged, 0 refused" in capsys.readouterr().out

    def test_make_a_project_for_rankings_where_an_item_has_more_responses(self, make_file):
        three = GOOD | {"id": "three", "responses": [{"text": text} for text in "xyz"]}

        call_command("import_items", "new", make_file(GOOD, three), "--create")

        assert Project.objects.get(slug="new").response_format == "ranking"

    def test_name_every_refused_line_and_fail(self, project, make_file, capsys):
        path = make_file(GOOD, "{", GOOD | {"id": "two", "prompt": ""})

        with pytest.raises(SystemExit) as ended:
            call_command("import_items", "haiku", path)

        assert ended.value.code == 1
        errors = capsys.readouterr().err
        assert "items.jsonl:2: (line): not_json: " in errors
        assert "items.jsonl:3: prompt: empty: The prompt is empty." in errors
        assert Item.objects.count() == 1

    def test_succeed_with_refused_lines_only_where_told_to(self, project, make_file):
        call_command("import_items", "haiku", make_file(GOOD, "{"), "--allow-refused")

        assert Item.objects.count() == 1

    def test_report_to_machines(self, project, make_file, capsys):
        with pytest.raises(SystemExit):
            call_command("import_items", "haiku", make_file(GOOD, "{"), "--json")

        report = json.loads(capsys.readouterr().out)
        (file,) = report["files"]
        assert (file["state"], file["written"], file["refused"]) == ("done", 1, 1)
        assert [(r["line"], r["rule"]) for r in file["refusals"]] == [(2, "not_json")]

    def test_preview_without_writing(self, project, make_file, capsys):
        call_command("import_items", "haiku", make_file(GOOD, "{"), "--preview", "--json")

        shown = json.loads(capsys.readouterr().out)
        assert shown["columns"] == ["id", "prompt", "responses"]
        assert [line["refused"] and line["refused"]["rule"] for line in shown["lines"]] == [
            None,
            "not_json",
        ]
        assert not Item.objects.exists()
        assert not Import.objects.exists()

    def test_map_columns_as_told(self, project, make_file):
        row = {"q": "Why?", "one": "x", "two": "y"}
        mapping = '{"prompt": "q", "response_1": "one", "response_2": "two"}'

        call_command("import_items", "haiku", make_file(row), "--mapping", mapping)

        assert Item.objects.get().responses.count() == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ["nowhere", "FILE"],
            ["haiku", "/no/such/file"],
            ["haiku", "FILE", "--mapping", "[1]"],
            ["haiku", "FILE", "--mapping", '{"promt": "q"}'],
            ["Not A Slug", "FILE", "--create"],
            ["new", "FILE", "--create", "--overlap", "101"],
        ],
    )
    def test_refuse_wrong_arguments_with_one_sentence(self, project, make_file, arguments):
        path = make_file(GOOD)

        with pytest.raises(CommandError):
            call_command("import_items", *(path if a == "FILE" else a for a in arguments))

        assert not Item.objects.exists()

    def test_stop_at_the_first_refused_line_where_strict(self, project, make_file):
        with pytest.raises(SystemExit):
            call_command("import_items", "haiku", make_file(GOOD, "{"), "--strict")

        assert not Item.objects.exists()
