"""What the resources of curation share."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.domain.answers import UnknownKey
from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import TokenScope
from annotation.models import User
from curation.models import Dataset, Version
from curation.selectors.datasets import version_of
from curation.services import datasets

PAGE_SIZE, LARGEST_PAGE = 100, 1000
HIGHEST = 2**63 - 1


class Endpoint(APIView):
    """A resource. `scopes` names the token's scope for each method, `filters` its query fields."""

    scopes: dict[str, TokenScope] = {}
    filters: frozenset[str] = frozenset()
    is_paged = False


def who(request: Request) -> User:
    return request.user


def dataset_in(request: Request, slug: str) -> Dataset:
    return datasets.dataset_for(user=who(request), slug=slug, now=request.now)


def version_in(request: Request, slug: str, number: int) -> Version:
    return version_of(dataset_in(request, slug), number)


def page_of(
    request: Request, rows: QuerySet[Any], shown: Callable[[Any], dict[str, Any]]
) -> Response:
    """Answer with up to `limit` rows after `cursor`, by ascending key."""
    limit = whole(request, "limit", PAGE_SIZE, 1, LARGEST_PAGE)
    after = whole(request, "cursor", 0, 0, HIGHEST)
    found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    page, more = found[:limit], found[limit:]
    following = next_address(request, page[-1].pk) if more else None
    return Response({"results": [shown(row) for row in page], "next": following})


def next_address(request: Request, last: int) -> str:
    query = request.query_params.copy()
    query["cursor"] = str(last)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def whole(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    written = request.query_params.get(name, str(default))
    is_number = written.isascii() and written.isdigit() and len(written) <= 19
    if not is_number or not lowest <= int(written) <= highest:
        raise InvalidField(f"{name} must be from {lowest} to {highest}.", field=name)
    return int(written)


def only_known(body: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Refuse a body with a field that means nothing here."""
    if unknown := sorted(set(body) - known):
        raise UnknownKey(f"There is no field called “{unknown[0][:80]}”.", field=unknown[0][:80])
    return body
