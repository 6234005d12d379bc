"""How the API reads, answers and refuses by default; settings name it, so it knows no views."""

from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from annotation.domain.answers import UnknownKey
from annotation.domain.errors import InvalidField

PAGING = frozenset({"limit", "cursor"})


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted: str | None = None, context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)


class OnlyJSON(BaseContentNegotiation):
    """The API answers in JSON whatever the client says that it would like."""

    def select_parser(self, request: Request, parsers: list[Any]) -> Any:
        content_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self, request: Request, renderers: list[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class KnownFilters(BasePermission):
    """Refuses a query field that the view does not name: an unfiltered list would be the answer."""

    def has_permission(self, request: Request, view: Any) -> bool:
        known = getattr(view, "filters", frozenset())
        if getattr(view, "is_paged", False) and request.method == "GET":
            known = known | PAGING
        for name, values in request.query_params.lists():
            if name not in known:
                raise UnknownKey(f"There is no filter called “{name[:80]}”.", field=name[:80])
            if len(values) > 1:
                raise InvalidField(f"{name} is given more than once.", field=name)
            if "\x00" in values[0]:
                raise InvalidField(f"{name} holds a NUL character.", field=name)
        return True
