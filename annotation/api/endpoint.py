"""What every resource of the API shares."""

from typing import Any

from django.urls import register_converter
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.domain.answers import UnknownKey
from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import TokenScope
from annotation.services import people


class RowId:
    """A row's number in one spelling: ASCII digits, no leading zero, within the key's range."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(RowId, "row_id")


class Endpoint(APIView):
    """A resource. `scopes` names the token's scope for each method, `filters` its query fields."""

    scopes: dict[str, TokenScope] = {}
    filters: frozenset[str] = frozenset()
    is_paged = False


class NotThere(Endpoint):
    """Any address that names no resource."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this address.")


def annotator_id_of(request: Request) -> int:
    """Who the token's owner judges as."""
    known = request.auth.annotator_id
    return known or people.annotator_of(user=request.user, now=request.now).id


def only_known(body: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Refuse a body with a field that means nothing here."""
    for key in body:
        if key not in known:
            raise UnknownKey(f"There is no field called “{key[:80]}”.", field=key[:80])
    return body


def created(body: dict[str, Any]) -> Response:
    return Response(body, status=201)
