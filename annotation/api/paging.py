"""Pages of a list: what comes after a row, never an offset; `next` is the address of the next."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.answers import HIGHEST_ID
from annotation.domain.errors import InvalidField

PAGE_SIZE = 100
LARGEST_PAGE = 1000


def page_of(
    request: Request, rows: QuerySet[Any], shown: Callable[[list[Any]], list[dict[str, Any]]]
) -> Response:
    """Answer with up to `limit` rows after `cursor`, by ascending key."""
    limit = whole(request, "limit", PAGE_SIZE, 1, LARGEST_PAGE)
    after = whole(request, "cursor", 0, 0, HIGHEST_ID)
    found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    page = found[:limit]
    has_more = len(found) > limit
    return Response(
        {"results": shown(page), "next": next_address(request, page[-1].pk) if has_more else None}
    )


def next_address(request: Request, last: int) -> str:
    query = request.query_params.copy()
    query["cursor"] = str(last)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def whole(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    """Read a whole number from the query.

    Raises:
        InvalidField: it is no number in plain digits, or out of bounds.
    """
    written = request.query_params.get(name)
    if written is None:
        return default
    is_number = written.isascii() and written.isdigit() and len(written) <= 19
    if not is_number or not lowest <= int(written) <= highest:
        raise InvalidField(f"{name} must be from {lowest} to {highest}.", field=name)
    return int(written)


def flag(request: Request, name: str) -> bool | None:
    """Read `true` or `false` from the query; None when it is not there.

    Raises:
        InvalidField: it is neither.
    """
    written = request.query_params.get(name)
    if written not in (None, "true", "false"):
        raise InvalidField(f"{name} must be true or false.", field=name)
    return None if written is None else written == "true"
