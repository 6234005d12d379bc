import pytest

from annotation.domain.vocabulary import Outcome
from annotation.models import Comparison, Judgment
from annotation.services.aggregation import refresh_next_stale
from annotation.services.quality import refresh_next_report


@pytest.fixture
def judged(project, make_comparison, ann, bob, noon):
    """One comparison that ann and bob agree on, drained."""
    comparison = make_comparison()
    for annotator in (ann, bob):
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=annotator,
            outcome=Outcome.RANKED,
            ranking=[[response] for response in comparison.response_ids],
            judged_at=noon,
        )
    Comparison.objects.update(stale_since=noon)
    refresh_next_stale(now=noon)
    return comparison


class TestQuality:
    def test_is_there_before_the_first_report(self, judged, researchers_api):
        answer = researchers_api.get("projects/haiku/quality/").json()

        assert answer["agreement"]["pairwise"] == 1.0
        assert answer["counts"]["judgments_human"] == 2
        assert answer["is_current"] is True

    def test_says_how_old_the_report_is(self, judged, researchers_api, noon):
        refresh_next_report(now=noon)

        answer = researchers_api.get("projects/haiku/quality/").json()

        assert answer["computed_at"] == "2026-03-01T12:00:00+00:00"
        assert {one["annotator"] for one in answer["annotators"]} == {"ann", "bob"}


class TestOwnQuality:
    def test_shows_an_annotator_their_own_figures_and_nothing_that_gives_gold_away(
        self, judged, anns_api, noon
    ):
        refresh_next_report(now=noon)

        figures = anns_api.get("projects/haiku/quality/me/").json()["figures"]

        assert (figures["annotator"], figures["n"]) == ("ann", 1)
        assert figures["agreement_with_majority"] == 1.0
        assert not {"accuracy_vs_gold", "flags"} & set(figures)

    def test_is_null_for_somebody_who_has_not_judged(self, judged, researchers_api):
        assert researchers_api.get("projects/haiku/quality/me/").json()["figures"] is None


class TestLeaderboard:
    def test_ranks_models_by_the_votes_asked_for(self, judged, researchers_api):
        by_people = researchers_api.get("projects/haiku/leaderboard/").json()
        by_judges = researchers_api.get("projects/haiku/leaderboard/", by="llm").json()

        assert [place["model"] for place in by_people["places"]] == ["model-0", "model-1"]
        assert by_people["win_matrix"]["wins"] == [[0.0, 2.0], [0.0, 0.0]]
        assert (by_judges["by"], by_judges["places"]) == ("llm", [])

    def test_refuses_votes_of_nobody_known(self, researchers_api, project):
        answer = researchers_api.get("projects/haiku/leaderboard/", by="cats")

        assert (answer.status_code, answer.json()["field"]) == (400, "by")


class TestConsensus:
    def test_says_what_votes_are_worth_and_what_criteria_say(self, judged, researchers_api):
        (row,) = researchers_api.get("projects/haiku/consensus/").json()["results"]

        assert row["effective_votes"] == pytest.approx(2.0)
        assert row["criteria"] == {}
