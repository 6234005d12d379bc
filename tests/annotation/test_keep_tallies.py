from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection

from annotation.domain.agreement import pairwise_agreement, tally_from_json, tally_of_counts
from annotation.domain.vocabulary import AnnotatorKind, CriterionKind, Outcome
from annotation.models import Consensus, Criterion, CriterionConsensus, VoteTally
from annotation.services import tallies
from annotation.services.aggregation import refresh_next_stale

FIRST, SECOND, TIE = [[0], [1]], [[1], [0]], [[0, 1]]


def overall():
    return tally_from_json(VoteTally.objects.get(criterion__isnull=True).tally)


class TestVoteTally:
    def test_counts_how_people_agree(self, judge, make_comparison, ann, bob, noon):
        alike, apart = make_comparison(), make_comparison()
        for annotator in (ann, bob):
            judge(annotator, alike, FIRST)
        judge(ann, apart, FIRST)
        judge(bob, apart, outcome=Outcome.BOTH_BAD)

        refresh_next_stale(now=noon)

        assert (pairwise_agreement(overall()).value, pairwise_agreement(overall()).n) == (0.5, 2)
        assert [list(row.counts) for row in Consensus.objects.order_by("pk")] == [
            [2, 0, 0, 0],
            [1, 0, 0, 1],
        ]

    def test_leaves_judges_and_answers_without_a_side_out(
        self, judge, make_comparison, make_crowd, project, ann, bob, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, TIE)
        judge(bob, comparison, outcome=Outcome.UNSURE)
        judge(make_crowd(project, 1, AnnotatorKind.LLM)[0], comparison, TIE)

        refresh_next_stale(now=noon)

        assert overall().votes.sum(axis=0).tolist() == [0, 0, 1, 0]

    def test_follows_a_correction(self, judge, make_comparison, ann, bob, noon):
        comparison = make_comparison()
        judge(bob, comparison, FIRST)
        mistaken = judge(ann, comparison, SECOND)
        refresh_next_stale(now=noon)
        judge(ann, comparison, FIRST, supersedes=mistaken)

        refresh_next_stale(now=noon)

        assert pairwise_agreement(overall()).value == 1.0
        assert VoteTally.objects.get().n_changes == 2

    def test_is_restored_by_counting_afresh(self, judge, make_comparison, project, ann, noon):
        judge(ann, make_comparison(), FIRST)
        refresh_next_stale(now=noon)
        right = VoteTally.objects.get().tally
        VoteTally.objects.update(tally=tally_of_counts(np.array([[9, 9, 9, 9]])).as_json())

        tallies.recount(project=project, now=noon)

        assert VoteTally.objects.get().tally == right

    @pytest.mark.django_db(transaction=True)
    def test_misses_nothing_while_rivals_drain(
        self, judge, make_comparison, make_crowd, project, noon
    ):
        comparisons = [make_comparison() for _ in range(30)]
        for number, annotator in enumerate(make_crowd(project, 4)):
            for place, comparison in enumerate(comparisons):
                judge(annotator, comparison, (FIRST, SECOND, TIE)[(number * place) % 3])

        def drain(_):
            try:
                while refresh_next_stale(now=noon, limit=3):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as rivals:
            list(rivals.map(drain, range(4)))

        assert VoteTally.objects.get().tally == tallies.counted_tally(project.pk, None).as_json()
        assert overall().votes.sum() == 120


@pytest.fixture
def clarity(project):
    return Criterion.objects.create(
        project=project, key="clarity", name="Clarity", kind=CriterionKind.PREFERENCE
    )


@pytest.fixture
def warmth(project):
    return Criterion.objects.create(
        project=project, key="warmth", name="Warmth", kind=CriterionKind.RATING
    )


class TestCriterionConsensus:
    def test_adds_up_preferences_on_a_criterion(
        self, judge, make_comparison, clarity, ann, bob, noon
    ):
        comparison = make_comparison()
        first, second = comparison.response_ids
        for annotator in (ann, bob):
            said = {"clarity": {"ranking": [[second], [first]]}}
            judge(annotator, comparison, FIRST, criteria=said)

        refresh_next_stale(now=noon)

        row = CriterionConsensus.objects.get()
        assert (row.criterion, row.ranking, row.agreement) == (clarity, [[second], [first]], 1.0)
        assert (row.n_votes, row.counts, row.is_settled) == (2, [0, 2, 0, 0], True)
        assert tally_from_json(VoteTally.objects.get(criterion=clarity).tally).units.tolist() == [
            0,
            0,
            1,
        ]

    def test_averages_ratings_by_response(self, judge, make_comparison, warmth, ann, bob, noon):
        comparison = make_comparison()
        first, second = comparison.response_ids
        judge(ann, comparison, criteria={"warmth": {"ratings": {first: 4, second: 2}}}, tiers=TIE)
        judge(bob, comparison, criteria={"warmth": {"ratings": {first: 5}}}, tiers=TIE)

        refresh_next_stale(now=noon)

        row = CriterionConsensus.objects.get()
        assert row.scores == {str(first): 4.5, str(second): 2.0}
        assert row.n_ratings == {str(first): 2, str(second): 1}
        assert (row.method, row.ranking, row.n_votes) == ("mean_rating", [[first], [second]], 2)

    def test_goes_when_a_correction_leaves_the_criterion_unanswered(
        self, judge, make_comparison, clarity, ann, noon
    ):
        comparison = make_comparison()
        first, second = comparison.response_ids
        said = {"clarity": {"ranking": [[first, second]]}}
        mistaken = judge(ann, comparison, FIRST, criteria=said)
        refresh_next_stale(now=noon)
        judge(ann, comparison, FIRST, supersedes=mistaken)

        refresh_next_stale(now=noon)

        assert not CriterionConsensus.objects.exists()
        assert VoteTally.objects.get(criterion=clarity).tally["units"] == [0]
