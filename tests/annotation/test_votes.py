import numpy as np
import pytest

from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE
from annotation.domain.vocabulary import AnnotatorKind, CriterionKind, Outcome
from annotation.models import Comparison, Criterion, Item, Response
from annotation.selectors.votes import ballots_of, votes_of_project


class TestBallotsOf:
    def test_codes_every_verdict_by_the_stored_order(
        self, project, judge, make_comparison, make_crowd
    ):
        comparison = make_comparison()
        crowd = make_crowd(project, 5)
        for annotator, tiers in zip(crowd, ([[0], [1]], [[1], [0]], [[0, 1]]), strict=False):
            judge(annotator, comparison, tiers)
        judge(crowd[3], comparison, outcome=Outcome.BOTH_BAD)
        judge(crowd[4], comparison, outcome=Outcome.UNPARSED)

        ballots = ballots_of(project)

        assert ballots.choice.tolist() == [FIRST, SECOND, TIE, BOTH_BAD, NO_VERDICT]
        assert ballots.annotator_ids[ballots.voter].tolist() == [a.pk for a in crowd]
        assert set(ballots.comparison_ids[ballots.pair]) == {comparison.pk}

    def test_tells_which_side_was_shown_first(self, project, judge, make_comparison, make_crowd):
        comparison = make_comparison()
        one, other = comparison.response_ids
        for annotator, shown in zip(
            make_crowd(project, 3), ([one, other], [other, one], None), strict=True
        ):
            judge(annotator, comparison, [[0], [1]], shown_order=shown)

        ballots = ballots_of(project)

        assert ballots.swapped.tolist() == [0, 1, -1]
        assert ballots.for_skills().side.tolist() == [0, 1, 2]

    def test_hears_the_last_word_only(self, project, judge, make_comparison, ann):
        comparison = make_comparison()
        mistaken = judge(ann, comparison, [[0], [1]])
        judge(ann, comparison, [[1], [0]], supersedes=mistaken)

        assert ballots_of(project).choice.tolist() == [SECOND]

    def test_leaves_rankings_of_more_than_two_and_other_projects_out(
        self, project, make_project, judge, make_comparison, ann
    ):
        judge(ann, make_comparison(texts=("a", "b", "c")), [[0], [1], [2]])
        judge(ann, make_comparison(project=make_project()), [[0], [1]])

        assert len(ballots_of(project)) == 0

    def test_reads_one_criterion(self, project, judge, make_comparison, ann, bob):
        comparison = make_comparison()
        one, other = comparison.response_ids
        clarity = Criterion.objects.create(
            project=project, key="clarity", name="Clarity", kind=CriterionKind.PREFERENCE
        )
        judge(ann, comparison, [[0], [1]], criteria={"clarity": {"ranking": [[other], [one]]}})
        judge(bob, comparison, [[0], [1]])

        assert ballots_of(project, clarity).choice.tolist() == [SECOND]


@pytest.mark.django_db
class TestVotesOfProject:
    def test_knows_responses_and_annotators(self, project, judge, make_comparison, make_crowd, ann):
        comparison = make_comparison(texts=("short", "quite a bit longer"))
        Response.objects.filter(position=0).update(model_name="gpt-4")
        Response.objects.filter(position=1).update(model_name="llama-2-7b")
        Item.objects.update(metadata={"gold": 1})
        (judging_model,) = make_crowd(project, 1, AnnotatorKind.LLM)
        judging_model.model_name = "gpt-3.5-turbo"
        judging_model.save()
        judge(ann, comparison, [[0], [1]], active_seconds=7.5)
        judge(judging_model, comparison, [[1], [0]])

        found = votes_of_project(project)

        assert found.votes.lengths.tolist() == [[5, 18]]
        assert found.votes.gold.tolist() == [SECOND]
        assert [found.models[n] for n in found.model[0]] == ["gpt-4", "llama-2-7b"]
        assert found.votes.is_judge.tolist() == [False, True]
        assert found.votes.family.tolist() == [-1, found.votes.families[0, 0]]
        assert found.votes.families[0, 0] != found.votes.families[0, 1]
        assert np.array_equal(found.votes.seconds, [7.5, np.nan], equal_nan=True)
        assert found.response_ids.tolist() == [comparison.response_ids]

    def test_is_empty_without_votes(self, project):
        found = votes_of_project(project)

        assert (len(found.ballots), found.votes.n_items, found.voters) == (0, 0, [])

    def test_knows_both_responses_of_a_joint_comparison(self, project, judge, make_item, ann, noon):
        one, other = make_item(texts=("short", "b")), make_item(texts=("quite long", "d"))
        ids = [item.responses.get(position=0).pk for item in (one, other)]
        joint = Comparison.objects.create(
            project=project, item=one, other_item=other, response_ids=ids, created_at=noon
        )
        judge(ann, joint, [[0], [1]])

        assert votes_of_project(project).votes.lengths.tolist() == [[5, 10]]
