"""Items: listed for researchers, and created up to a thousand at a time."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import shapes
from annotation.api.endpoint import Endpoint, created, only_known
from annotation.api.paging import page_of
from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.vocabulary import TokenScope
from annotation.models import Item
from annotation.selectors import access
from annotation.services.importing.items import create_items

MOST_ITEMS = 1000
BY_ID = OpenApiParameter("id", str, description="The item's own id.")


class TooManyItems(DomainError):
    """More items than one request may bring."""

    code, status = "too_large", 413


class ItemsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    filters = frozenset({"id"})
    is_paged = True

    @extend_schema(
        summary="List items",
        parameters=[BY_ID],
        responses={200: shapes.page_of(shapes.Item, "Item")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        rows = Item.objects.filter(project=project).prefetch_related("responses")
        if name := request.query_params.get("id"):
            rows = rows.filter(external_id=name)
        return page_of(request, rows, lambda page: [_shown(item) for item in page])

    @extend_schema(
        summary="Create items", request=shapes.NewItems, responses={201: shapes.ItemsWritten}
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        written = create_items(project=project, records=_records(request), now=request.now)
        return created({"n_written": written.n_written, "n_unchanged": written.n_unchanged})


def _records(request: Request) -> list[dict[str, Any]]:
    records = only_known(request.data, frozenset({"items"})).get("items")
    if not isinstance(records, list) or not records:
        raise InvalidField("items must be a list with at least one item.", field="items")
    if not all(isinstance(record, dict) for record in records):
        raise InvalidField("Each item must be a JSON object.", field="items")
    if len(records) > MOST_ITEMS:
        raise TooManyItems("At most 1,000 items per request; import a file instead.", field="items")
    return records


def _shown(item: Item) -> dict[str, Any]:
    return {
        "id": item.external_id,
        "messages": item.messages,
        "responses": [
            {
                "id": response.external_id,
                "content": response.content,
                "messages": response.messages,
                "model": response.model_name,
            }
            for response in item.responses.all()
        ],
        "meta": item.metadata,
        "created_at": item.created_at,
    }
