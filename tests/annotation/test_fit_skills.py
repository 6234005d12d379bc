from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.domain.vocabulary import ConsensusMethod, Outcome
from annotation.models import AnnotatorSkill, Consensus, Skills, VoteTally
from annotation.services import projects
from annotation.services.aggregation import rebuild_consensus, refresh_next_stale
from annotation.services.skills import PATIENCE, PAUSE, refresh_next_due, refresh_skills
from annotation.services.verification import differing_consensus, differing_tally

FIRST, SECOND, TIE = [[0], [1]], [[1], [0]], [[0, 1]]
GOOD_AND_CONTRARY = (FIRST, FIRST, SECOND)


def rows():
    return list(Consensus.objects.order_by("pk").values())


def learned(project):
    kept = AnnotatorSkill.objects.filter(project=project).order_by("annotator_id")
    return list(kept.values_list("annotator_id", "confusion", "by_side", "worth", "n_votes"))


@pytest.fixture
def weighing(make_project):
    """A project that weighs annotators by their errors from the first vote on."""
    return make_project(consensus_method=ConsensusMethod.DAWID_SKENE, overlap=3)


@pytest.fixture
def judged(weighing, make_comparison, make_crowd, judge):
    """Twelve comparisons: two annotators always agree, a third says the contrary half the time."""
    crowd = make_crowd(weighing, 3)
    comparisons = [make_comparison(project=weighing) for _ in range(12)]
    for number, comparison in enumerate(comparisons):
        says = FIRST if number % 3 else SECOND
        other = SECOND if says == FIRST else FIRST
        judge(crowd[0], comparison, says)
        judge(crowd[1], comparison, says)
        judge(crowd[2], comparison, says if number % 2 else other)
    return comparisons


class TestRefreshSkills:
    def test_weighs_annotators_by_their_errors(self, weighing, judged, come_to_rest):
        come_to_rest(weighing)

        worth = AnnotatorSkill.objects.order_by("annotator_id").values_list("worth", flat=True)
        disputed = judged[0].consensus
        assert Skills.objects.get().method == "dawid_skene"
        assert worth[0] == worth[1] > 2 * worth[2]
        assert disputed.method == "dawid_skene"
        assert disputed.posterior[str(judged[0].response_ids[1])] > 0.9
        assert 0 < disputed.effective_votes < disputed.n_votes == 3

    def test_leaves_thin_projects_to_the_posterior_mean(
        self, make_project, make_comparison, make_crowd, judge, come_to_rest
    ):
        thin = make_project()
        for annotator in make_crowd(thin, 3):
            judge(annotator, make_comparison(project=thin), FIRST)

        come_to_rest(thin)

        assert Skills.objects.get().digest == ""
        assert {row["method"] for row in rows()} == {"posterior_mean"}
        assert {row["effective_votes"] for row in rows()} == {1.0}

    def test_weighs_by_itself_once_there_are_votes_enough(self, weighing, judged, come_to_rest):
        type(weighing).objects.update(consensus_method=ConsensusMethod.AUTO)
        weighing.refresh_from_db()

        come_to_rest(weighing)

        assert {row["method"] for row in rows()} == {"dawid_skene"}

    def test_learns_nothing_new_from_the_same_facts(self, weighing, judged, come_to_rest, noon):
        come_to_rest(weighing)

        again = refresh_skills(project=weighing, now=noon, at_once=True)

        assert (again, refresh_next_stale(now=noon)) == (False, 0)

    def test_waits_until_there_is_news_enough(
        self, weighing, judged, judge, make_crowd, come_to_rest, noon
    ):
        come_to_rest(weighing)
        judge(make_crowd(weighing, 1, "llm")[0], judged[0], FIRST)
        refresh_next_stale(now=noon)

        due = [refresh_next_due(now=noon + wait) for wait in (PAUSE, PATIENCE, 2 * PATIENCE)]

        assert due == [False, True, False]

    def test_goes_back_to_even_votes_when_the_project_asks_for_it(
        self, weighing, judged, come_to_rest, noon
    ):
        come_to_rest(weighing)

        projects.change_settings(
            actor=None,
            project_id=weighing.pk,
            changes={"consensus_method": ConsensusMethod.POSTERIOR_MEAN},
            now=noon + timedelta(hours=1),
        )
        weighing.refresh_from_db()
        come_to_rest(weighing)

        assert {(row["method"], row["skills"]) for row in rows()} == {("posterior_mean", "")}
        assert not AnnotatorSkill.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_is_done_once_by_rivals(self, weighing, judged, noon):
        while refresh_next_stale(now=noon):
            pass

        def learn(_):
            try:
                return refresh_skills(project=weighing, now=noon)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as rivals:
            assert sum(rivals.map(learn, range(4))) == 1


class TestRefreshNextStale:
    def test_weighs_a_new_vote_at_once_by_the_skills_known(
        self, weighing, judged, make_crowd, judge, come_to_rest, noon
    ):
        come_to_rest(weighing)
        before = {row["comparison_id"]: row for row in rows()}
        judge(make_crowd(weighing, 1, "llm")[0], judged[0], FIRST)

        taken = refresh_next_stale(now=noon)

        changed = [row["comparison_id"] for row in rows() if row != before[row["comparison_id"]]]
        assert (taken, changed) == (1, [judged[0].pk])
        assert Consensus.objects.get(pk=judged[0].pk).n_votes == 4

    def test_works_out_judgments_before_what_new_skills_change(
        self, weighing, judged, judge, make_crowd, noon
    ):
        while refresh_next_stale(now=noon):
            pass
        refresh_skills(project=weighing, now=noon)
        judge(make_crowd(weighing, 1, "llm")[0], judged[5], FIRST)

        refresh_next_stale(now=noon, limit=1)

        judged[5].refresh_from_db()
        assert judged[5].stale_since is None
        assert judged[5].consensus.n_votes == 4

    @settings(
        max_examples=10,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 4),
                st.integers(0, 3),
                st.sampled_from([FIRST, SECOND, TIE, None]),
                st.sampled_from(["", "drain", "learn"]),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_comes_to_what_a_rebuild_from_the_facts_gives(
        self, judge, make_comparison, make_project, make_crowd, come_to_rest, noon, story
    ):
        project = make_project(consensus_method=ConsensusMethod.DAWID_SKENE)
        comparisons = [make_comparison(project=project) for _ in range(5)]
        crowd = [*make_crowd(project, 3), *make_crowd(project, 1, "llm")]
        for place, person, tiers, then in story:
            outcome = Outcome.RANKED if tiers else Outcome.BOTH_BAD
            judge(crowd[person], comparisons[place], tiers or (), outcome)
            if then:
                refresh_next_stale(now=noon)
            if then == "learn":
                refresh_skills(project=project, now=noon, at_once=True)
        come_to_rest(project)
        derived = rows(), learned(project), VoteTally.objects.get(project=project).tally

        AnnotatorSkill.objects.filter(project=project).delete()
        Skills.objects.filter(project=project).delete()
        VoteTally.objects.filter(project=project).delete()
        Consensus.objects.filter(project=project).delete()
        rebuild_consensus(project=project, now=noon)
        come_to_rest(project)

        tally = VoteTally.objects.get(project=project).tally
        assert (rows(), learned(project), tally) == derived
        assert (differing_consensus(), differing_tally()) == ("", "")


class TestVerify:
    def test_finds_a_consensus_that_was_altered(self, weighing, judged, come_to_rest):
        come_to_rest(weighing)
        Consensus.objects.filter(pk=judged[3].pk).update(effective_votes=7)

        assert differing_consensus() == f"comparison {judged[3].pk}"

    def test_finds_a_tally_that_was_altered(self, weighing, judged, come_to_rest):
        come_to_rest(weighing)
        Consensus.objects.filter(pk=judged[3].pk).update(counts=[3, 0, 0, 0])

        assert differing_tally() == f"project {weighing.pk}"
