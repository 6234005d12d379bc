import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.answers import (
    Answer,
    CriterionAsked,
    Question,
    answer_from,
    client_key_from,
)
from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import CriterionKind, RationalePolicy, ResponseFormat

PAIR = Question(
    text_lengths={12: 5, 13: 8},
    criteria=[
        CriterionAsked("helpfulness", CriterionKind.PREFERENCE),
        CriterionAsked("quality", CriterionKind.RATING, 1, 5),
    ],
    reason_tags=["clearer", "safer"],
    span_labels=["good", "error"],
    guidelines_id=7,
)
PREFERRED = {"outcome": "ranked", "ranking": [[12], [13]], "strength": 2, "shown_order": [13, 12]}
SPAN = {"response": 12, "start": 0, "end": 5, "label": "error"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def question(**facts):
    return Question(**vars(PAIR) | facts)


def refusal(payload, asked=PAIR):
    with pytest.raises(InvalidField) as refused:
        answer_from(payload, asked)
    return refused.value


class TestAnswerFrom:
    def test_reads_a_whole_answer(self):
        payload = PREFERRED | {
            "criteria": {
                "helpfulness": {"ranking": [[12, 13]]},
                "quality": {"ratings": {"12": 4, "13": 2}},
            },
            "confidence": 4,
            "is_unsafe": True,
            "rationale": {"text": " why \n", "tags": ["clearer"], "spans": [SPAN]},
            "active_seconds": 12.3,
            "client_key": "anything",
        }

        answer = answer_from(payload, PAIR)

        assert answer.ranking == [[12], [13]]
        assert answer.criteria == payload["criteria"]
        assert answer.rationale.text == " why \n"
        assert answer.rationale.spans[0].end == 5
        assert answer.shown_order == (13, 12)
        assert (answer.confidence, answer.is_unsafe, answer.guidelines_id) == (4, True, 7)

    @given(json_values)
    def test_answers_any_json_with_an_answer_or_a_refusal_in_words(self, payload):
        try:
            assert isinstance(answer_from(payload, PAIR), Answer)
        except InvalidField as refused:
            assert refused.detail.endswith(".")

    @given(
        st.sampled_from(sorted(PREFERRED) + ["criteria", "rationale", "confidence"]), json_values
    )
    def test_answers_any_value_of_any_field_the_same_way(self, field, value):
        try:
            answer = answer_from(PREFERRED | {field: value}, PAIR)
        except InvalidField as refused:
            assert refused.field
        else:
            assert sorted(sum(answer.ranking, [])) in ([], [12, 13])

    @given(st.text(max_size=40))
    def test_keeps_the_rationale_byte_for_byte_or_refuses_it(self, text):
        payload = PREFERRED | {"rationale": {"text": text}}

        try:
            assert answer_from(payload, PAIR).rationale.text == text
        except InvalidField as refused:
            assert "\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)
            assert refused.code == "unstorable_text"

    @pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
    def test_refuses_a_text_that_no_file_can_keep(self, text):
        assert refusal(PREFERRED | {"rationale": {"text": text}}).code == "unstorable_text"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"outcome": "unparsed"}, "outcome"),
            ({"outcome": None}, "outcome"),
            ({"winer": 12}, "winer"),
            ({"ranking": [[12]]}, "ranking"),
            ({"ranking": [[12], [12]]}, "ranking"),
            ({"ranking": [[12], [99]]}, "ranking"),
            ({"ranking": [[12], [], [13]]}, "ranking"),
            ({"ranking": [[True], [13]]}, "ranking"),
            ({"ranking": [["12"], [13]]}, "ranking"),
            ({"ranking": [[2**70], [13]]}, "ranking"),
            ({"strength": 0}, "strength"),
            ({"strength": 4}, "strength"),
            ({"strength": None}, "strength"),
            ({"strength": True}, "strength"),
            ({"strength": 1.0}, "strength"),
            ({"confidence": 0}, "confidence"),
            ({"confidence": 6}, "confidence"),
            ({"is_unsafe": 1}, "is_unsafe"),
            ({"reason": "language"}, "reason"),
            ({"shown_order": [12]}, "shown_order"),
            ({"shown_order": [12, 12]}, "shown_order"),
            ({"shown_order": None}, "shown_order"),
            ({"active_seconds": -1}, "active_seconds"),
            ({"active_seconds": math.nan}, "active_seconds"),
            ({"active_seconds": math.inf}, "active_seconds"),
            ({"active_seconds": 10**400}, "active_seconds"),
            ({"criteria": {"beauty": {"ranking": [[12], [13]]}}}, "criteria.beauty"),
            ({"criteria": {"helpfulness": {"ratings": {}}}}, "criteria.helpfulness.ratings"),
            ({"criteria": {"helpfulness": {"ranking": [[12]]}}}, "criteria.helpfulness.ranking"),
            ({"criteria": {"quality": {}}}, "criteria.quality"),
            ({"criteria": {"quality": {"ratings": {}}}}, "criteria.quality"),
            ({"criteria": {"quality": {"ratings": {"12": 6}}}}, "criteria.quality.ratings"),
            ({"criteria": {"quality": {"ratings": {"012": 3}}}}, "criteria.quality.ratings.012"),
            ({"rationale": {"tags": ["clearer", "clearer"]}}, "rationale.tags"),
            ({"rationale": {"tags": ["new"]}}, "rationale.tags"),
            ({"rationale": {"spans": [SPAN | {"end": 6}]}}, "rationale.spans.0.end"),
            ({"rationale": {"spans": [SPAN | {"end": 0}]}}, "rationale.spans.0.end"),
            ({"rationale": {"spans": [SPAN | {"start": -1}]}}, "rationale.spans.0.start"),
            ({"rationale": {"spans": [SPAN | {"response": 9}]}}, "rationale.spans.0"),
            ({"rationale": {"spans": [SPAN | {"label": "x"}]}}, "rationale.spans.0.label"),
            ({"rationale": {"spans": [SPAN | {"criterion": "x"}]}}, "rationale.spans.0.criterion"),
            ({"rationale": {"spans": [SPAN] * 201}}, "rationale.spans"),
        ],
    )
    def test_names_the_field_that_breaks_a_rule(self, change, field):
        assert refusal(PREFERRED | change).field == field

    def test_gives_a_tie_the_strength_0(self):
        tie = {"outcome": "ranked", "ranking": [[13, 12]], "shown_order": [12, 13]}

        assert answer_from(tie, PAIR).strength == 0
        assert answer_from(tie | {"strength": 0}, PAIR).ranking == [[12, 13]]
        assert refusal(tie | {"strength": 1}).field == "strength"

    def test_takes_a_tie_only_where_it_is_offered(self):
        asked = question(text_lengths={1: 1, 2: 1, 3: 1}, allows_tie=False)
        partly_tied = PREFERRED | {"ranking": [[1, 2], [3]], "shown_order": [1, 2, 3]}

        assert refusal(partly_tied, asked).code == "not_offered"

    def test_takes_both_bad_only_where_it_is_offered(self):
        both_bad = {"outcome": "both_bad", "shown_order": [12, 13]}

        assert answer_from(both_bad, PAIR).ranking == []
        assert refusal(both_bad, question(allows_both_bad=False)).code == "not_offered"
        assert refusal(both_bad | {"ranking": [[12], [13]]}).field == "ranking"
        assert refusal(both_bad | {"strength": 1}).field == "strength"

    def test_wants_a_reason_for_what_cannot_be_judged(self):
        cannot = {"outcome": "cannot_judge", "shown_order": [12, 13]}

        assert answer_from(cannot | {"reason": "language"}, PAIR).reason == "language"
        assert refusal(cannot).field == "reason"

    def test_does_not_take_a_strength_that_is_not_asked(self):
        asked = question(strength_levels=1)

        assert answer_from(PREFERRED | {"strength": None}, asked).strength is None
        assert refusal(PREFERRED, asked).field == "strength"

    def test_leaves_the_strength_of_a_ranking_open(self):
        asked = question(response_format=ResponseFormat.RANKING)

        assert answer_from(PREFERRED | {"strength": None}, asked).strength is None

    def test_counts_a_required_rationale_without_its_spaces(self):
        asked = question(rationale_policy=RationalePolicy.REQUIRED, rationale_min_chars=3)

        assert refusal(PREFERRED | {"rationale": {"text": "a \n\u3000b"}}, asked).code == "required"
        assert answer_from(PREFERRED | {"rationale": {"text": "a b c"}}, asked)
        assert answer_from({"outcome": "unsure", "shown_order": [12, 13]}, asked)

    def test_takes_no_rationale_where_none_is_asked(self):
        asked = question(rationale_policy=RationalePolicy.NONE)

        assert answer_from(PREFERRED | {"rationale": {"text": ""}}, asked)
        assert refusal(PREFERRED | {"rationale": {"tags": ["safer"]}}, asked).field == "rationale"

    def test_marks_no_span_in_an_empty_response(self):
        asked = question(text_lengths={12: 0, 13: 4})

        assert refusal(PREFERRED | {"rationale": {"spans": [SPAN]}}, asked).code == "out_of_range"


class TestDigest:
    def test_is_the_same_for_the_same_answer_under_newer_guidelines(self):
        payload = PREFERRED | {"rationale": {"text": "why", "spans": [SPAN]}}

        older = answer_from(payload, PAIR)
        newer = answer_from(payload, question(guidelines_id=8))

        assert older.digest == newer.digest

    @pytest.mark.parametrize(
        "change", [{"strength": 1}, {"rationale": {"text": "x"}}, {"shown_order": [12, 13]}]
    )
    def test_differs_for_another_answer(self, change):
        assert answer_from(PREFERRED, PAIR).digest != answer_from(PREFERRED | change, PAIR).digest


class TestClientKey:
    @pytest.mark.parametrize(
        "key", [None, "", 5, "x", "{12345678-1234-5678-1234-567812345678}", "1" * 32]
    )
    def test_is_refused_unless_it_is_a_uuid_in_its_usual_form(self, key):
        with pytest.raises(InvalidField):
            client_key_from(key)

    def test_may_be_written_in_capitals(self):
        key = "ABCDEF78-1234-5678-1234-567812345678"

        assert str(client_key_from(key)) == key.lower()
