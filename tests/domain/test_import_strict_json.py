import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.content import content_hash, text_part
from annotation.domain.importing.items import digest
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import MAX_DEPTH, loads_strict

HOSTILE = {
    "not_json": [b"{", b"", b"{'a': 1}", b"[1,]", b'"a\x01b"', b'{"a": 1} x'],
    "duplicate_key": [b'{"winner": "A", "winner": "B"}', b'{"a": {"b": 1, "b": 1}}'],
    "not_a_number": [b"NaN", b"[Infinity]", b'{"a": -Infinity}'],
    "number_out_of_range": [b"1e999", b"-1e400", b"9223372036854775808", b"1" * 4000],
    "lone_surrogate": [b'"\\ud800"', b'{"\\udfff": 1}', b'["\\uD83D x"]'],
    "nul_character": [b'"\\u0000"', b'{"a\\u0000": 1}', b'"a\0b"', b"{\0}"],
    "not_utf8": [b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xff"'],
    "byte_order_mark": [b"\xef\xbb\xbf{}"],
    "too_deep": [b"[" * 65 + b"]" * 65, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 3000],
}
CASES = [(rule, raw) for rule, lines in HOSTILE.items() for raw in lines]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


class TestLoadsStrict:
    @pytest.mark.parametrize(("rule", "raw"), CASES, ids=lambda case: str(case)[:30])
    def test_refuses_what_is_not_quite_json_by_the_name_of_the_rule(self, rule, raw):
        with pytest.raises(LineRefused) as refused:
            loads_strict(raw)

        assert refused.value.rule == rule
        refused.value.at(1).detail.encode()

    @given(values)
    def test_reads_everything_else_exactly(self, value):
        for is_ascii in (True, False):
            assert loads_strict(json.dumps(value, ensure_ascii=is_ascii).encode()) == value

    def test_takes_an_escaped_backslash_before_what_looks_like_an_escape(self):
        assert loads_strict(rb'"\\u0000 \\ud800"') == r"\u0000 \ud800"

    def test_takes_surrogate_pairs(self):
        assert loads_strict(rb'"\ud83d\ude00"') == "😀"

    def test_takes_the_deepest_nesting_that_is_allowed(self):
        raw = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

        assert json.dumps(loads_strict(raw)).encode() == raw

    def test_does_not_count_brackets_inside_texts_as_nesting(self):
        raw = json.dumps({"code": "[" * 500}).encode()

        assert loads_strict(raw) == {"code": "[" * 500}

    def test_keeps_whole_numbers_beyond_what_a_double_holds(self):
        assert loads_strict(b"9007199254740993") == 2**53 + 1


class TestDigest:
    @given(texts)
    def test_equals_the_content_hash_of_the_same_text(self, text):
        assert digest(text_part(text)) == content_hash(text_part(text))
