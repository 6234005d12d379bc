"""Byte ranges of downloads."""

import re

SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class RangeNotSatisfiable(Exception):  # noqa: N818
    """The range begins behind the end of the file."""


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header.

    Args:
        header: as it came; only one range in bytes is understood.
        size: of the file, in bytes.
    Returns:
        First byte and the one behind the last; None where the header asks for nothing that is
        understood, so that the whole file is the answer.
    Raises:
        RangeNotSatisfiable: it begins behind the end.

    Source: RFC 9110, section 14.
    """
    found = SINGLE.fullmatch(header.strip())
    if found is None or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= size or (first == "" and int(last) == 0):
        raise RangeNotSatisfiable
    return None if end <= start else (start, end)
