import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import Annotator, Comparison, Judgment, QualityReport
from annotation.selectors.quality import fresh_report
from annotation.selectors.reports import stored_report, with_live_agreement
from annotation.services import quality
from annotation.services.aggregation import refresh_next_stale
from annotation.services.quality import PAUSE, refresh_next_report


@pytest.fixture
def judge(noon):
    """Have an annotator judge: judge(ann, comparison, [[0], [1]]), responses by position."""

    def judge(annotator, comparison, tiers=(), **fields):
        fields = {"outcome": Outcome.RANKED if tiers else Outcome.UNPARSED} | fields
        judgment = Judgment.objects.create(
            project_id=comparison.project_id,
            comparison=comparison,
            annotator=annotator,
            ranking=[[comparison.response_ids[place] for place in tier] for tier in tiers],
            judged_at=noon,
            **fields,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)
        return judgment

    return judge


@pytest.fixture
def robot(project, noon):
    return Annotator.objects.create(
        project=project, kind=AnnotatorKind.LLM, name="robot", model_name="gpt-4", created_at=noon
    )


FIRST, SECOND, TIE = [[0], [1]], [[1], [0]], [[0, 1]]


class TestFreshReport:
    def test_has_what_is_promised_and_nulls_where_nothing_is_known(self, project):
        report = json.loads(json.dumps(fresh_report(project).as_json(), allow_nan=False))

        promised = {"counts", "agreement", "judges", "annotators", "bias", "leaderboard"}
        assert promised | {"transitivity"} <= set(report)
        assert report["counts"]["items"] == report["counts"]["annotators"] == 0
        assert report["agreement"]["pairwise"] is report["agreement"]["alpha_nominal"] is None
        assert (report["leaderboard"], report["transitivity"]["p"]) == ([], None)

    def test_counts_people_and_judges_apart(self, judge, project, make_comparison, ann, bob, robot):
        comparison = make_comparison()
        judge(ann, comparison, FIRST)
        judge(bob, comparison, FIRST)
        judge(robot, comparison, SECOND)
        judge(robot, comparison)

        report = fresh_report(project).as_json()

        counts = report["counts"]
        assert (counts["judgments_human"], counts["judgments_llm"]) == (2, 2)
        assert (counts["annotators"], counts["judges"], counts["unparsed"]) == (2, 1, 1)
        assert (report["agreement"]["n_items"], report["agreement"]["pairwise"]) == (1, 1.0)
        (machine,) = report["judges"]
        assert (machine["annotator"], machine["model"], machine["n"]) == ("robot", "gpt-4", 2)
        assert machine["agreement_with_majority"] == 0.0
        assert [one["annotator"] for one in report["annotators"]] == ["ann", "bob"]

    def test_hears_only_the_last_word(self, judge, project, make_comparison, ann, bob):
        comparison = make_comparison()
        judge(bob, comparison, SECOND)
        mistaken = judge(ann, comparison, FIRST)
        judge(ann, comparison, SECOND, supersedes=mistaken)

        report = fresh_report(project).as_json()

        assert report["counts"]["judgments_human"] == 2
        assert report["agreement"]["pairwise"] == 1.0

    def test_keeps_to_judgments_whose_metadata_say_so(
        self, judge, project, make_comparison, ann, bob
    ):
        comparison = make_comparison()
        judge(ann, comparison, FIRST, metadata={"pool": "crowd"})
        judge(bob, comparison, SECOND, metadata={"pool": "expert"})

        report = fresh_report(project, {"pool": "crowd"}).as_json()

        assert report["counts"]["judgments_human"] == 1
        assert [one["annotator"] for one in report["annotators"]] == ["ann"]
        assert report["agreement"]["n_votes"] == 1

    def test_compares_with_the_known_answer(self, judge, project, make_item, make_comparison, ann):
        for gold in (0, 1, "tie"):
            judge(ann, make_comparison(item=make_item(metadata={"gold": gold})), FIRST)

        report = fresh_report(project).as_json()

        assert report["annotators"][0]["accuracy_vs_gold"] == pytest.approx(1 / 3)
        assert report["gold"] == {"n_items": 3, "n_undecided": 0, "agreement": 1 / 3}

    def test_ranks_models_by_pairs_and_by_rankings_alike(
        self, judge, project, make_comparison, ann, robot
    ):
        judge(ann, make_comparison(), SECOND)
        judge(ann, make_comparison(texts=("a", "b", "c")), [[1], [0, 2]])
        judge(robot, make_comparison(), TIE)

        report = fresh_report(project).as_json()

        (best, *_) = report["leaderboard"]
        assert (best["model"], best["n"], best["win_rate"]) == ("model-1", 3, 1.0)
        assert report["leaderboards"]["human"]["n_votes"] == 4
        assert report["leaderboards"]["llm"]["n_votes"] == 1


class TestRefreshNextReport:
    def test_works_out_what_judgments_have_overtaken_and_only_that(
        self, judge, project, make_comparison, ann, noon
    ):
        judge(ann, make_comparison(), FIRST)
        refresh_next_stale(now=noon)

        assert [refresh_next_report(now=noon) for _ in range(2)] == [True, False]

        stored = stored_report(project)
        assert (stored.computed_at, stored.is_current) == (noon, True)
        assert stored.report.as_json() == json.loads(json.dumps(fresh_report(project).as_json()))

    def test_waits_a_while_before_it_does_so_again(
        self, judge, project, make_comparison, ann, bob, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, FIRST)
        refresh_next_stale(now=noon)
        refresh_next_report(now=noon)
        judge(bob, comparison, SECOND)
        refresh_next_stale(now=noon)

        assert not stored_report(project).is_current
        assert not refresh_next_report(now=noon + PAUSE / 2)
        assert refresh_next_report(now=noon + timedelta(hours=1))
        assert stored_report(project).report.figures["counts"]["judgments_human"] == 2

    def test_sets_aside_a_project_that_cannot_be_read_with_its_error(
        self, judge, make_comparison, ann, noon, monkeypatch
    ):
        judge(ann, make_comparison(), FIRST)
        refresh_next_stale(now=noon)

        def broken(project):
            raise ValueError("no such thing")

        monkeypatch.setattr(quality, "fresh_report", broken)
        later = [noon + timedelta(hours=n) for n in range(7)]

        assert [refresh_next_report(now=now) for now in later] == [True] * 5 + [False] * 2
        assert QualityReport.objects.get().error == "ValueError: no such thing"

    def test_does_nothing_without_judgments(self, project, noon):
        assert not refresh_next_report(now=noon)

    def test_is_done_again_after_a_rebuild(self, judge, project, make_comparison, ann, noon):
        judge(ann, make_comparison(), FIRST)
        refresh_next_stale(now=noon)
        refresh_next_report(now=noon)

        quality.mark_outdated(project=project, now=noon)

        assert refresh_next_report(now=noon)


class TestWithLiveAgreement:
    def test_shows_agreement_that_the_report_has_not_seen(
        self, judge, project, make_comparison, ann, bob, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, FIRST)
        refresh_next_stale(now=noon)
        refresh_next_report(now=noon)
        judge(bob, comparison, FIRST)
        refresh_next_stale(now=noon)

        shown = with_live_agreement(project, stored_report(project).report)

        assert (shown["agreement"]["n_items"], shown["agreement"]["pairwise"]) == (1, 1.0)
        assert shown["counts"]["judgments_human"] == 1


class TestReportCommand:
    def test_prints_one_json_value(self, judge, project, make_comparison, ann, capsys):
        judge(ann, make_comparison(), FIRST)

        call_command("report", "haiku", json=True)

        printed = json.loads(capsys.readouterr().out)
        assert printed == json.loads(json.dumps(fresh_report(project).as_json()))

    def test_prints_tables(self, judge, make_comparison, ann, capsys):
        judge(ann, make_comparison(), FIRST)

        call_command("report", "haiku")

        assert "Agreement of people" in capsys.readouterr().out

    def test_names_a_project_that_is_not_there(self, db):
        with pytest.raises(CommandError, match="no project “nothing”"):
            call_command("report", "nothing")
