import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.judges.asking import NONCE
from annotation.domain.judges.batch_lines import (
    LineRead,
    custom_id_of,
    line_of,
    nonce_of,
    read_line,
    request_in,
)
from annotation.domain.judges.patience import look_again

TOKEN = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
OTHER = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae8")
SECRET = bytes(range(32))


class TestNames:
    @given(st.integers(1, 2**63 - 1))
    def test_lead_back_to_their_request_under_the_same_lease_only(self, pk):
        name = custom_id_of(pk, TOKEN)

        assert (request_in(name, TOKEN), request_in(name, OTHER)) == (pk, None)
        assert len(name) <= 64

    @pytest.mark.parametrize(
        "name",
        ["", "-", "7", f"-{TOKEN.hex}", f"+7-{TOKEN.hex}", f" 7-{TOKEN.hex}", f"٧-{TOKEN.hex}",
         f"7-{TOKEN}", f"7-{TOKEN.hex} ", f"7-{TOKEN.hex.upper()}", f"{'9' * 400}-{TOKEN.hex}"],
    )  # fmt: skip
    def test_of_another_form_are_of_no_request(self, name):
        assert request_in(name, TOKEN) is None


class TestNonces:
    @given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
    def test_are_of_one_request_and_one_batch(self, pk, other):
        nonce = nonce_of(SECRET, pk)

        assert NONCE.fullmatch(nonce) and nonce == nonce_of(SECRET, pk)
        assert (nonce == nonce_of(SECRET, other)) == (pk == other)
        assert nonce != nonce_of(bytes(32), pk)


class TestLines:
    def test_of_an_input_file_hold_the_body_as_it_is(self):
        body = b'{"messages":["a\\nb","\xc3\xa9"]}'

        line = line_of("7-x", body)

        assert line.count(b"\n") == 1 and body in line
        assert json.loads(line) == {
            "custom_id": "7-x",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": json.loads(body),
        }

    @pytest.mark.parametrize(
        ("line", "read"),
        [
            ({"response": {"status_code": 200, "body": {"a": 1}}}, (200, {"a": 1}, "")),
            (
                {"response": {"status_code": 200, "body": {"a": 1}}, "error": {"code": "odd"}},
                (200, None, "odd"),
            ),
            (
                {"response": {"status_code": 429, "body": {"error": {"message": "Slow\ndown"}}}},
                (429, {"error": {"message": "Slow\ndown"}}, "Slow down"),
            ),
            (
                {"response": None, "error": {"code": "batch_expired", "message": "Too late."}},
                (0, None, "batch_expired: Too late."),
            ),
            ({}, (0, None, "It came back without an answer.")),
            ({"error": 7}, (0, None, "It came back without an answer.")),
        ],
    )
    def test_are_read_for_what_they_are(self, line, read):
        assert read_line(json.dumps({"custom_id": "7-x"} | line).encode()) == LineRead("7-x", *read)

    @pytest.mark.parametrize(
        "raw",
        [b"", b"[]", b"null", b"<html>", b"{}", b'{"custom_id":7}', b'{"custom_id":"7"', b"\xff",
         b'{"custom_id":"7","response":{"status_code":"200"}}',
         b'{"custom_id":"7","response":{"status_code":true}}',
         b'{"custom_id":"7","response":{"body":{}}}', b'{"custom_id":"\\ud800"}'],
    )  # fmt: skip
    def test_of_another_form_are_none(self, raw):
        assert read_line(raw) is None

    @given(st.binary(max_size=200))
    def test_never_raise(self, raw):
        assert read_line(raw) is None or isinstance(read_line(raw), LineRead)


class TestLooks:
    def test_come_less_and_less_often_to_one_a_minute(self):
        waits = [look_again(n).total_seconds() for n in range(12)]

        assert waits[:5] == [2, 4, 8, 16, 32] and set(waits[5:]) == {60}
