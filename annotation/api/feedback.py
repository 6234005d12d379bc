"""What users of a product did with answers: taken in, and how far it is to be trusted."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.endpoint import Endpoint, created, only_known
from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.vocabulary import FeedbackKind, TokenScope
from annotation.selectors import access, feedback
from annotation.services.feedback.taking import take_feedback

MOST_EVENTS = 1000


class TooManyEvents(DomainError):
    """More events than one request may bring."""

    code, status = "too_large", 413


class Events(serializers.Serializer[Any]):
    """1 to 1,000 events; all of them are written or none."""

    events = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=MOST_EVENTS,
        help_text="Each has id, item, response, type, user, and perhaps value, other_response, "
        "time, raw. The user is stored as a keyed hash only.",
    )


class EventsTaken(serializers.Serializer[Any]):
    n_written = serializers.IntegerField()
    n_unchanged = serializers.IntegerField()
    n_judgments = serializers.IntegerField(help_text="Weak judgments that followed.")


class Trust(serializers.Serializer[Any]):
    """How likely a preference that feedback of this kind implies is right."""

    kind = serializers.ChoiceField(choices=list(FeedbackKind))
    weight = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    n_anchors = serializers.IntegerField(help_text="Preferences on pairs that people judged too.")
    n_weak = serializers.IntegerField(help_text="Preferences in force.")
    n_events = serializers.IntegerField()
    n_users = serializers.IntegerField()
    response_rate = serializers.FloatField(allow_null=True)


class TrustList(serializers.Serializer[Any]):
    results = Trust(many=True)


class FeedbackView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}

    @extend_schema(summary="Read how far feedback is to be trusted", responses={200: TrustList})
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.REVIEWS)
        return Response({"results": [asdict(row) for row in feedback.trust_rows(project)]})

    @extend_schema(
        summary="Bring in feedback of users", request=Events, responses={201: EventsTaken}
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        taken = take_feedback(project=project, records=_events(request), now=request.now)
        return created(
            {
                "n_written": taken.n_written,
                "n_unchanged": taken.n_unchanged,
                "n_judgments": taken.n_judgments,
            }
        )


def _events(request: Request) -> list[dict[str, Any]]:
    events = only_known(request.data, frozenset({"events"})).get("events")
    if not isinstance(events, list) or not events:
        raise InvalidField("events must be a list with at least one event.", field="events")
    if not all(isinstance(event, dict) for event in events):
        raise InvalidField("Each event must be a JSON object.", field="events")
    if len(events) > MOST_EVENTS:
        raise TooManyEvents(
            "At most 1,000 events a request; import a file instead.", field="events"
        )
    return events
