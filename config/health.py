"""`/health/`: what is alive and what is not. Here, as it asks both apps and the broker."""

from dataclasses import replace
from datetime import datetime, timedelta

import kombu
from django.conf import settings
from django.db import Error
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from annotation.domain.vocabulary import MOST_TRIES
from annotation.selectors import health, judge_requests
from annotation.selectors.clock import database_now
from annotation.selectors.health import Part, State
from curation.models import Intake
from curation.selectors import progress, queues

VERSIONS_LATE_AFTER = timedelta(minutes=10)
JUDGES_LATE_AFTER = timedelta(minutes=12)  # longer than the slowest answer that is waited for
READING_LATE_AFTER = timedelta(minutes=5)
EMBEDDING_LATE_AFTER = timedelta(hours=1)  # a large import takes its time without a GPU
PATIENCE = 1  # seconds that the broker gets for each step of an answer


@never_cache
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    parts = all_parts()
    answer = {"status": verdict_on(parts), "parts": {part.name: part.state for part in parts}}
    # Without the database nobody can be known, so nobody is told details.
    lost = parts[0].state is State.DOWN
    if not lost and request.user.is_authenticated and request.user.is_staff:
        if "text/html" in request.headers.get("Accept", ""):
            return render(request, "health.html", answer | {"parts": parts})
        answer["details"] = {part.name: part.detail for part in parts}
    return JsonResponse(answer, status=503 if lost else 200)


def verdict_on(parts: list[Part]) -> str:
    return "ok" if all(part.state is State.OK for part in parts) else "degraded"


def all_parts() -> list[Part]:
    """The database first; what it knows of the others only where it answers."""
    try:
        now = database_now()
        known = (
            health.background_parts(now)
            + health.work_parts(now)
            + [
                versions_part(now),
                judges_part(now),
                *texts_parts(now),
            ]
        )
    except Error:
        return [Part("database", State.DOWN, "It does not answer."), broker_part()]
    return [Part("database", State.OK, "It answers."), broker_part(), *known]


def versions_part(now: datetime) -> Part:
    waiting_since = queues.waiting_versions().aggregate(at=Min("created_at"))["at"]
    return health.work_part("versions", waiting_since, now, VERSIONS_LATE_AFTER)


def judges_part(now: datetime) -> Part:
    """Whether judges are asked; endpoints that are left alone hold up only what is theirs."""
    part = health.work_part("judges", judge_requests.waiting_since(), now, JUDGES_LATE_AFTER)
    n = judge_requests.endpoints_left_alone(now)
    told = f" {n} endpoint{'s' if n > 1 else ''} left alone for a while after failures."
    return replace(part, detail=part.detail + told) if n else part


def texts_parts(now: datetime) -> list[Part]:
    """The reader of new items, and the embedding with its speed of the last minutes."""
    unread = Intake.objects.filter(tries__lt=MOST_TRIES).order_by("pk").values_list("queued_at")
    speed = progress.speed(now)
    since = now - speed.oldest if speed.oldest is not None else None
    embedding = health.work_part("embedding", since, now, EMBEDDING_LATE_AFTER)
    told = f"{embedding.detail} {speed.per_second:.1f} texts/s over the last minutes."
    return [
        health.work_part("reading", next(iter(unread[:1]), (None,))[0], now, READING_LATE_AFTER),
        replace(embedding, detail=told),
    ]


def broker_part() -> Part:
    """Knock at the broker. One that is dead, or silent, costs a few seconds and no more."""
    limits = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    try:
        with kombu.Connection(
            settings.CELERY["broker_url"], connect_timeout=PATIENCE, transport_options=limits
        ) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
    except (OSError, OperationalError) as error:
        return Part("broker", State.DOWN, f"It does not answer: {error}")
    return Part("broker", State.OK, "It answers.")
