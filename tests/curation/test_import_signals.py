import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from curation.models import ImportedSignal, SignalRequest
from curation.selectors.signals import signals_of
from curation.services.signals import importing, refreshing

pytestmark = pytest.mark.django_db


@pytest.fixture
def comparison(make_comparison, make_item):
    item = make_item(external_id="sea")
    return make_comparison(item=item)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "signals.jsonl"


@pytest.fixture
def write(path):
    def write(*rows):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def run(project, capsys):
    """Run the command and give its report: run(path, …)."""

    def run(*arguments, project=project.slug):
        call_command("import_signals", project, *arguments, "--source", "scorer", "--json")
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def drain(noon):
    def drain():
        while refreshing.refresh_next(now=noon):
            pass

    return drain


def first(report):
    (only,) = report["files"]
    return only["written"], only["unchanged"], only["refused"]


class TestImportSignals:
    def test_takes_values_about_items_responses_and_comparisons(self, comparison, write, run):
        rows = [
            {"item": "sea", "name": "cost", "value": 3},
            {"item": "sea", "response": 0, "name": "reward:a", "value": 1.5},
            {"item": "sea", "comparison": comparison.pk, "name": "ches", "value": -2.0},
        ]

        report = run(write(*rows), "--version", "7")

        assert first(report) == (3, 0, 0)
        kept = ImportedSignal.objects.order_by("pk")
        assert {(row.source, row.version) for row in kept} == {("scorer", "7")}
        assert set(kept.values_list("name", "response", "comparison")) == {
            ("cost", None, None),
            ("reward:a", comparison.response_ids[0], None),
            ("ches", None, comparison.pk),
        }

    def test_shows_up_among_the_signals(self, comparison, write, run, drain):
        rows = [
            {"item": "sea", "response": place, "name": f"reward:{model}", "value": value}
            for model, values in (("a", (2.0, 1.0)), ("b", (5.0, 1.0)))
            for place, value in enumerate(values)
        ]

        run(write(*rows, {"item": "sea", "name": "ches", "value": 0.25}))
        drain()

        values = signals_of([comparison.pk])[comparison.pk]
        assert values["imported.ches"] == 0.25
        assert values["imported.reward:b.difference"] == 4.0
        assert (values["reward_gap_mean"], values["reward_gap_sd"]) == (2.5, 1.5)

    def test_changes_nothing_when_repeated(self, comparison, write, run, drain):
        path = write({"item": "sea", "name": "cost", "value": 3})
        run(path)
        drain()
        SignalRequest.objects.all().delete()

        assert first(run(path)) == (0, 1, 0)
        assert not SignalRequest.objects.exists()

    def test_takes_the_place_of_an_earlier_value(self, comparison, write, run, drain):
        run(write({"item": "sea", "name": "cost", "value": 3}))
        run(write({"item": "sea", "name": "cost", "value": 4}))
        drain()

        assert ImportedSignal.objects.get().value == 4
        assert signals_of([comparison.pk])[comparison.pk]["imported.cost"] == 4.0

    def test_reads_packed_csv_and_parquet(self, comparison, tmp_path, run):
        packed = tmp_path / "a.csv.gz"
        packed.write_bytes(gzip.compress(b"item,response,name,value\nsea,,cost,1.5\nsea,0,r,2\n"))
        columns = {"item": ["sea"], "comparison": [comparison.pk], "name": ["c"], "value": [1.0]}
        pq.write_table(pa.table(columns), tmp_path / "b.parquet")

        assert first(run(packed)) == (2, 0, 0)
        assert first(run(tmp_path / "b.parquet")) == (1, 0, 0)
        assert ImportedSignal.objects.filter(name="cost").get().value == 1.5

    @pytest.mark.parametrize(
        ("row", "field", "rule"),
        [
            ({"name": "x", "value": 1}, "item", "missing_field"),
            ({"item": "sea", "value": 1}, "name", "missing_field"),
            ({"item": "sea", "name": "x"}, "value", "missing_field"),
            ({"item": "sea", "name": "x", "value": "1"}, "value", "wrong_type"),
            ({"item": "sea", "name": "x", "value": True}, "value", "wrong_type"),
            ({"item": "sea", "name": "x.spread", "value": 1}, "name", "name_taken"),
            ({"item": "sea", "name": "x" * 101, "value": 1}, "name", "too_long"),
            ({"item": "sea", "name": "a\nb", "value": 1}, "name", "not_printable"),
            ({"item": "moon", "name": "x", "value": 1}, "item", "unknown_item"),
            (
                {"item": "sea", "response": 7, "name": "x", "value": 1},
                "response",
                "unknown_response",
            ),
            (
                {"item": "sea", "comparison": 10**9, "name": "x", "value": 1},
                "comparison",
                "unknown_comparison",
            ),
            (
                {"item": "sea", "response": 0, "comparison": 1, "name": "x", "value": 1},
                "comparison",
                "two_subjects",
            ),
            ({"item": "sea", "name": "x", "value": 1, "valu": 2}, "valu", "unknown_field"),
        ],
    )
    def test_refuses_a_bad_line_and_takes_the_others(
        self, comparison, write, run, row, field, rule, capsys
    ):
        path = write(row, {"item": "sea", "name": "good", "value": 1})

        report = run(path, "--allow-refused")

        (refusal,) = report["files"][0]["refusals"]
        assert (refusal["line"], refusal["field"], refusal["rule"]) == (1, field, rule)
        assert ImportedSignal.objects.get().name == "good"

    def test_says_no_with_its_exit_code_where_a_line_was_refused(self, comparison, write, run):
        with pytest.raises(SystemExit) as end:
            run(write({"item": "moon", "name": "x", "value": 1}))

        assert end.value.code == 1

    def test_takes_only_what_is_of_its_own_project(
        self, comparison, make_project, write, run, project
    ):
        other = make_project(slug="other")

        report = run(
            write({"item": "sea", "name": "x", "value": 1}), "--allow-refused", project=other.slug
        )

        assert report["files"][0]["refusals"][0]["rule"] == "unknown_item"

    def test_wants_a_project_that_is_there(self, write, run):
        with pytest.raises(CommandError, match="no project"):
            run(write(), project="nowhere")

    def test_keeps_the_last_of_two_values_about_the_same(self, comparison, write, run):
        row = {"item": "sea", "response": 1, "name": "x", "value": 1}

        assert first(run(write(row, row | {"value": 2}))) == (1, 1, 0)
        assert ImportedSignal.objects.get().value == 2


class TestImportRows:
    def test_writes_none_where_one_is_refused(self, comparison, project, noon):
        rows = [
            {"item": "sea", "name": "x", "value": 1},
            {"item": "moon", "name": "x", "value": 1},
        ]

        with pytest.raises(importing.SignalsRefused) as refusal:
            importing.import_rows(
                project=project, records=rows, origin=importing.Origin("me"), now=noon
            )

        assert (refusal.value.line, refusal.value.code) == (2, "unknown_item")
        assert not ImportedSignal.objects.exists()
