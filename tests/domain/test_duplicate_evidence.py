import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.duplicates.bare import bare
from curation.domain.duplicates.differences import differences
from curation.domain.duplicates.evidence import weighed
from curation.domain.duplicates.reading import numbers_in, reading_of
from curation.domain.duplicates.wording import fills_one_template, is_contradicted

ASKED = "Ann buys 3 boxes of 12 pens at $2.50 a box. How much does Ann pay for half of the boxes?"
REPHRASED = (
    "At a price of 2.5 dollars each, three boxes that hold a dozen pens were bought by Ann. "
    "What is the cost of a second half of them to Ann?"
)
OTHER = "Ann sells 5 boxes of 20 pens at $4 a box. How much does Ann earn from 7 boxes?"
CODE = '''def below(xs, t):
    """Say whether all numbers in xs are below t.
    >>> below([1, 2], 5)
    True
    """
    return all(x < t for x in xs)
'''
pieces = st.text(st.sampled_from("ab \n.é"), max_size=60)


class TestReadingOf:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            (CODE, "code"),
            (ASKED, "problem"),
            ("Write a poem about the sea.", "prose"),
            ("", "prose"),
        ],
    )
    def test_tells_kinds_of_text_apart(self, text, kind):
        assert reading_of(text).kind == kind

    def test_reads_numbers_in_words_and_digits_alike(self):
        assert numbers_in("1,000.50 and twice a dozen") == numbers_in("1000.5; 2 times twelve")


class TestWeighed:
    def test_prefers_a_rephrased_question_to_one_with_other_numbers(self):
        asked, same, other = map(reading_of, (ASKED, REPHRASED, OTHER))

        assert weighed(asked, same, 0.85).score > 0.5 > weighed(asked, other, 0.85).score

    @given(pieces, pieces, st.floats(-1, 1))
    def test_is_a_probability_whichever_comes_first(self, first, second, cosine):
        one, other = reading_of(first), reading_of(second)

        found = weighed(one, other, cosine)

        assert found == weighed(other, one, cosine)
        assert 0 <= found.score <= 1

    def test_rules_out_conversations_that_go_on_differently(self):
        said = "user: Who wrote it?\n\nassistant: A poet of that name.\n\nuser: "
        one, other = reading_of(said + "When was she born?"), reading_of(said + "Is it long?")

        assert weighed(one, other, 0.97).ruled_out == "turns"
        assert weighed(one, reading_of("Who wrote it?"), 0.97).ruled_out == "turns"

    def test_rules_out_one_template_filled_in_twice(self):
        frame = "You stand in a line of people who each own a pet. {} Answer with one word in bold."
        one = frame.format("The owner of cats stands first. Who owns snakes?")
        other = frame.format("Nobody likes the fish on the left. Which pet is last?")

        assert fills_one_template(one, other)
        assert not fills_one_template(one, one)


class TestIsContradicted:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("What is the capital of France?", "What is the capital of Spain?"),
            (
                "Add 3 apples to the basket on the table.",
                "Add 4 apples to the basket on the table.",
            ),
            ("You may enter the house now.", "You may not enter the house now."),
            ("Explain the tides.\nAnswer briefly: yes", "Explain the tides.\nAnswer briefly: no"),
        ],
    )
    def test_when_the_words_that_differ_matter(self, first, second):
        assert is_contradicted(first, second)
        assert is_contradicted(second, first)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("What is the colour of the sky?", "what is the color of  the sky"),
            ("Tell me about e-mail, please.", "Tell me about email please"),
            ("Completely other words here", "Nothing in common at all"),
        ],
    )
    def test_not_by_spelling_nor_where_little_agrees(self, first, second):
        assert not is_contradicted(first, second)


class TestBare:
    def test_leaves_case_and_punctuation_aside(self):
        assert bare("Bonsoir.") == bare(" bonsoir") == "bonsoir"

    def test_keeps_what_makes_another_number_or_formula(self):
        assert len({bare(text) for text in ("-5", "5", "5.0", "a < b", "a > b", "a b")}) == 6

    def test_keeps_the_punctuation_of_code(self):
        assert bare(CODE) != bare(CODE.replace("x < t", "x + t"))

    def test_is_nothing_where_a_text_says_nothing(self):
        assert bare("###") == bare("\u200b") == bare("") == ""
        assert len({bare(text) for text in ("👍", "👎", "", "€")}) == 4


class TestDifferences:
    @given(pieces, pieces)
    def test_give_back_both_texts(self, first, second):
        mine, theirs = differences(first, second)

        assert "".join(s.text for s in mine) == first
        assert "".join(s.text for s in theirs) == second
        assert [s.text for s in mine if not s.is_changed] == [
            s.text for s in theirs if not s.is_changed
        ] or "".join(s.text for s in mine if not s.is_changed) == "".join(
            s.text for s in theirs if not s.is_changed
        )

    def test_mark_the_words_that_differ(self):
        mine, theirs = differences("The cat sat.", "The dog sat.")

        assert [s.text for s in mine if s.is_changed] == ["cat"]
        assert [s.text for s in theirs if s.is_changed] == ["dog"]

    def test_end_on_long_texts_that_difflib_would_not_end_on(self):
        first = "\n".join(f"{n} " + "a b " * 500 for n in range(250))
        second = "\n".join(f"{n} " + "b a a " * 330 + f"{n}" for n in range(250))

        mine, _ = differences(first, second)

        assert "".join(s.text for s in mine) == first
