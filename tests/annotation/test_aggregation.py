from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.domain.vocabulary import Outcome
from annotation.models import Annotator, Comparison, Consensus, Judgment
from annotation.services.aggregation import MOST_TRIES, rebuild_consensus, refresh_next_stale


def rows():
    return list(Consensus.objects.order_by("pk").values())


class TestRefreshNextStale:
    def test_writes_what_the_judgments_add_up_to(self, judge, make_comparison, ann, bob, noon):
        comparison = make_comparison()
        first, second = comparison.response_ids
        judge(ann, comparison, [[0], [1]], strength=2)
        judge(bob, comparison, [[0], [1]], strength=1)

        taken = refresh_next_stale(now=noon)

        consensus = Consensus.objects.get()
        assert taken == 1
        assert consensus.posterior[str(first)] == pytest.approx(2.25 / 3, abs=1e-6)
        assert (consensus.ranking, consensus.strength) == ([[first], [second]], 1.5)
        assert (consensus.n_judgments, consensus.n_votes) == (2, 2)
        assert (consensus.agreement, consensus.is_settled) == (1.0, True)

    def test_counts_an_answer_that_takes_no_side_as_no_vote(
        self, judge, make_comparison, ann, bob, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        judge(bob, comparison, outcome=Outcome.UNSURE)

        refresh_next_stale(now=noon)

        assert (Consensus.objects.get().n_judgments, Consensus.objects.get().n_votes) == (2, 1)

    def test_hears_only_the_last_word_of_somebody_who_corrected_themselves(
        self, judge, make_comparison, ann, noon
    ):
        comparison = make_comparison()
        mistaken = judge(ann, comparison, [[0], [1]])
        judge(ann, comparison, [[1], [0]], supersedes=mistaken)

        refresh_next_stale(now=noon)

        assert Consensus.objects.get().ranking[0] == [comparison.response_ids[1]]
        assert Consensus.objects.get().n_judgments == 1

    def test_leaves_nothing_stale_and_nothing_to_do(self, judge, make_comparison, ann, noon):
        for _ in range(3):
            judge(ann, make_comparison(), [[0], [1]])

        taken = [refresh_next_stale(now=noon, limit=2) for _ in range(3)]

        assert taken == [2, 1, 0]
        assert not Comparison.objects.filter(stale_since__isnull=False).exists()

    def test_writes_no_row_for_a_comparison_without_judgments(self, make_comparison, noon):
        comparison = make_comparison()
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)

        refresh_next_stale(now=noon)

        assert not Consensus.objects.exists()

    def test_takes_a_few_statements_whatever_the_number(
        self, judge, make_comparison, ann, noon, django_assert_max_num_queries
    ):
        for _ in range(30):
            judge(ann, make_comparison(), [[0], [1]])

        with django_assert_max_num_queries(14):
            refresh_next_stale(now=noon)

    def test_sets_a_comparison_aside_that_it_cannot_read_and_does_the_others(
        self, judge, make_comparison, ann, noon
    ):
        broken, sound = make_comparison(), make_comparison()
        Judgment.objects.create(
            project_id=broken.project_id,
            comparison=broken,
            annotator=ann,
            outcome=Outcome.RANKED,
            ranking=[sound.response_ids],
            judged_at=noon,
        )
        Comparison.objects.filter(pk=broken.pk).update(stale_since=noon)
        judge(ann, sound, [[0], [1]])

        tries = 0
        while refresh_next_stale(now=noon):
            tries += 1

        broken.refresh_from_db()
        assert tries == MOST_TRIES
        assert (broken.stale_since, broken.stale_tries) == (noon, MOST_TRIES)
        assert "a ranking names" in broken.stale_error
        assert Consensus.objects.get().comparison_id == sound.id

    @pytest.mark.django_db(transaction=True)
    def test_is_shared_by_rivals_without_doing_anything_twice(
        self, judge, make_comparison, ann, noon
    ):
        for _ in range(40):
            judge(ann, make_comparison(), [[0], [1]])

        def drain(_):
            try:
                taken = 0
                while step := refresh_next_stale(now=noon, limit=3):
                    taken += step
                return taken
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as rivals:
            taken = list(rivals.map(drain, range(4)))

        assert sum(taken) == 40
        assert Consensus.objects.count() == 40


class TestRebuildConsensus:
    @settings(
        max_examples=20,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.integers(0, 3),
                st.sampled_from([[[0], [1]], [[1], [0]], [[0, 1]], None]),
                st.booleans(),
            ),
            max_size=12,
        )
    )
    def test_equals_what_was_kept_up_to_date_step_by_step(
        self, judge, make_comparison, make_project, noon, story
    ):
        project = make_project()
        comparisons = [make_comparison(project=project) for _ in range(3)]
        people = [
            Annotator.objects.create(kind="human", name=f"p{n}", project=project, created_at=noon)
            for n in range(4)
        ]
        for place, person, tiers, drains in story:
            outcome = Outcome.RANKED if tiers else Outcome.BOTH_BAD
            judge(people[person], comparisons[place], tiers or (), outcome)
            if drains:
                refresh_next_stale(now=noon)
        while refresh_next_stale(now=noon):
            pass
        incremental = rows()

        rebuild_consensus(project=project, now=noon)
        while refresh_next_stale(now=noon):
            pass

        assert rows() == incremental

    def test_gives_a_comparison_that_was_set_aside_another_chance(
        self, judge, make_comparison, ann, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        Comparison.objects.update(stale_tries=MOST_TRIES, stale_error="ValueError: once")

        waiting = rebuild_consensus(project=comparison.project, now=noon)

        assert (waiting, refresh_next_stale(now=noon)) == (1, 1)
        assert Comparison.objects.get().stale_error == ""
