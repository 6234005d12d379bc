from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from annotation.domain.judges.combining import Answered, combined, combined_ratings
from annotation.domain.vocabulary import Outcome

A, B, C = 11, 12, 13


def told(order, shown, chances):
    return Answered(order, shown, Outcome.RANKED, [[shown[0]], [shown[1]]], chances)


def said(order, shown, *tiers, outcome=Outcome.RANKED):
    return Answered(order, shown, outcome, [list(tier) for tier in tiers])


def both_orders(d, b):
    """A judge whose log-odds for A are d, and who is pulled to the first place by b."""
    p, q = expit(b + d), expit(b - d)
    return [told(0, (A, B), {A: p, B: 1 - p}), told(1, (B, A), {B: q, A: 1 - q})]


class TestAPairInBothOrders:
    def test_is_averaged_as_log_odds_not_as_probabilities(self):
        verdict = combined([A, B], both_orders(0.8, 1.2))

        firsts = [verdict.by_order[0].chances[str(A)], verdict.by_order[1].chances[str(B)]]
        assert firsts == pytest.approx([0.881, 0.599], abs=1e-3)
        assert verdict.chances[str(A)] == pytest.approx(0.690, abs=1e-3)
        assert verdict.bias == pytest.approx(1.2, abs=1e-5)

    @given(d=st.floats(-3, 3), b=st.floats(-3, 3))
    def test_gives_back_what_the_judge_holds_whatever_its_pull(self, d, b):
        verdict = combined([A, B], both_orders(d, b))

        assert verdict.chances[str(A)] == pytest.approx(expit(d), abs=2e-6)
        assert verdict.bias == pytest.approx(b, abs=2e-6)

    def test_is_flipped_and_no_vote_where_the_pull_is_stronger_than_the_view(self):
        verdict = combined([A, B], both_orders(0.8, 1.2))

        assert verdict.is_flipped
        assert (verdict.outcome, verdict.ranking) == (Outcome.UNSURE, [])

    def test_is_a_vote_where_both_orders_name_one_winner(self):
        verdict = combined([A, B], both_orders(-1.2, 0.8))

        assert verdict.is_flipped is False
        assert verdict.ranking == [[B], [A]]

    def test_takes_no_probability_at_its_word_beyond_the_clip(self):
        verdict = combined([A, B], [told(0, (A, B), {A: 1.0, B: 0.0})])

        assert verdict.chances == {str(A): 0.9999, str(B): 0.0001}

    def test_leaves_the_shares_beside_the_responses_as_they_are(self):
        chances = {A: 0.6, B: 0.2, "tie": 0.2}
        verdict = combined(
            [A, B], [told(0, (A, B), chances), told(1, (B, A), chances | {"tie": 0.0})]
        )

        assert verdict.chances["tie"] == pytest.approx(0.1)
        assert verdict.chances[str(A)] == pytest.approx(0.9 * 0.75)

    def test_counts_samples_with_the_prior_of_jeffreys(self):
        answers = [said(0, (A, B), [A], [B])] * 3 + [said(0, (A, B), [B], [A])]

        verdict = combined([A, B], answers)

        assert verdict.chances[str(A)] == pytest.approx(3.5 / 5)
        assert verdict.n_answers == 4

    def test_is_no_flip_where_it_ties_in_both(self):
        verdict = combined([A, B], [said(0, (A, B), [A, B]), said(1, (B, A), [A, B])])

        assert verdict.is_flipped is False
        assert verdict.ranking == [[A, B]]
        assert max(verdict.chances, key=verdict.chances.get) == "tie"

    def test_is_no_flip_where_one_order_ties_and_the_other_names_a_winner(self):
        verdict = combined([A, B], [said(0, (A, B), [A, B]), said(1, (B, A), [A], [B])])

        assert verdict.is_flipped is False
        assert verdict.chances[str(A)] > verdict.chances[str(B)]

    def test_carries_that_both_are_bad(self):
        bad = Outcome.BOTH_BAD

        verdict = combined([A, B], [said(0, (A, B), outcome=bad), said(1, (B, A), outcome=bad)])

        assert (verdict.outcome, verdict.ranking, verdict.is_flipped) == (bad, [], False)

    def test_is_unsure_where_the_project_does_not_offer_the_verdict(self):
        ties = [said(0, (A, B), [A, B])]
        bad = [said(0, (A, B), outcome=Outcome.BOTH_BAD)]

        assert combined([A, B], ties, allows_tie=False).outcome == Outcome.UNSURE
        assert combined([A, B], bad, allows_both_bad=False).outcome == Outcome.UNSURE


class TestOneOrderOnly:
    def test_tells_neither_pull_nor_flip(self):
        verdict = combined([A, B], [said(0, (B, A), [B], [A])])

        assert (verdict.bias, verdict.is_flipped) == (None, None)
        assert verdict.ranking == [[B], [A]]

    def test_is_no_vote_where_both_were_asked_for(self):
        verdict = combined([A, B], [said(0, (B, A), [B], [A])], needs_both_orders=True)

        assert verdict.outcome == Outcome.UNSURE
        assert verdict.chances[str(B)] == pytest.approx(0.75)


class TestResponsesOfTheSameContent:
    def test_are_a_tie_whatever_the_judge_says(self):
        verdict = combined([A, B], both_orders(0.0, 2.0), are_alike=True)

        assert verdict.ranking == [[A, B]]
        assert verdict.is_flipped is False
        assert verdict.bias == pytest.approx(2.0, abs=1e-5)

    def test_are_unsure_where_no_tie_is_offered(self):
        verdict = combined([A, B], both_orders(1.0, 0.0), are_alike=True, allows_tie=False)

        assert verdict.outcome == Outcome.UNSURE


class TestNoUsableAnswer:
    def test_is_unparsed(self):
        verdict = combined([A, B], [])

        assert (verdict.outcome, verdict.chances, verdict.n_answers) == (Outcome.UNPARSED, {}, 0)


class TestARankingOfMore:
    def test_is_the_order_that_both_agree_on(self):
        verdict = combined(
            [A, B, C], [said(0, (A, B, C), [C], [A], [B]), said(1, (C, B, A), [C], [A], [B])]
        )

        assert verdict.ranking == [[C], [A], [B]]
        assert verdict.is_flipped is False
        assert sum(verdict.chances.values()) == pytest.approx(1, abs=1e-5)

    def test_ties_what_the_orders_put_both_ways(self):
        verdict = combined(
            [A, B, C], [said(0, (A, B, C), [C], [A], [B]), said(1, (C, B, A), [C], [B], [A])]
        )

        assert verdict.ranking == [[C], [A, B]]

    def test_breaks_such_ties_by_the_first_order_where_none_are_offered(self):
        verdict = combined(
            [A, B, C],
            [said(0, (A, B, C), [C], [B], [A]), said(1, (C, B, A), [C], [A], [B])],
            allows_tie=False,
        )

        assert verdict.ranking == [[C], [B], [A]]

    def test_is_flipped_where_the_top_changes(self):
        verdict = combined(
            [A, B, C], [said(0, (A, B, C), [A], [B], [C]), said(1, (C, B, A), [C], [B], [A])]
        )

        assert verdict.is_flipped
        assert verdict.outcome == Outcome.UNSURE
        assert verdict.bias > 0

    @given(order=st.permutations([A, B, C]), again=st.permutations([A, B, C]))
    def test_does_not_depend_on_which_answer_came_first(self, order, again):
        answers = [
            said(0, (A, B, C), *[[one] for one in order]),
            said(0, (A, B, C), *[[one] for one in again]),
            said(1, (C, B, A), *[[one] for one in order]),
        ]

        verdicts = [combined([A, B, C], each) for each in permutations(answers)]

        assert all(verdict == verdicts[0] for verdict in verdicts)


class TestRatings:
    def test_are_averaged_to_whole_numbers(self):
        assert combined_ratings([{A: 4, B: 2}, {A: 5, B: 2}]) == {A: 5, B: 2}
