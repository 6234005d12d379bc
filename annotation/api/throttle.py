"""Requests per token and minute, counted by the database, so that the limit is exact."""

from typing import Any

from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

# One statement: parallel requests of a token queue on its row, so none slips through.
COUNT = """
    UPDATE api_token
    SET n_in_minute = CASE WHEN minute = date_trunc('minute', clock_timestamp())
                           THEN n_in_minute + 1 ELSE 1 END,
        minute = date_trunc('minute', clock_timestamp())
    WHERE id = %s
    RETURNING n_in_minute, ceil(60 - extract(second FROM clock_timestamp()))
"""


class TokenThrottle(BaseThrottle):
    """Lets API_LIMIT_PER_MINUTE requests of a token through in each minute; 0 lets all through."""

    def __init__(self) -> None:
        self.seconds_left = 60.0

    def allow_request(self, request: Request, view: Any) -> bool:
        limit = settings.API_LIMIT_PER_MINUTE
        if not limit or not request.auth:
            return True
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [request.auth.id])
            used, seconds_left = cursor.fetchone()
        self.seconds_left = float(seconds_left)
        return used <= limit

    def wait(self) -> float:
        return self.seconds_left
