"""Says where something is due, and what the way to an endpoint is made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from annotation.domain.vocabulary import (
    JudgeState,
    ProjectState,
    RequestState,
    RunPurpose,
    RunState,
)
from annotation.models import Endpoint, JudgeRequest, JudgeRun, Project

# A suspended judge may show that it has mended.
IS_ASKED = Q(judge__state=JudgeState.ACTIVE) | Q(
    judge__state=JudgeState.SUSPENDED, purpose=RunPurpose.CANARY
)


def due_endpoints(project: Project | None, now: datetime) -> QuerySet[Endpoint]:
    """Endpoints that are not left alone and for which something is due and affordable."""
    queued = JudgeRequest.objects.filter(
        run=OuterRef("pk"), state=RequestState.QUEUED, due_at__lte=now
    )
    left = F("judge__budget") - F("judge__spent") - F("judge__reserved")
    runs = JudgeRun.objects.filter(
        IS_ASKED,
        Exists(queued),
        by_batch=False,
        judge__endpoint=OuterRef("pk"),
        state=RunState.RUNNING,
        project__state=ProjectState.ACTIVE,
        judge__unaffordable__lte=left,
    )
    if project is not None:
        runs = runs.filter(project=project)
    is_open = Q(opened_until__isnull=True) | Q(opened_until__lte=now)
    return Endpoint.objects.filter(is_open, Exists(runs)).order_by("pk")


def settings_of(endpoint: Endpoint) -> tuple[Any, ...]:
    """What a line to an endpoint is made of."""
    cipher = bytes(endpoint.key_cipher or b"")
    return endpoint.base_url, endpoint.timeout_seconds, endpoint.key_variable, cipher


def left_alone(endpoint_ids: Iterable[int], now: datetime) -> list[int]:
    """Those of some endpoints that are left alone now, whoever found out that they fail."""
    found = Endpoint.objects.filter(pk__in=list(endpoint_ids), opened_until__gt=now)
    return list(found.values_list("pk", flat=True))
