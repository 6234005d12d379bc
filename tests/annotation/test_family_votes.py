import pytest

from annotation.domain.consensus import Settlement, Vote, ballots_of, verdict_of
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Consensus
from annotation.services import aggregation

A, B = 1, 2
FIRST, SECOND = [[0], [1]], [[1], [0]]


class TestBallotsOfFamilies:
    def test_share_one_vote_within_a_family(self):
        votes = [Vote("ann", [[A], [B]])]
        votes += [Vote(f"gpt {n}", [[B], [A]], family="gpt") for n in range(4)]

        ballots = ballots_of(votes)

        assert [ballot.weight for ballot in ballots] == [1, 0.25, 0.25, 0.25, 0.25]

    def test_let_every_judge_of_a_family_weigh_the_same_however_often_it_votes(self):
        votes = [Vote("one", [[A], [B]], family="gpt")] * 3 + [
            Vote("other", [[B], [A]], family="gpt")
        ]

        assert [ballot.weight for ballot in ballots_of(votes)] == pytest.approx(
            [1 / 6, 1 / 6, 1 / 6, 1 / 2]
        )

    def test_count_a_family_once_towards_settlement_and_agreement(self):
        votes = [Vote(f"gpt {n}", [[A], [B]], family="gpt") for n in range(4)]

        verdict = verdict_of([A, B], votes, Settlement(min_votes=2))

        assert verdict.n_votes == 1
        assert verdict.agreement is None
        assert not verdict.is_settled


@pytest.fixture
def consensus(noon):
    def consensus(comparison):
        aggregation.refresh_next_stale(now=noon)
        return Consensus.objects.filter(comparison=comparison).first()

    return consensus


class TestConsensusWithJudges:
    def test_lets_no_family_outvote_people_by_numbers(
        self, ann, bob, make_judge, make_comparison, judge, consensus
    ):
        comparison = make_comparison()
        first = str(comparison.response_ids[0])
        judge(ann, comparison, FIRST)
        judge(bob, comparison, FIRST)
        for number in range(5):
            strict = make_judge(name=f"strict {number}", family="GPT")
            judge(strict.annotator, comparison, SECOND)

        found = consensus(comparison)

        assert found.n_votes == 3
        assert max(found.posterior, key=found.posterior.get) == first

    def test_takes_the_family_from_the_model_where_none_is_given(
        self, make_judge, make_comparison, judge, consensus
    ):
        comparison = make_comparison()
        for model in ("gpt-4o", "openai/gpt-4.1-mini", "claude-3"):
            judge(make_judge(family="", model_name=model).annotator, comparison, FIRST)

        assert consensus(comparison).n_votes == 2

    def test_counts_imported_judges_as_their_publisher_did(
        self, project, make_crowd, make_comparison, judge, consensus
    ):
        comparison = make_comparison()
        machines = make_crowd(project, 3, AnnotatorKind.LLM)
        Annotator.objects.filter(pk__in=[each.pk for each in machines]).update(model_name="gpt-4")
        for machine in machines:
            judge(machine, comparison, FIRST)

        assert consensus(comparison).n_votes == 3

    def test_counts_no_feedback_of_users(
        self, project, ann, make_crowd, make_comparison, judge, consensus
    ):
        comparison, unjudged = make_comparison(), make_comparison()
        judge(ann, comparison, FIRST)
        for user in make_crowd(project, 3, AnnotatorKind.USER):
            judge(user, comparison, SECOND)
            judge(user, unjudged, SECOND)

        assert consensus(comparison).n_votes == 1
        assert consensus(unjudged) is None
