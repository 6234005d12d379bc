"""Seats at an endpoint: whoever sends to it holds one, so no more calls are on their way at once.

A seat is a lock of the database's session. It is free again the moment that its worker's connection
is gone, however the worker ended. So is the place that each worker at an endpoint holds, by which
they count each other to share the seats.
"""

from collections.abc import Sequence

from django.db import connection

KIND = 0x514A << 48  # "QJ"; then the endpoint, then nine bits of the seat's number
TAKE = """
    SELECT seat FROM unnest(%(seats)s::int[]) AS seat
    WHERE pg_try_advisory_lock(%(endpoint)s::bigint + seat) LIMIT %(most)s
"""
GIVE = (
    "SELECT pg_advisory_unlock(%(endpoint)s::bigint + seat) FROM unnest(%(seats)s::int[]) AS seat"
)
PLACES = (257, 511)  # numbers beyond those of seats
ENTER = """
    SELECT place FROM generate_series(%(first)s, %(last)s) AS place
    WHERE pg_try_advisory_lock(%(endpoint)s::bigint + place) LIMIT 1
"""
COUNT = """
    SELECT count(DISTINCT objid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint)
          BETWEEN %(endpoint)s::bigint + %(first)s AND %(endpoint)s::bigint + %(last)s
"""


def enter(*, endpoint_id: int) -> list[int]:
    """Take a place among an endpoint's workers, none where there are too many.

    It is given up as seats are.
    """
    with connection.cursor() as cursor:
        cursor.execute(ENTER, about(endpoint_id))
        return [number for (number,) in cursor.fetchall()]


def share_of(*, endpoint_id: int, n_seats: int) -> int:
    """How many of an endpoint's seats are each worker's that has a place there, at least one."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, about(endpoint_id))
        (n_workers,) = cursor.fetchone()
    return -(-n_seats // max(n_workers, 1))


def about(endpoint_id: int) -> dict[str, int]:
    return {"endpoint": key_of(endpoint_id), "first": PLACES[0], "last": PLACES[1]}


def take_seats(*, endpoint_id: int, numbers: Sequence[int], most: int) -> list[int]:
    """Take up to `most` of the seats, numbered 1 to 256, that nobody holds, none of one's own."""
    if not numbers or most <= 0:
        return []
    endpoint = key_of(endpoint_id)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"endpoint": endpoint, "seats": list(numbers), "most": most})
        return [number for (number,) in cursor.fetchall()]


def give_seats(*, endpoint_id: int, numbers: Sequence[int]) -> None:
    """Let others have seats that this session holds."""
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(GIVE, {"endpoint": key_of(endpoint_id), "seats": list(numbers)})


def key_of(endpoint_id: int) -> int:
    return KIND | endpoint_id << 9
