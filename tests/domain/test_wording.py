import pytest

from annotation.domain.wording import joined, strength_word, verdict_sentence

LETTERS = {7: "A", 8: "B", 9: "C"}


def said(outcome, ranking=(), strength=None, reason="", letters=LETTERS, levels=3):
    return verdict_sentence(outcome, ranking, strength, reason, letters, levels)


class TestVerdictSentence:
    @pytest.mark.parametrize(
        ("strength", "sentence"),
        [
            (None, "A is better than B"),
            (1, "A is slightly better than B"),
            (2, "A is better than B"),
            (3, "A is much better than B"),
        ],
    )
    def test_says_how_much_better_one_of_two_is(self, strength, sentence):
        assert said("ranked", [[7], [8]], strength) == sentence

    def test_puts_tiers_in_order_and_names_the_tied(self):
        assert said("ranked", [[9], [7, 8]]) == "C, then A and B (tied)"

    def test_calls_one_tier_equally_good(self):
        assert said("ranked", [[8, 7]], 0) == "A and B are equally good"

    def test_says_both_of_two_and_all_of_more(self):
        pair = {7: "A", 8: "B"}

        assert said("both_bad", letters=pair) == "Both are bad"
        assert said("both_bad") == "All are bad"

    def test_keeps_the_reason_why_somebody_cannot_judge(self):
        assert said("cannot_judge", reason="broken") == "Cannot judge: the text is broken"

    def test_tells_unsure_from_unreadable(self):
        assert said("unsure") != said("unparsed")


class TestStrengthWord:
    def test_has_no_word_for_a_tie_or_an_unknown_strength(self):
        assert strength_word(0, 3) == strength_word(None, 3) == ""

    def test_reads_a_degree_above_the_offered_as_the_highest(self):
        assert strength_word(4, 2) == "much"


class TestJoined:
    def test_joins_as_prose_does(self):
        assert [joined([]), joined(["A"]), joined(["A", "B"]), joined(["A", "B", "C"])] == [
            "",
            "A",
            "A and B",
            "A, B and C",
        ]
