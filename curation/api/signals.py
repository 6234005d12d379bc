"""The signals of comparisons, and values worked out elsewhere."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import TokenScope
from annotation.models import Comparison
from annotation.models import Response as Answer
from annotation.selectors import access
from curation.api import shapes
from curation.api.endpoint import HIGHEST, Endpoint, only_known, page_of, who, whole
from curation.domain.signals.registry import signal_named
from curation.services.signals import importing

MOST_ROWS = 1_000


class SignalValue(serializers.Serializer):
    """A value is a number, a word, a list of words, true or false, or null."""

    value = serializers.JSONField()
    family = serializers.CharField()
    version = serializers.IntegerField()
    computed_at = serializers.DateTimeField()


class SignalsOfComparison(serializers.Serializer):
    comparison = serializers.IntegerField()
    item = serializers.CharField()
    responses = serializers.ListField(child=serializers.CharField())
    signals = serializers.DictField(child=SignalValue())


class NewSignals(serializers.Serializer):
    """Each row: item, and response or comparison or neither, name, value."""

    source = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=100, required=False, allow_blank=True)
    rows = serializers.ListField(child=serializers.DictField(), max_length=MOST_ROWS)


class Written(serializers.Serializer):
    written = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class SignalsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    filters = frozenset({"comparison", "item", "names"})
    is_paged = True

    @extend_schema(
        summary="List the signals of each comparison",
        parameters=[
            OpenApiParameter("comparison", int),
            OpenApiParameter("item", str, description="The item's id."),
            OpenApiParameter("names", str, description="Only these, separated by commas."),
        ],
        responses={200: shapes.page_of(SignalsOfComparison, "Signals")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        rows = Comparison.objects.filter(project=project)
        if number := whole(request, "comparison", 0, 0, HIGHEST):
            rows = rows.filter(pk=number)
        if item := request.query_params.get("item"):
            rows = rows.filter(item__external_id=item)
        names = names_in(request)
        answers = Answer.objects.only("id", "item_id", "external_id")
        rows = rows.select_related("item").prefetch_related(
            "signals",
            Prefetch("item__responses", answers),
            Prefetch("other_item__responses", answers),
        )
        rows = rows.defer("item__messages", "item__metadata")
        return page_of(request, rows, lambda row: shown(row, names))

    @extend_schema(
        summary="Import values worked out elsewhere",
        description=f"Up to {MOST_ROWS:,} rows, all of them or none. Safe to repeat.",
        request=NewSignals,
        responses={200: Written},
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        shape = NewSignals(data=only_known(request.data, frozenset(NewSignals().fields)))
        shape.is_valid(raise_exception=True)
        given = shape.validated_data
        origin = importing.origin_of(given["source"], given.get("version", ""))
        taken = importing.import_rows(
            project=project, records=given["rows"], origin=origin, now=request.now
        )
        return Response({"written": taken.n_written, "unchanged": taken.n_unchanged})


def names_in(request: Request) -> Sequence[str]:
    """Read which signals to show; none for all of them.

    Raises:
        InvalidField: there is no such signal.
    """
    names = [name for name in request.query_params.get("names", "").split(",") if name]
    for name in names:
        if signal_named(name) is None:
            raise InvalidField(f"There is no signal called “{name[:80]}”.", field="names")
    return names


def shown(row: Comparison, names: Sequence[str]) -> dict[str, Any]:
    items = [row.item, row.other_item] if row.other_item else [row.item]
    named = {one.pk: one.external_id for item in items for one in item.responses.all()}
    return {
        "comparison": row.pk,
        "item": row.item.external_id,
        "responses": [named[pk] for pk in row.response_ids],
        "signals": {
            name: {
                "value": value,
                "family": family.family,
                "version": family.version,
                "computed_at": family.computed_at,
            }
            for family in row.signals.all()
            for name, value in family.values.items()
            if not names or name in names
        },
    }
