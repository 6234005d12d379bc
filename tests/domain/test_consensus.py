import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.consensus import Settlement, Vote, ballots_of, pair_probability, verdict_of

NO_OTHERS = Settlement(allows_tie=False, allows_both_bad=False)
LEFT, RIGHT, TIE, BAD = [[1], [2]], [[2], [1]], [[1, 2]], []


def said(*rankings):
    return [Vote(annotator, ranking) for annotator, ranking in enumerate(rankings)]


@st.composite
def rankings(draw, responses):
    tiers = {r: draw(st.integers(0, len(responses) - 1)) for r in responses}
    return [sorted(r for r in responses if tiers[r] == t) for t in sorted(set(tiers.values()))]


@st.composite
def polls(draw):
    responses = list(range(1, draw(st.integers(2, 5)) + 1))
    vote = st.builds(
        Vote,
        st.integers(1, 4),
        st.one_of(st.just([]), rankings(responses)),
        st.one_of(st.none(), st.integers(0, 3)),
    )
    return responses, draw(st.lists(vote, max_size=8))


class TestPosterior:
    def test_is_a_plus_a_half_over_n_plus_one_for_two_outcomes(self):
        verdict = verdict_of([1, 2], said(LEFT, LEFT, RIGHT), NO_OTHERS)

        assert verdict.best == {1: pytest.approx(2.5 / 4), 2: pytest.approx(1.5 / 4)}
        assert verdict.tie is None

    def test_spreads_a_prior_of_one_vote_over_all_possible_outcomes(self):
        verdict = verdict_of([1, 2], said(LEFT), Settlement())

        assert (verdict.best, verdict.tie, verdict.both_bad) == ({1: 0.625, 2: 0.125}, 0.125, 0.125)

    def test_makes_room_for_an_outcome_that_occurs_without_being_allowed(self):
        verdict = verdict_of([1, 2], said(TIE), NO_OTHERS)

        assert verdict.tie == pytest.approx((1 + 1 / 3) / 2, abs=1e-6)

    def test_lets_the_responses_of_the_best_tier_share_a_vote(self):
        verdict = verdict_of([1, 2, 3], said([[1, 2], [3]]), NO_OTHERS)

        assert verdict.best == {1: pytest.approx(0.416667), 2: pytest.approx(0.416667), 3: 0.166667}
        assert verdict.leader is None

    def test_is_the_prior_where_nobody_voted(self):
        verdict = verdict_of([1, 2], [], Settlement())

        assert (verdict.best, verdict.n_votes, verdict.is_settled) == ({1: 0.25, 2: 0.25}, 0, False)

    @given(polls())
    def test_adds_up_to_one(self, poll):
        verdict = verdict_of(*poll, Settlement())

        total = sum(verdict.best.values()) + verdict.tie + verdict.both_bad
        assert total == pytest.approx(1, abs=1e-5)

    @given(polls(), st.randoms())
    def test_does_not_depend_on_the_order_of_the_votes(self, poll, random):
        responses, votes = poll
        shuffled = random.sample(votes, len(votes))

        assert verdict_of(responses, shuffled, Settlement()) == verdict_of(
            responses, votes, Settlement()
        )


class TestOneAnnotator:
    def test_weighs_one_however_often_they_judged(self):
        twice = [Vote("ann", LEFT), Vote("ann", RIGHT), Vote("bob", LEFT)]

        verdict = verdict_of([1, 2], twice, NO_OTHERS)

        assert verdict.n_votes == 2
        assert verdict.best[1] == pytest.approx((1.5 + 0.5) / 3, abs=1e-6)


class TestScores:
    def test_are_shares_of_pairwise_wins_with_ties_as_half(self):
        verdict = verdict_of([1, 2, 3], said([[2], [1, 3]]), Settlement())

        assert verdict.scores == {1: 0.25, 2: 1.0, 3: 0.25}
        assert verdict.ranking == [[2], [1, 3]]

    def test_say_nothing_where_both_are_bad(self):
        assert verdict_of([1, 2], said(BAD), Settlement()).scores == {1: 0.5, 2: 0.5}

    @given(polls())
    def test_average_one_half(self, poll):
        responses, votes = poll

        scores = verdict_of(responses, votes, Settlement()).scores

        assert sum(scores.values()) / len(scores) == pytest.approx(0.5, abs=1e-5)


class TestStrength:
    def test_averages_the_winning_side_and_counts_ties_as_nothing(self):
        votes = [Vote(1, LEFT, 3), Vote(2, LEFT, 1), Vote(3, TIE, 0), Vote(4, RIGHT, 3)]

        assert verdict_of([1, 2], votes, Settlement()).strength == pytest.approx(4 / 3, abs=1e-6)

    def test_is_unknown_where_no_winning_vote_carries_one(self):
        assert verdict_of([1, 2], said(LEFT), Settlement()).strength is None

    def test_is_zero_for_a_tie(self):
        assert verdict_of([1, 2], said(TIE), Settlement()).strength == 0.0


class TestAgreement:
    def test_is_the_share_of_vote_pairs_that_say_the_same(self):
        verdict = verdict_of([1, 2], said(LEFT, LEFT, RIGHT, TIE), Settlement())

        assert verdict.agreement == pytest.approx(1 / 6, abs=1e-6)

    def test_averages_over_the_response_pairs_of_rankings(self):
        verdict = verdict_of([1, 2, 3], said([[1], [2], [3]], [[1], [3], [2]]), Settlement())

        assert verdict.agreement == pytest.approx(2 / 3, abs=1e-6)

    def test_is_unknown_with_one_annotator(self):
        twice = [Vote("ann", LEFT), Vote("ann", LEFT)]

        assert verdict_of([1, 2], twice, Settlement()).agreement is None

    @given(polls())
    def test_equals_counting_pairs_of_annotators_by_hand(self, poll):
        responses, votes = poll
        votes = list({vote.annotator: vote for vote in votes}.values())
        verdict = verdict_of(responses, votes, Settlement())

        assert verdict.agreement == (
            None if len(votes) < 2 else pytest.approx(slow_agreement(responses, votes), abs=1e-6)
        )


def slow_agreement(responses, votes):
    def says(vote, left, right):
        if not vote.ranking:
            return "bad"
        place = {r: number for number, tier in enumerate(vote.ranking) for r in tier}
        return math.copysign(1, place[left] - place[right]) * (place[left] != place[right])

    alike = [
        says(votes[i], left, right) == says(votes[j], left, right)
        for i in range(len(votes))
        for j in range(i)
        for left in responses
        for right in responses
        if left < right
    ]
    return sum(alike) / len(alike)


class TestSettlement:
    def test_wants_enough_votes_and_one_likely_outcome(self):
        strict = Settlement(min_votes=3, min_probability=0.6)

        assert not verdict_of([1, 2], said(LEFT, LEFT), strict).is_settled
        assert verdict_of([1, 2], said(LEFT, LEFT, LEFT), strict).is_settled
        assert not verdict_of([1, 2], said(LEFT, LEFT, RIGHT), strict).is_settled

    def test_is_never_reached_by_two_equally_likely_outcomes(self):
        lax = Settlement(min_probability=0.1)

        assert not verdict_of([1, 2], said(LEFT, RIGHT), lax).is_settled

    @given(st.integers(2, 9))
    def test_is_reached_by_a_single_vote_under_the_default_rule(self, k):
        ranking = [[response] for response in range(k)]

        assert verdict_of(list(range(k)), said(ranking), Settlement()).is_settled


class TestPairProbability:
    def test_is_the_posterior_mean_with_its_log_odds(self):
        ballots = ballots_of(said(LEFT, LEFT, LEFT, TIE))

        p, log_odds = pair_probability(1, 2, ballots)

        assert p == pytest.approx(4 / 5)
        assert log_odds == pytest.approx(math.log(4), abs=1e-6)

    @given(polls())
    def test_mirrors_when_the_responses_swap(self, poll):
        ballots = ballots_of(poll[1])
        forward, backward = pair_probability(1, 2, ballots), pair_probability(2, 1, ballots)

        assert forward[0] + backward[0] == pytest.approx(1, abs=1e-5)
        assert forward[1] == pytest.approx(-backward[1], abs=1e-5)
