import math
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.domain.signals import similarity, text, wording
from curation.domain.signals.formats import FORMS, format_counts
from curation.domain.signals.languages import UNDETERMINED, language_of
from curation.domain.signals.registry import SIGNALS, VERSIONS, signal_named
from curation.domain.signals.signal import Kind
from curation.domain.vocabulary import SignalFamily

TEXTS = st.text(max_size=120) | st.text("aB1. \n*`$#-|", max_size=60)


def signals(prompt, *responses):
    return text.text_signals(
        text.read_prompt(prompt, 1), [text.read_response(r) for r in responses]
    )


class TestRegistry:
    def test_names_each_signal_once_with_a_meaning_and_an_origin(self):
        for name, signal in SIGNALS.items():
            assert name == signal.name
            assert signal.meaning.endswith(".")
            assert signal.provenance
            assert signal.low is None or signal.high is None or signal.low < signal.high

    def test_has_a_version_for_every_family(self):
        assert set(VERSIONS) == set(SignalFamily) == {one.family for one in SIGNALS.values()}

    def test_knows_what_was_imported_by_its_prefix(self):
        assert signal_named("imported.ches").family == SignalFamily.IMPORTED
        assert "response 2" in signal_named("imported.ches.2").meaning
        assert signal_named("imported.") is None
        assert signal_named("beauty") is None


class TestRouge:
    # By rouge-score 0.1.2, use_stemmer=False: RougeScorer(["rouge1", "rougeL"]).score(a, b).
    PUBLISHED = [
        ("The cat sat on the mat.", "The cat is on the mat, sitting.", 10 / 13, 10 / 13),
        ("Snow falls, and the lake is still.", "The lake is still; and snow falls!", 1.0, 4 / 7),
        ("a_b c-d 3.14", "a b c d 3 14 15", 12 / 13, 12 / 13),
        ("police killed the gunman", "the gunman kill police", 0.75, 0.5),
        ("!!!", "words here", 0.0, 0.0),
    ]

    @pytest.mark.parametrize(("left", "right", "one", "longest"), PUBLISHED)
    def test_equals_the_rouge_score_package(self, left, right, one, longest):
        a, b = text.read_response(left), text.read_response(right)

        assert similarity.rouge_1(a.counted, b.counted) == pytest.approx(one, abs=1e-12)
        assert similarity.rouge_l(a.words, b.words) == pytest.approx(longest, abs=1e-12)

    @given(TEXTS, TEXTS)
    def test_equals_the_textbook_longest_common_subsequence(self, left, right):
        a, b = wording.words_of(left), wording.words_of(right)
        table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                table[i + 1][j + 1] = (
                    table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
                )

        expected = 2 * table[-1][-1] / (len(a) + len(b)) if a and b else 0.0
        assert similarity.rouge_l(a, b) == pytest.approx(expected)


class TestSimilarity:
    @given(TEXTS, TEXTS)
    @settings(max_examples=60)
    def test_is_symmetric_in_0_to_1_and_1_for_the_same_text(self, left, right):
        both, turned = signals("p", left, right), signals("p", right, left)
        same = signals("p", left, left)

        for name in text.MEASURES:
            assert 0 <= both[name] <= 1
            assert both[name] == turned[name]
        assert same["edit_similarity"] == same["ngram_similarity"] == 1.0
        assert same["rouge_1"] == same["rouge_l"] == float(bool(wording.words_of(left)))

    def test_takes_entities_shared_by_all_entities(self):
        assert similarity.overlap({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)

    def test_has_no_entities_to_share_and_says_so(self):
        values = signals("p", "nothing here", "nor here")

        assert (values["entity_overlap"], values["no_entities"]) == (0.0, True)


class TestEntities:
    def test_are_capitalised_spans_within_sentences_and_numbers(self):
        found = wording.entities_of(
            "Paris is old. The Eiffel Tower cost Gustave Eiffel 7,799,401 francs; "
            "I think NASA paid 1.5. “Then John left”"
        )

        assert found == {"Eiffel Tower", "Gustave Eiffel", "7799401", "NASA", "1.5", "John"}

    @given(st.text(max_size=300))
    def test_are_parts_of_the_text(self, said):
        bare = said.replace(",", "")
        assert all(name in bare or name in said for name in wording.entities_of(said))


class TestFormats:
    @pytest.mark.parametrize(
        ("said", "form", "n"),
        [
            ("```py\nx\n```\nand `y`", "code", 2),
            ("```never closed", "code", 1),
            (r"$x^2$ and $$y$$ and \(z\) and \[w\]", "maths", 4),
            ("It costs $5, not $6 or $7.50", "maths", 0),
            ("- a\n* b\n12. c\n3) d", "list", 4),
            ("-5 degrees\n1.5 metres", "list", 0),
            ("|a|b|\n|---|:-:|\n|1|2|", "table", 1),
            ("a\n---\nb", "table", 0),
            ("# One\n### Two\n#three", "heading", 2),
            ("**bold** and __too__, 2 ** 3 ** 4", "bold", 2),
            ("> said\n> so\na > b", "quote", 2),
            ("see https://a.b/c or www.d.e", "url", 2),
        ],
    )
    def test_are_found_by_their_marks(self, said, form, n):
        assert format_counts(said)[form] == n

    @pytest.mark.parametrize(
        "said", ["$" * 50_000, "`" * 50_000, "**a" * 30_000, "|-" * 40_000, "\\(" * 50_000]
    )
    def test_are_counted_at_once_in_hostile_texts(self, said):
        assert set(format_counts(said)) == set(FORMS)

    def test_are_compared_between_responses(self):
        values = signals("`x`?", "- a\n- b", "**a**")

        assert values["prompt_has_code"] is True
        assert (values["list_difference"], values["bold_difference"]) == (2, -1)
        assert values["responses_with_list"] == 0.5
        assert values["format_distance"] == 2 / 8


class TestLanguage:
    @pytest.mark.parametrize(
        ("said", "language"),
        [
            ("The quick brown fox jumps over the lazy dog near the river.", "en"),
            ("Der schnelle braune Fuchs springt über den faulen Hund.", "de"),
            ("Быстрая коричневая лиса перепрыгивает через ленивую собаку.", "ru"),
            ("今日はとても良い天気ですね。散歩に行きましょう。", "ja"),
            ("Yes.", UNDETERMINED),
            ("", UNDETERMINED),
            ("```\nprint('hello world, this is a long line of code')\n```", UNDETERMINED),
        ],
    )
    def test_is_told_where_there_is_enough_to_tell_by(self, said, language):
        assert language_of(said) == language

    def test_differs_only_where_two_are_told(self):
        english = "The quick brown fox jumps over the lazy dog near the river."
        german = "Der schnelle braune Fuchs springt über den faulen Hund."

        assert signals(english, english, "Yes.")["language_mismatch"] is False
        assert signals(english, english, german)["language_mismatch"] is True


class TestTextSignals:
    def test_measure_lengths_and_their_differences(self):
        values = signals("one two", "abc def", "abc")

        assert (values["prompt_words"], values["prompt_tokens"]) == (2, 2)
        assert (values["shortest_characters"], values["longest_characters"]) == (3, 7)
        assert values["length_difference"] == 4
        assert values["relative_length_difference"] == values["relative_length_gap"] == 0.4

    def test_say_which_responses_are_the_same_or_empty(self):
        values = signals("p", "a", "a", " \n")

        assert (values["identical_responses"], values["empty_response"]) == (True, True)

    def test_average_rankings_over_all_pairs(self):
        values = signals("p", "a b", "a b", "c d")

        assert values["rouge_1"] == pytest.approx(1 / 3, abs=1e-6)
        assert (values["rouge_1_min"], values["rouge_1_max"]) == (0.0, 1.0)
        assert values["length_difference"] is None

    @given(TEXTS, st.lists(TEXTS, min_size=2, max_size=4))
    @settings(max_examples=80)
    def test_are_all_declared_finite_and_within_their_ranges(self, prompt, responses):
        values = signals(prompt, *responses)

        for name, value in values.items():
            signal = SIGNALS[name]
            assert signal.family == SignalFamily.TEXT
            if signal.kind == Kind.FLAG:
                assert isinstance(value, bool)
            if signal.kind == Kind.NUMBER and value is not None:
                assert math.isfinite(value)
                assert signal.low is None or signal.low <= value
                assert signal.high is None or value <= signal.high

    @given(TEXTS, TEXTS)
    @settings(max_examples=40)
    def test_change_nothing_but_signs_when_responses_are_swapped(self, left, right):
        one, other = signals("p", left, right), signals("p", right, left)

        for name, value in one.items():
            if name.endswith("_difference"):
                assert other[name] == -value
            else:
                assert other[name] == value

    @given(st.lists(TEXTS, min_size=3, max_size=3))
    @settings(max_examples=20)
    def test_do_not_depend_on_the_order_of_a_ranking(self, responses):
        told = [signals("p", *order) for order in permutations(responses)]

        for name, value in told[0].items():
            for other in told[1:]:
                assert other[name] == pytest.approx(value) if value is not None else True
