"""Whole columns read at once: the database packs them, so that no value becomes an object alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from annotation.domain.verdicts import Floats

NUMBERS = "string_agg(float8send(coalesce(c{}::float8, 'NaN')), '')"
TEXTS = "json_agg(c{})::text"


def numbers_of(query: str, values: Mapping[str, Any], n: int) -> list[Floats]:
    """Run a query of n columns, each of numbers; see `columns_of`."""
    return columns_of(query, values, [NUMBERS] * n)


def columns_of(query: str, values: Mapping[str, Any], kinds: Sequence[str]) -> list[Any]:
    """Run a query, and read its columns side by side.

    Args:
        query: its rows come in any order, and those of all columns in the same one.
        kinds: of each column, `NUMBERS` or `TEXTS`. Texts are read all at once: no long ones.
    Returns:
        An array for each column: of floats with NaN for null (ids up to 2^53 are exact), or of
        texts with None.
    """
    packed = ", ".join(kind.format(at) for at, kind in enumerate(kinds))
    names = ", ".join(f"c{at}" for at in range(len(kinds)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {packed} FROM ({query}) AS told({names})",  # noqa: S608 - no part is a user's
            values,
        )
        row = cursor.fetchone()
    return [UNPACK[kind](one) for kind, one in zip(kinds, row, strict=True)]


def floats_in(packed: bytes | None) -> Floats:
    return np.frombuffer(packed or b"", ">f8").astype(np.float64)


def texts_in(packed: str | None) -> NDArray[np.object_]:
    return np.array(orjson.loads(packed or "[]"), dtype=object)


UNPACK: dict[str, Callable[[Any], Any]] = {NUMBERS: floats_in, TEXTS: texts_in}
