"""Groups of duplicates, a page at a time."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.errors import InvalidField
from annotation.selectors import access
from curation.api import shapes
from curation.api.endpoint import Endpoint, page_of, who
from curation.domain.vocabulary import DuplicateKind
from curation.selectors.duplicate_groups import group_json, groups_in, members_of

KIND = OpenApiParameter("kind", str, enum=list(DuplicateKind), description="Only this kind.")


class DuplicateGroup(serializers.Serializer):
    """Items that are the same. `group` is the same for the same items, however it came about."""

    group = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(DuplicateKind))
    items = serializers.ListField(child=serializers.CharField())
    similarity = serializers.FloatField()
    representative = serializers.CharField()
    is_accepted = serializers.BooleanField()


class DuplicatesView(Endpoint):
    filters = frozenset({"kind"})
    is_paged = True

    @extend_schema(
        summary="List groups of duplicates",
        parameters=[KIND],
        responses={200: shapes.page_of(DuplicateGroup, "DuplicateGroup")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        kind = request.query_params.get("kind", "")
        if kind and kind not in set(DuplicateKind):
            raise InvalidField(f"kind is one of: {', '.join(DuplicateKind)}.", field="kind")
        answer = page_of(request, groups_in(project, kind), lambda group: group)
        names = members_of(answer.data["results"])
        answer.data["results"] = [
            group_json(group, names[group.pk]) for group in answer.data["results"]
        ]
        return answer
