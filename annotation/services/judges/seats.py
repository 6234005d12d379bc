"""Seats at an endpoint: whoever sends to it holds one, so no more calls are on their way at once.

A seat is a lock of the database's session. It is free again the moment that its worker's connection
is gone, however the worker ended.
"""

from collections.abc import Sequence

from django.db import connection

KIND = 0x514A << 48  # "QJ"; then the endpoint, then nine bits of the seat's number
TAKE = """
    SELECT seat FROM unnest(%(seats)s::int[]) AS seat
    WHERE pg_try_advisory_lock(%(endpoint)s::bigint + seat)
"""
GIVE = (
    "SELECT pg_advisory_unlock(%(endpoint)s::bigint + seat) FROM unnest(%(seats)s::int[]) AS seat"
)


def take_seats(*, endpoint_id: int, numbers: Sequence[int]) -> list[int]:
    """Take those of the seats, numbered 1 to 256, that nobody holds. Never those held already."""
    if not numbers:
        return []
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"endpoint": key_of(endpoint_id), "seats": list(numbers)})
        return [number for (number,) in cursor.fetchall()]


def give_seats(*, endpoint_id: int, numbers: Sequence[int]) -> None:
    """Let others have seats that this session holds."""
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(GIVE, {"endpoint": key_of(endpoint_id), "seats": list(numbers)})


def key_of(endpoint_id: int) -> int:
    return KIND | endpoint_id << 9
