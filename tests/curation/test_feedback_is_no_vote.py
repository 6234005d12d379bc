"""What users did in a product shows beside people's and judges' votes, and never counts as one."""

import json

import pytest

from annotation.models import Comparison, Consensus, FeedbackTrust
from annotation.selectors import votes
from annotation.selectors.activity import activity_of
from annotation.selectors.items import tallies_of
from annotation.selectors.quality import fresh_report
from annotation.selectors.rankings import rankings_of
from annotation.selectors.totals import project_totals
from annotation.services import aggregation
from annotation.services.feedback import trusting
from annotation.services.feedback.taking import take_feedback
from annotation.services.reuse import reuse_judgments
from annotation.services.verification import findings
from curation.domain.recipes import recipe_of
from curation.models import SignalRequest, Signals
from curation.selectors.signal_inputs import judgments_of
from curation.services import storage
from curation.services.signals import refreshing


def lines_of(export, folder):
    files = sorted((storage.export_path(export) / folder).glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


@pytest.fixture
def comparison(make_comparison):
    return make_comparison(external_id="haiku")


@pytest.fixture
def give_feedback(project, noon):
    """Let users prefer the second response of the item haiku: give_feedback("mia", "leo")."""

    def give(*users, item="haiku", number=1):
        take_feedback(
            project=project,
            records=[
                {
                    "id": f"{item}-{user}",
                    "item": item,
                    "response": f"item-{number}-0",
                    "other_response": f"item-{number}-1",
                    "type": "edit",
                    "user": user,
                }
                for user in users
            ],
            now=noon,
        )

    return give


@pytest.mark.django_db
class TestFeedbackIsNoVote:
    @pytest.fixture(autouse=True)
    def _two_users_gave_it(self, comparison, give_feedback):
        give_feedback("mia", "leo")

    def test_of_a_consensus(self, comparison, judge, ann, project, noon):
        judge(ann, comparison, [[0], [1]])
        aggregation.rebuild_consensus(project=project, now=noon)
        while aggregation.refresh_next_stale(now=noon):
            pass

        consensus = Consensus.objects.get()
        assert (consensus.n_judgments, consensus.n_votes) == (1, 1)
        assert consensus.counts == [1, 0, 0, 0]
        assert consensus.ranking[0] == [comparison.response_ids[0]]

    def test_and_alone_makes_no_consensus(self, project, noon):
        aggregation.rebuild_consensus(project=project, now=noon)
        while aggregation.refresh_next_stale(now=noon):
            pass

        assert not Consensus.objects.exists()
        assert not Comparison.objects.filter(stale_since__isnull=False).exists()

    def test_of_statistics_over_the_project(self, project):
        assert len(votes.ballots_of(project)) == 0
        assert len(rankings_of(project).judgment) == 0

    def test_in_the_report(self, project):
        report = fresh_report(project).as_json()

        assert report["counts"]["judgments_human"] == report["counts"]["judgments_llm"] == 0
        assert report["counts"]["annotators"] == report["counts"]["judges"] == 0
        assert (report["annotators"], report["judges"]) == ([], [])

    def test_in_the_progress_of_the_project(self, project, comparison):
        totals = project_totals(project)
        activity = activity_of(project)

        assert (totals.human_judgments.n, totals.llm_judgments.n) == (0, 0)
        assert (activity.days, activity.annotators) == ([], [])
        assert tallies_of([comparison.id]).judgments == {}

    def test_in_the_signals_of_people_or_judges(self, comparison):
        said = judgments_of([comparison.id])[comparison.id]

        assert (said.people, said.judges) == ([], [])

    def test_for_another_comparison_of_the_same_texts(self, comparison, make_comparison, noon):
        other = make_comparison()
        responses = dict(zip(comparison.response_ids, other.response_ids, strict=True))

        copied = reuse_judgments(
            user=None, source=comparison, target=other, responses=responses, now=noon
        )

        assert copied == 0

    def test_that_a_recipe_may_count(self):
        with pytest.raises(Exception, match="human, llm"):
            recipe_of({"kinds": ["human", "user"]})

    def test_and_breaks_no_promise(self):
        assert not [promise for promise, broken_by in findings() if broken_by]


@pytest.mark.django_db
class TestTheSignalsOfFeedback:
    def drained(self, comparison, noon):
        while refreshing.refresh_next(now=noon):
            pass
        return Signals.objects.get(comparison=comparison, family="votes").values

    def test_tell_how_many_users_and_how_likely_they_are_right(
        self, comparison, give_feedback, project, noon
    ):
        give_feedback("mia", "leo")
        FeedbackTrust.objects.create(
            project=project, kind="edit", n_anchors=9, n_right=8, weight=0.9, low=0.6, high=0.99,
            n_events=2, n_users=2, computed_at=noon,
        )  # fmt: skip

        values = self.drained(comparison, noon)

        assert values["n_feedback"] == 2
        assert values["feedback_probability"] == pytest.approx(0.01 / 0.82, abs=1e-6)
        assert (values["people_votes"], values["people_judgments"]) == (0, 0)

    def test_are_worked_out_anew_when_the_trust_has_moved(
        self, comparison, give_feedback, project, noon
    ):
        give_feedback("mia")
        trusting.refresh_trust(project=project, now=noon)
        assert self.drained(comparison, noon)["feedback_probability"] == 0.5

        FeedbackTrust.objects.update(weight=0.501)
        assert not SignalRequest.objects.filter(family="votes").exists()
        FeedbackTrust.objects.update(weight=0.8)

        assert self.drained(comparison, noon)["feedback_probability"] == pytest.approx(0.2)


@pytest.mark.django_db(transaction=True)
class TestAVersion:
    def test_leaves_feedback_out_of_preferences_and_keeps_it_in_raw_beside_its_weight(
        self, comparison, give_feedback, judge, ann, project, noon, cut, write
    ):
        judge(ann, comparison, [[0], [1]])
        before = cut(project)
        give_feedback("mia")
        trusting.refresh_trust(project=project, now=noon)

        version = cut(project)

        assert version.counts["judgments"] == before.counts["judgments"] == 1
        assert version.digest != before.digest
        rows = lines_of(write(version, "raw"), "votes-jsonl")
        assert [(row["kind"], row["meta"]) for row in rows] == [
            ("human", None),
            ("user", {"feedback": "edit", "rule": 1}),
        ]
        assert not rows[1]["annotator"].startswith("user ")
        assert version.manifest["facts"]["projects"][0]["feedback_weights"] == {"edit": 0.25}
        FeedbackTrust.objects.update(weight=0.9)
        assert cut(project).digest == version.digest
        (preference,) = lines_of(write(version, "trl-preference"), "jsonl")
        assert preference["chosen"][0]["content"] == "first answer"
