import numpy as np
import pytest

from annotation.domain.judges.opinions import JudgeTable
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE
from curation.domain.routing.juries import (
    Known,
    jury_verdicts,
    jury_without_own,
    weights_of,
)
from curation.domain.routing.references import (
    ASSUMED_QUALITY,
    PeopleVotes,
    agreed,
    human_quality,
    references,
)
from curation.domain.routing.strengths import gaps_of, gaps_without, strengths_of


def votes(*rows):
    """Votes as (comparison, person, verdict)."""
    pair, voter, choice = np.array(rows).T
    return PeopleVotes(pair, voter, choice, int(pair.max()) + 1)


def table(rows, families=None):
    """Opinions as (annotator, comparison, p_first, verdict, confidence)."""
    annotator, comparison, p_first, verdict, confidence = np.array(rows, float).T
    n = len(annotator)
    annotator = annotator.astype(int)
    return JudgeTable(
        annotator,
        comparison.astype(int),
        p_first,
        verdict.astype(int),
        confidence,
        np.zeros(n, bool),
        np.ones(n, bool),
        families or {int(one): f"family {one}" for one in annotator},
    )


class TestReferences:
    @pytest.mark.parametrize(
        ("counts", "n_outcomes", "verdict"),
        [
            ([1, 0, 0, 0], 2, FIRST),  # .75
            ([1, 0, 0, 0], 3, NO_VERDICT),  # .667
            ([0, 0, 2, 0], 3, TIE),  # .778
            ([3, 2, 0, 0], 2, NO_VERDICT),  # .583
            ([1, 4, 0, 0], 2, SECOND),  # .75
            ([0, 0, 0, 2], 4, BOTH_BAD),  # .75
            ([0, 0, 0, 0], 2, NO_VERDICT),
        ],
    )
    def test_are_what_people_agree_on(self, counts, n_outcomes, verdict):
        assert agreed(np.array([counts], float), n_outcomes).tolist() == [verdict]

    def test_count_a_person_once(self):
        twice = votes((0, 1, FIRST), (0, 1, FIRST), (0, 2, SECOND))

        assert references(twice).tolist() == [NO_VERDICT]


class TestHumanQuality:
    def test_leaves_each_person_out_in_turn(self):
        found = human_quality(
            votes((0, 1, FIRST), (0, 2, FIRST), (0, 3, FIRST), (0, 4, FIRST), (0, 5, SECOND))
        )

        # Four hold against 3 to 1, which is .7; the fifth against 4 to 0.
        assert found.n == 5
        assert found.value == pytest.approx(4 / 5)

    def test_is_that_of_simulated_people(self):
        draw = np.random.default_rng(0)
        truth = draw.integers(0, 2, 4000)
        said = np.where(draw.random((4000, 5)) < 0.9, truth[:, None], 1 - truth[:, None])
        pair, voter = np.indices(said.shape)
        people = PeopleVotes(pair.ravel(), voter.ravel(), said.ravel(), 4000)

        # The others err, too: where 4 or 3 of them agree, that is wrong in about one of 200.
        assert human_quality(people).value == pytest.approx(0.9, abs=0.01)

    def test_is_assumed_where_one_person_judged_each(self):
        found = human_quality(votes((0, 1, FIRST), (1, 1, SECOND)))

        assert (found.value, found.n) == (ASSUMED_QUALITY, 0)


class TestJuryVerdicts:
    def test_lets_a_family_vote_once(self):
        rows = [(1, 7, 0.9, FIRST, 0.9), (2, 7, 0.9, FIRST, 0.9), (3, 7, 0.05, SECOND, 0.95)]

        found = jury_verdicts(table(rows, {1: "gpt", 2: "gpt", 3: "palm"}), {})

        assert found.comparison.tolist() == [7]
        assert found.verdict.tolist() == [SECOND]
        assert found.agreement == pytest.approx([1 / 3])

    def test_lets_the_better_of_two_decide(self):
        rows = [(1, 7, 0.75, FIRST, 0.75), (2, 7, 0.25, SECOND, 0.75)]
        one_family = {1: "gpt", 2: "gpt"}

        even = jury_verdicts(table(rows, one_family), {})
        weighed = jury_verdicts(table(rows, one_family), {1: 0.5, 2: 0.6})

        assert even.verdict.tolist() == [NO_VERDICT]
        assert weighed.verdict.tolist() == [SECOND]
        assert 0.5 < weighed.confidence[0] < 0.75

    def test_knows_ties(self):
        found = jury_verdicts(table([(1, 7, 0.5, TIE, 0.6)]), {})

        assert found.verdict.tolist() == [TIE]
        assert found.confidence == pytest.approx([0.6])
        assert found.p_first == pytest.approx([0.5])

    def test_of_no_opinions_are_none(self):
        nothing = table([(1, 7, 0.5, TIE, 0.6)]).where(np.zeros(1, bool))

        assert len(jury_verdicts(nothing, {}).comparison) == 0


class TestWeightsOf:
    def test_counts_how_often_a_judge_is_right_where_that_is_known(self):
        rows = [(1, c, 0.75, FIRST, 0.75) for c in (2, 3, 5)] + [(2, 9, 0.75, FIRST, 0.75)]

        found = weights_of(table(rows), np.array([2, 3, 4, 5]), np.array([0, 1, 0, NO_VERDICT]))

        assert found == {1: pytest.approx(1.5 / 3), 2: pytest.approx(0.5)}


class TestStrengths:
    def test_tell_who_wins_with_judges(self):
        models, p_first = np.array([[0, 1], [0, 1], [1, 2]]), np.array([1.0, 1.0, 1.0])

        first, second, third = strengths_of(models, p_first, 3)

        assert first > second > third

    def test_leave_the_comparison_itself_out(self):
        models = np.array([[0, 1], [0, 1]])

        gaps = gaps_without(models, np.array([1.0, 0.0]), 2)

        assert gaps[0] < 0 < gaps[1]

    def test_know_nothing_of_unnamed_models(self):
        assert np.isnan(gaps_without(np.array([[0, -1]]), np.array([1.0]), 1)).all()
        assert np.isnan(gaps_without(np.array([[-1, -1]]), np.array([1.0]), 0)).all()
        assert np.isnan(gaps_of([("a", "new")], {"a": 0.6})).all()


class TestJuryWithoutOwn:
    def test_is_right_no_more_often_than_judges_who_toss_coins(self):
        """Four judges of one family toss coins about 60 comparisons, 40 times over."""
        shares = []
        for seed in range(40):
            draw = np.random.default_rng(seed)
            right = draw.integers(0, 2, 60)
            said = draw.integers(0, 2, (4, 60))
            rows = [
                (judge, pk, 0.9 if said[judge, pk] == FIRST else 0.1, said[judge, pk], 0.9)
                for judge in range(4)
                for pk in range(60)
            ]
            tossed = table(rows, dict.fromkeys(range(4), "one family"))
            known = Known(np.arange(60), right)
            all_labels = jury_verdicts(tossed, weights_of(tossed, np.arange(60), right))
            others = jury_without_own(tossed, known, {pk: pk % 10 for pk in range(60)})
            found = [one.verdict for one in (all_labels, others)]
            shares.append([(one == right)[one != NO_VERDICT].mean() for one in found])

        with_own, without = np.mean(shares, axis=0)

        assert with_own > 0.52
        assert abs(without - 0.5) < 0.02

    def test_is_the_jury_by_the_labels_of_other_groups(self):
        rows = [(judge, pk, 0.8, FIRST, 0.8) for judge in (1, 2) for pk in range(4)]
        rows[0] = (1, 0, 0.2, SECOND, 0.8)
        said = table(rows, {1: "gpt", 2: "gpt"})
        known = Known(np.arange(4), np.array([SECOND, FIRST, FIRST, NO_VERDICT]))
        groups = {0: 0, 1: 1, 2: 1}

        found = jury_without_own(said, known, groups)
        alone = jury_verdicts(
            said.where(said.comparison == 0),
            weights_of(said, known.comparison, np.array([NO_VERDICT, FIRST, FIRST, NO_VERDICT])),
        )

        assert found.comparison.tolist() == [0, 1, 2]
        assert found.p_first[0] == pytest.approx(alone.p_first[0])

    def test_of_nobody_is_empty(self):
        said = table([(1, 7, 0.8, FIRST, 0.8)])

        assert (
            len(jury_without_own(said, Known(np.empty(0, int), np.empty(0, int)), {}).verdict) == 0
        )
