"""The output and error files of a batch, and all that may be wrong with them."""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Answered:
    """The answer to one line of a batch."""

    custom_id: str
    status: int
    body: Any


@dataclass
class Files:
    output: bytes = b""
    errors: bytes = b""
    n_completed: int = 0
    n_failed: int = 0


def spoiled(answered: list[Answered], left: list[str], status: str, mode: str) -> Files:
    """Write the files of a batch as its mode wants them."""
    good = [one for one in answered if one.status < 400]
    failed = [line_of(one) for one in answered if one.status >= 400]
    if mode == "errors":
        failed += [error_of(one.custom_id, "server_error") for one in good[::2]]
        good = good[1::2]
    failed += [error_of(name, f"batch_{status}") for name in left]
    lines = changed(good, mode)
    output = b"".join(line + b"\n" for line in lines)
    if mode == "truncated":
        output = output[: len(output) // 2]
    errors = b"".join(line + b"\n" for line in failed)
    return Files(output, errors, len(good), len(failed))


def changed(good: list[Answered], mode: str) -> list[bytes]:
    lines = [line_of(one) for one in good]
    if mode == "missing":
        return lines[1:]
    if mode == "reordered":
        return lines[::-1]
    if mode == "doubled":
        others = [*good[1:], *good[:1]]
        again = [Answered(one.custom_id, 200, o.body) for one, o in zip(good, others, strict=True)]
        return [*lines, *map(line_of, again), *lines]
    if mode == "swapped":
        names = [one.custom_id for one in good]
        turned = [*names[1:], *names[:1]]
        swapped = zip(turned, good, strict=True)
        return [line_of(Answered(name, one.status, one.body)) for name, one in swapped]
    if mode == "unknown":
        strange = ("nobody", "1-0", "-", f"999999999-{good[0].custom_id.partition('-')[2]}")
        return [*(line_of(Answered(name, 200, good[0].body)) for name in strange), *lines]
    if mode == "garbled":
        first, *rest = lines
        return [b"<html>", first[: len(first) // 2], b"[]", b'{"custom_id": 7}', b"", *rest]
    return lines


def line_of(one: Answered) -> bytes:
    response = {"status_code": one.status, "request_id": "req-1", "body": one.body}
    return orjson.dumps(
        {"id": "batch-req-1", "custom_id": one.custom_id, "response": response, "error": None}
    )


def error_of(custom_id: str, code: str) -> bytes:
    error = {"code": code, "message": "This request could not be executed."}
    return orjson.dumps(
        {"id": "batch-req-1", "custom_id": custom_id, "response": None, "error": error}
    )
