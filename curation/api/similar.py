"""Items like another one."""

import math
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.errors import InvalidField
from annotation.selectors import access
from curation.api.endpoint import Endpoint, who, whole
from curation.selectors import similar
from curation.selectors.similar import Similar

LIMIT = OpenApiParameter("limit", int, description="1 to 100, by default 10.")
LEAST = OpenApiParameter("least", float, description="The least cosine, from -1 to 1.")


class SimilarItem(serializers.Serializer):
    id = serializers.CharField()
    cosine = serializers.FloatField()


class SimilarItems(serializers.Serializer):
    """The items with the likeliest prompts, the likeliest first."""

    item = serializers.CharField()
    results = SimilarItem(many=True)


class SimilarView(Endpoint):
    filters = frozenset({"limit", "least"})

    @extend_schema(
        summary="Find similar items",
        parameters=[LIMIT, LEAST],
        responses={200: SimilarItems},
    )
    def get(self, request: Request, slug: str, item_id: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        limit, least = whole(request, "limit", 10, 1, similar.MOST_SIMILAR), cosine(request)
        item = similar.item_called(project, item_id)
        found = similar.similar_items(item, limit=limit, least=least)
        return Response({"item": item.external_id, "results": [shown(one) for one in found]})


def cosine(request: Request) -> float:
    """Read `least` from the query; -1 where it is not there.

    Raises:
        InvalidField: it is no number from -1 to 1.
    """
    written = request.query_params.get("least", "-1")
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not -1 <= number <= 1:
        raise InvalidField("least must be a number from -1 to 1.", field="least")
    return number


def shown(one: Similar) -> dict[str, Any]:
    return {"id": one.item.external_id, "cosine": round(one.cosine, 4)}
