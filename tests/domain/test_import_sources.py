import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.importing import lines
from annotation.domain.importing.lines import LINE_CAP, capped_lines
from annotation.domain.importing.sources import Position, open_source


@pytest.fixture
def make_file(tmp_path):
    def make(content, name="upload"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def rows(path, **options):
    return list(open_source(path, **options).rows)


def refusals(path, **options):
    found = [row.refusal for row in rows(path, **options) if row.refusal]
    return [(refusal.line, refusal.rule) for refusal in found]


class Endless(io.RawIOBase):
    """One line of n bytes, made while it is read; remembers the largest read."""

    def __init__(self, n_bytes, tail):
        self.left, self.tail = n_bytes, tail

    def read(self, size):
        if self.left:
            given = min(size, self.left)
            self.left -= given
            return b"x" * given
        tail, self.tail = self.tail, b""
        return tail


class TestCappedLines:
    def test_passes_over_a_line_of_100_mb_and_reads_on_behind_it(self):
        found = list(capped_lines(Endless(100 * 2**20, b'\n{"a": 1}\n')))

        assert [(line.number, line.raw) for line in found] == [(1, None), (2, b'{"a": 1}')]
        assert found[-1].end == 100 * 2**20 + 10

    def test_takes_a_line_of_just_the_cap(self):
        for extra, taken in ((0, True), (1, False)):
            stream = io.BytesIO(b"x" * (LINE_CAP + extra) + b"\ny")
            first, second = capped_lines(stream)

            assert (first.raw is not None) == taken
            assert second == (2, b"y", LINE_CAP + extra + 2)

    def test_counts_blank_lines_without_yielding_them(self):
        found = list(capped_lines(io.BytesIO(b"\n\r\n  \n{}\n\n{}")))

        assert [(line.number, line.raw, line.end) for line in found] == [
            (4, b"{}", 9),
            (6, b"{}", 12),
        ]

    @given(st.binary(max_size=300).map(lambda raw: raw.replace(b"x", b"\n")), st.integers(1, 9))
    def test_cuts_like_split_whatever_the_chunks(self, raw, chunk):
        whole = lines.CHUNK
        lines.CHUNK = chunk
        try:
            found = list(capped_lines(io.BytesIO(raw)))
        finally:
            lines.CHUNK = whole
        pieces = enumerate(raw.split(b"\n"), 1)
        expected = [(number, piece) for number, piece in pieces if piece and not piece.isspace()]

        assert [(line.number, line.raw) for line in found] == expected
        assert all(raw[: line.end].rstrip(b"\n").endswith(line.raw) for line in found)


class TestJsonLines:
    def test_are_read_plain_or_packed_whatever_the_name(self, make_file):
        raw = b'{"a": 1}\n{"a": 2}'

        for content in (raw, gzip.compress(raw)):
            assert [row.value for row in rows(make_file(content))] == [{"a": 1}, {"a": 2}]

    def test_resume_behind_any_row(self, make_file):
        raw = "".join(f"{json.dumps({'a': 'ä' * n})}\n\n" for n in range(20)).encode()
        for path in (make_file(raw, "plain"), make_file(gzip.compress(raw), "packed")):
            everything = rows(path)
            for row in everything:
                assert rows(path, start=row.after) == everything[everything.index(row) + 1 :]

    def test_may_begin_with_a_byte_order_mark_but_not_hold_one(self, make_file):
        raw = b'\xef\xbb\xbf{"a": 1}\n\xef\xbb\xbf{"a": 2}\n{"a": 3}'

        found = rows(make_file(raw))

        assert [row.value for row in found] == [{"a": 1}, {}, {"a": 3}]
        assert found[1].refusal.rule == "byte_order_mark"

    def test_resume_after_a_byte_order_mark(self, make_file):
        path = make_file(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')

        assert [row.value for row in rows(path, start=rows(path)[0].after)] == [{"a": 2}]

    def test_in_utf_16_are_refused_as_a_whole(self, make_file):
        assert refusals(make_file('{"a": 1}\n'.encode("utf-16"))) == [(1, "not_utf8")]

    def test_that_are_bad_leave_their_neighbours_alone(self, make_file):
        long = b'{"a": "' + b"x" * LINE_CAP + b'"}'
        raw = b"\n".join([b'{"a": 1}', b"{", long, b"[1]", b'{"a":1,"a":2}', b'{"a": 2}'])

        path = make_file(raw, "bad.jsonl")

        assert [row.value for row in rows(path) if not row.refusal] == [{"a": 1}, {"a": 2}]
        assert refusals(path) == [
            (2, "not_json"),
            (3, "line_too_long"),
            (4, "not_an_object"),
            (5, "duplicate_key"),
        ]

    def test_that_break_off_in_the_packing_say_so(self, make_file):
        lines = b"".join(b'{"a": %d, "b": "%d"}\n' % (n, n * 7919) for n in range(20_000))
        packed = gzip.compress(lines)

        found = refusals(make_file(packed[: len(packed) // 2], "cut.jsonl.gz"))

        assert [rule for _, rule in found] == ["file_damaged"]

    @pytest.mark.parametrize("filling", [b"\0", b" ", b"\n"])
    def test_refuse_a_bomb_after_little_of_it(self, make_file, filling):
        bomb = gzip.compress(filling * (200 * 2**20), compresslevel=1)

        assert [rule for _, rule in refusals(make_file(bomb, "bomb.jsonl.gz"))][-1] == (
            "inflates_too_much"
        )


class TestCsv:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_is_read_with_any_usual_separator(self, make_file, separator):
        raw = (
            f"a{separator}b\n1{separator}x,y;z\n"
            if separator == "\t"
            else (f'a{separator}b\n1{separator}"x,y;z"\n')
        )

        assert [row.value for row in rows(make_file(raw.encode(), "t.csv"))] == [
            {"a": "1", "b": "x,y;z"}
        ]

    def test_keeps_line_ends_and_quotes_inside_a_cell(self, make_file):
        raw = b'a,b\r\n"one\r\ntwo\n","say ""hi"""\r\n3,4\r\n'

        found = rows(make_file(raw, "t.csv"))

        assert [row.value for row in found] == [
            {"a": "one\r\ntwo\n", "b": 'say "hi"'},
            {"a": "3", "b": "4"},
        ]
        assert [row.line for row in found] == [2, 5]

    def test_refuses_a_row_of_another_length_and_never_shifts_a_cell(self, make_file):
        raw = b"a,b\n1,2\n3\n4,5,6\na,b\n7,8\n"

        path = make_file(raw, "t.csv")

        assert refusals(path) == [(3, "column_count"), (4, "column_count"), (5, "header_repeated")]
        assert [row.value for row in rows(path) if not row.refusal] == [
            {"a": "1", "b": "2"},
            {"a": "7", "b": "8"},
        ]

    def test_stops_at_a_quote_that_is_never_closed(self, make_file):
        assert refusals(make_file(b'a,b\n1,2\n3,"4\n5,6\n', "t.csv"))[-1][1] == "not_csv"

    def test_stops_at_an_open_quote_before_it_takes_in_the_whole_file(self, make_file):
        raw = b'a,b\n1,"2\n' + b"x,y\n" * (3 * 2**20)

        assert [rule for _, rule in refusals(make_file(raw, "t.csv"))][-1] in (
            "line_too_long",
            "not_csv",
        )

    @pytest.mark.parametrize(
        ("raw", "rule"),
        [
            (b"a,a\n1,2\n", "duplicate_column"),
            (b"a,\n1,2\n", "column_unnamed"),
            (b"a," * 10_000 + b"b\n", "too_many_columns"),
            (b"a,b\n1,\0\n", "nul_character"),
            (b"a,b\n1,\xff\n", "not_utf8"),
            (b"\xff\xfea\0,\0b\0", "not_utf8"),
        ],
    )
    def test_names_what_is_wrong_with_it(self, make_file, raw, rule):
        assert refusals(make_file(raw, "t.csv"))[0][1] == rule

    def test_resumes_behind_any_row(self, make_file):
        path = make_file(b'a,b\n1,"x\ny"\n\n2,2\n3\n4,4\n', "t.csv.gz")
        path.write_bytes(gzip.compress(path.read_bytes()))
        everything = rows(path)

        for place, row in enumerate(everything):
            assert rows(path, start=row.after) == everything[place + 1 :]


class TestParquet:
    def write(self, folder, columns, **options):
        path = folder / "upload"
        pq.write_table(pa.table(columns), path, **options)
        return path

    def test_is_read_row_by_row_and_resumes(self, tmp_path):
        path = self.write(tmp_path, {"a": list(range(1000)), "b": ["x"] * 1000}, row_group_size=300)
        everything = rows(path)

        assert [row.value["a"] for row in everything] == list(range(1000))
        assert rows(path, start=everything[500].after) == everything[501:]
        assert rows(path, start=Position(1000, 1000)) == []

    def test_refuses_single_rows_with_values_that_json_cannot_say(self, tmp_path):
        path = self.write(tmp_path, {"a": [1.0, float("nan"), 2.0], "b": ["x", "y", "n\0"]})

        assert refusals(path) == [(2, "not_a_number"), (3, "nul_character")]

    def test_that_is_broken_says_so(self, make_file):
        assert refusals(make_file(b"PAR1 and then nothing")) == [(1, "file_damaged")]
