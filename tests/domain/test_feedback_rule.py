from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.feedback.rule import Event, Implied, implied_preferences
from annotation.domain.vocabulary import FeedbackKind

A, B, C, D = 1, 2, 3, 4
THUMB, COPY, TEXT = FeedbackKind.THUMB, FeedbackKind.COPY, FeedbackKind.TEXT
EDIT, REGENERATE = FeedbackKind.EDIT, FeedbackKind.REGENERATE


def events(*told):
    """Number what was told: (kind, response, other or value)."""
    made = []
    for number, (kind, response, *rest) in enumerate(told, 1):
        other = next((one for one in rest if isinstance(one, int)), None)
        value = next((one for one in rest if isinstance(one, float)), None)
        made.append(Event(number, kind, response, other, value))
    return made


def preferred(*told, revisions=None):
    found = implied_preferences(events(*told), revisions or {})
    return {(one.winner, one.loser) for one in found}


class TestAnEdit:
    def test_prefers_what_the_user_made_of_it(self):
        assert preferred((EDIT, A, B)) == {(B, A)}

    def test_prefers_the_only_revision_where_the_event_names_none(self):
        assert preferred((EDIT, A), revisions={A: [C]}) == {(C, A)}

    def test_says_nothing_where_the_edited_answer_is_not_in_the_item(self):
        assert preferred((EDIT, A)) == set()
        assert preferred((EDIT, A), revisions={A: [B, C]}) == set()


class TestARegeneration:
    def test_prefers_what_was_kept_to_what_was_given_up(self):
        assert preferred((REGENERATE, A, B)) == {(B, A)}

    def test_prefers_the_last_of_several_to_each_earlier_one(self):
        assert preferred((REGENERATE, A, B), (REGENERATE, B, C)) == {(C, A), (C, B)}

    def test_says_nothing_where_the_later_answer_is_disliked_too(self):
        assert preferred((REGENERATE, A, B), (THUMB, B, -1.0)) == set()

    def test_says_nothing_where_the_later_answer_is_not_in_the_item(self):
        assert preferred((REGENERATE, A)) == set()

    def test_in_a_circle_says_nothing(self):
        assert preferred((REGENERATE, A, B), (REGENERATE, B, A)) == set()


class TestAnOpinion:
    def test_up_on_one_and_down_on_another_prefers_the_one(self):
        assert preferred((THUMB, A, 1.0), (THUMB, B, -1.0)) == {(A, B)}

    def test_up_on_one_shown_beside_another_prefers_the_one(self):
        assert preferred((COPY, A, B, 1.0)) == {(A, B)}

    def test_on_a_single_answer_says_nothing_about_others(self):
        assert preferred((THUMB, A, 1.0)) == set()
        assert preferred((THUMB, A, B, -1.0)) == set()

    def test_up_on_all_prefers_none(self):
        assert preferred((THUMB, A, B, 1.0), (THUMB, B, A, 1.0)) == set()

    def test_counts_as_last_given(self):
        told = [(THUMB, A, 1.0), (THUMB, B, -1.0), (THUMB, B, 1.0), (THUMB, A, -1.0)]

        assert preferred(*told) == {(B, A)}

    def test_of_another_kind_may_be_the_one_against(self):
        found = implied_preferences(events((COPY, A, 1.0), (TEXT, B, -0.4)), {})

        assert found == [Implied(COPY, A, B, 2)]

    def test_against_an_answer_outweighs_having_copied_it(self):
        assert preferred((COPY, A, 1.0), (THUMB, A, -1.0), (THUMB, B, -1.0)) == set()

    def test_on_several_answers_prefers_each_liked_one_to_each_disliked_one(self):
        told = [(THUMB, A, 1.0), (THUMB, B, 1.0), (THUMB, C, -1.0), (THUMB, D, -1.0)]

        assert preferred(*told) == {(A, C), (A, D), (B, C), (B, D)}


KINDS = st.sampled_from(list(FeedbackKind))
ANSWERS = st.integers(1, 4)
VALUES = st.sampled_from([None, -1.0, -0.3, 0.0, 0.5, 1.0])


@given(st.lists(st.tuples(KINDS, ANSWERS, st.none() | ANSWERS, VALUES), max_size=12))
def test_no_feedback_contradicts_itself_or_prefers_an_answer_to_itself(told):
    made = [
        Event(number, kind, response, None if other == response else other, value)
        for number, (kind, response, other, value) in enumerate(told, 1)
    ]

    found = implied_preferences(made, {1: [2]})

    said = {(one.kind, one.winner, one.loser) for one in found}
    assert len(said) == len(found)
    assert not {(kind, loser, winner) for kind, winner, loser in said} & said
    assert all(one.winner != one.loser for one in found)
    assert all(1 <= one.event <= len(made) for one in found)
