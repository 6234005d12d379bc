from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.errors import InvalidField
from annotation.domain.profiles import (
    FEWEST_IN_GROUP,
    SCHEMA,
    UNSAID,
    demographics_of,
    languages_of,
    shown_counts,
    tags_of,
)


class TestShownCounts:
    def test_leaves_small_groups_out(self):
        answers = ["a"] * 12 + ["b"] * 11 + ["c"] * 9 + ["d"] * 8

        assert shown_counts(answers) == {"a": 12, "b": 11}

    def test_hides_another_group_where_one_could_be_worked_out_from_the_total(self):
        answers = ["a"] * 40 + ["b"] * 11 + ["c"] * 9

        assert shown_counts(answers) == {"a": 40}

    def test_shows_all_where_none_is_small(self):
        assert shown_counts(["a"] * 10 + ["b"] * 10) == {"a": 10, "b": 10}

    def test_shows_nothing_of_few_people(self):
        assert shown_counts(["a"] * 9) == {}
        assert shown_counts([]) == {}

    @given(st.lists(st.sampled_from("abcde"), max_size=120))
    def test_never_gives_a_group_of_fewer_than_ten_away(self, answers):
        counts = Counter(answers)

        shown = shown_counts(answers)

        assert all(n == counts[answer] >= FEWEST_IN_GROUP for answer, n in shown.items())
        hidden = len(answers) - sum(shown.values())
        assert hidden == 0 or hidden >= FEWEST_IN_GROUP or not shown


class TestAnswers:
    def test_keep_prefer_not_to_say_as_an_answer_and_leave_out_what_is_open(self):
        given = {"age": UNSAID, "gender": "", "education": None, "region": "Asia"}

        assert demographics_of(given) == {"schema": SCHEMA, "age": UNSAID, "region": "Asia"}

    def test_of_nobody_are_nothing(self):
        assert demographics_of({"age": ""}) == {}

    @pytest.mark.parametrize("given", [{"age": "17"}, {"shoe size": "42"}, {"age": ["18-24"]}])
    def test_are_among_those_offered(self, given):
        with pytest.raises(InvalidField):
            demographics_of(given)


class TestTags:
    def test_are_spelled_in_one_way(self):
        assert tags_of(["  Organic   CHEMISTRY", "organic chemistry", "", "Straße"]) == [
            "organic chemistry",
            "strasse",
        ]

    @pytest.mark.parametrize("given", [["x" * 61], [str(n) for n in range(21)], ["a\x00b"]])
    def test_have_bounds(self, given):
        with pytest.raises(InvalidField):
            tags_of(given)

    @pytest.mark.parametrize("given", [["english"], ["e"], ["en_GB"], ["en'"]])
    def test_of_languages_are_codes(self, given):
        assert languages_of(["en", " pt-BR ", "", "en"]) == ["en", "pt-BR"]
        with pytest.raises(InvalidField):
            languages_of(given)
