import pytest

from annotation.domain.content import text_part, user_prompt
from curation.domain.reading import read_item
from curation.domain.texts import item_digest, text_digest


def answers(*texts, own=()):
    return [(text_part(text), list(own)) for text in texts]


class TestReadItem:
    def test_digests_every_text_byte_for_byte(self):
        reading = read_item(user_prompt(" Why? "), answers("a", ""))

        assert reading.prompt.digest == text_digest(" Why? ")
        assert [said.digest for said in reading.responses] == [text_digest("a"), text_digest("")]
        assert [said.n_chars for said in reading.responses] == [1, 0]

    def test_gives_the_order_of_responses_no_weight(self):
        one = read_item(user_prompt("Why?"), answers("a", "b"))
        other = read_item(user_prompt("Why?"), answers("b", "a"))

        assert one.digest == other.digest
        expected = item_digest(text_digest("Why?"), [text_digest("a"), text_digest("b")])
        assert one.digest == expected

    def test_tells_spellings_apart_but_for_the_folded_digest(self):
        one = read_item(user_prompt("Why  so?"), answers("A", "b"))
        other = read_item(user_prompt("why so?"), answers("a", "B "))

        assert one.digest != other.digest
        assert one.folded == other.folded

    def test_tells_items_apart_that_differ_in_an_earlier_turn(self):
        def said(first):
            return [
                {"role": "assistant", "content": text_part(first)},
                {"role": "user", "content": text_part("And then?")},
            ]

        one = read_item(user_prompt("Why?"), answers("a", own=said("x")) + answers("b"))
        other = read_item(user_prompt("Why?"), answers("a", own=said("y")) + answers("b"))

        assert one.responses == other.responses
        assert one.digest != other.digest

    @pytest.mark.parametrize(
        "messages", [[{"role": "user"}], [{"role": "user", "content": [{"type": "text"}]}], [7]]
    )
    def test_refuses_what_is_no_text(self, messages):
        with pytest.raises((LookupError, TypeError, ValueError)):
            read_item(messages, answers("a", "b"))
