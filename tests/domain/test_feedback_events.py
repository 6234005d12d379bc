import pytest

from annotation.domain.feedback.events import event_of
from annotation.domain.importing.refusals import LineRefused

THUMB = {"id": "e1", "item": "i", "response": "a", "type": "thumb", "value": "up", "user": "mia"}


def refusal_of(**changes):
    record = {key: value for key, value in (THUMB | changes).items() if value is not ...}
    with pytest.raises(LineRefused) as caught:
        event_of(record, 1)
    return caught.value.field, caught.value.rule


class TestAnEvent:
    @pytest.mark.parametrize(("said", "meant"), [("up", 1.0), ("down", -1.0), (1, 1.0), (-1, -1.0)])
    def test_takes_thumbs_as_words_and_numbers(self, said, meant):
        assert event_of(THUMB | {"value": said}, 7).value == meant

    def test_counts_a_copy_as_liking(self):
        assert event_of(THUMB | {"type": "copy", "value": None}, 1).value == 1.0

    def test_has_no_value_where_a_text_has_no_tone(self):
        assert event_of(THUMB | {"type": "text", "value": None}, 1).value is None

    def test_keeps_what_the_product_recorded_without_its_user(self):
        raw = {
            "user": {"mail": "mia@example.org"},
            "client": "web",
            "by": "mia",
            "seen": [{"who": "mia", "page": 2}, "mia", "leo"],
            "mia": 1,
        }

        told = event_of(THUMB | {"raw": raw}, 1)

        assert told.raw == {"client": "web", "seen": [{"page": 2}, "leo"]}

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"id": ...}, ("id", "missing_field")),
            ({"id": "x" * 201}, ("id", "too_long")),
            ({"user": ""}, ("user", "empty")),
            ({"user": 7}, ("user", "wrong_type")),
            ({"response": None}, ("response", "wrong_type")),
            ({"type": "stars"}, ("type", "unknown_word")),
            ({"value": True}, ("value", "not_a_thumb")),
            ({"value": 0.5}, ("value", "not_a_thumb")),
            ({"value": [1]}, ("value", "not_a_thumb")),
            ({"type": "reaction", "value": None}, ("value", "missing_field")),
            ({"type": "reaction", "value": 1.5}, ("value", "out_of_range")),
            ({"type": "edit", "value": 1}, ("value", "no_value")),
            ({"other_response": "a"}, ("other_response", "contradiction")),
            ({"time": "2026-01-01"}, ("time", "no_time_zone")),
            ({"raw": []}, ("raw", "wrong_type")),
            ({"usr": "mia"}, ("usr", "unknown_field")),
        ],
    )
    def test_refuses_with_field_and_rule(self, changes, refusal):
        assert refusal_of(**changes) == refusal
