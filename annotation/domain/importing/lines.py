"""Lines of a byte stream in bounded memory: a line over the cap is passed over, not read."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from annotation.domain.importing.refusals import LineRefused

LINE_CAP = 4 * 2**20
CHUNK = 2**18


class Line(NamedTuple):
    """A line that is not blank. `raw` is None where it is longer than the cap.

    `number` counts from 1; `end` is the offset behind its line feed.
    """

    number: int
    raw: bytes | None
    end: int


def capped_lines(
    stream: BinaryIO, *, offset: int = 0, number: int = 0, inflated_cap: int | None = None
) -> Iterator[Line]:
    """Yield the lines that are not blank, never holding more than the cap and one chunk.

    Args:
        stream: positioned at `offset`, behind line `number`.
        inflated_cap: total bytes that may come out of the stream, None for no cap.
    Raises:
        LineRefused: rule inflates_too_much, where the cap is reached.
    """
    held = b""
    is_overlong = False
    while chunk := stream.read(CHUNK):
        if not is_overlong and chunk.isspace() and (not held or held.isspace()):
            # Millions of blank lines must not cost a step each.
            cut = chunk.rfind(b"\n") + 1
            ended, rest = [], chunk[cut:]
            if cut:
                number += chunk.count(b"\n")
                offset, held = offset + len(held) + cut, b""
        else:
            *ended, rest = chunk.split(b"\n")
        for piece in ended:
            number += 1
            raw = None if is_overlong else held + piece
            offset += len(held) + len(piece) + 1
            held, is_overlong = b"", False
            if raw is None or len(raw) > LINE_CAP:
                yield Line(number, None, offset)
            elif raw and not raw.isspace():
                yield Line(number, raw, offset)
        held += rest
        if is_overlong or len(held) > LINE_CAP:
            offset += len(held)
            held, is_overlong = b"", True
        check_inflated(offset + len(held), inflated_cap)
    if is_overlong or (held and not held.isspace()):
        yield Line(number + 1, None if is_overlong else held, offset + len(held))


def check_inflated(n_bytes: int, cap: int | None) -> None:
    if cap is not None and n_bytes > cap:
        raise LineRefused(
            "inflates_too_much",
            f"The file unpacks to over {cap // 2**20} MB, far more than text does.",
        )
