"""Leaves a failing endpoint alone, and lets one call through to see whether it is well again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from annotation.domain.judges.patience import OPENS_AT, pause_after, retry_after
from annotation.models import Endpoint
from annotation.services.judges.sending import Blame, Outcome


@dataclass
class Breaker:
    """An endpoint's row while outcomes are counted. `uncounted` are requests that failed with it:
    it is down, so they lose no try."""

    endpoint: Endpoint
    uncounted: set[int]

    def count(self, outcome: Outcome, now: datetime) -> None:
        endpoint = self.endpoint
        if outcome.blame in (Blame.NOBODY, Blame.REQUEST):
            if endpoint.n_failures >= OPENS_AT:
                endpoint.opened_until = None
            endpoint.n_failures, endpoint.last_error = 0, ""
            return
        least = OPENS_AT if outcome.blame == Blame.SETTINGS else 0
        endpoint.n_failures = max(endpoint.n_failures + 1, least)
        endpoint.last_error = outcome.detail[:500]
        if outcome.blame != Blame.ENDPOINT or endpoint.n_failures > OPENS_AT:
            self.uncounted.add(outcome.ticket.request_id)
        asked = retry_after(outcome.retry_after, now) if outcome.blame == Blame.BUSY else None
        self.leave_alone(max(pause_after(endpoint.n_failures), asked or 0.0), now)

    def leave_alone(self, seconds: float, now: datetime) -> None:
        until = now + timedelta(seconds=seconds)
        if seconds and (self.endpoint.opened_until is None or self.endpoint.opened_until < until):
            self.endpoint.opened_until = until


def count_outcomes(outcomes: Sequence[Outcome], now: datetime) -> dict[int, Breaker]:
    """Count failures in a row by endpoint, in the caller's transaction.

    Where nothing failed, now or before, no row is touched.
    """
    sent = [outcome for outcome in outcomes if outcome.is_sent]
    ids = {outcome.ticket.endpoint_id for outcome in sent}
    failed = {
        outcome.ticket.endpoint_id
        for outcome in sent
        if outcome.blame not in (Blame.NOBODY, Blame.REQUEST)
    }
    troubled = Endpoint.objects.filter(pk__in=ids).filter(
        Q(pk__in=failed) | Q(n_failures__gt=0) | ~Q(last_error="")
    )
    breakers = {
        endpoint.pk: Breaker(endpoint, set())
        for endpoint in troubled.select_for_update(no_key=True).order_by("pk")
    }
    for outcome in sent:
        if outcome.ticket.endpoint_id in breakers:
            breakers[outcome.ticket.endpoint_id].count(outcome, now)
    save(breaker.endpoint for breaker in breakers.values())
    return breakers


def save(endpoints: Iterable[Endpoint]) -> None:
    for endpoint in endpoints:
        endpoint.save(update_fields=["n_failures", "opened_until", "last_error"])


def may_send(*, endpoint: Endpoint, now: datetime) -> bool:
    """Whether calls may go to an endpoint that is not left alone now.

    To one that failed too often only one worker may send one call: whoever moves its pause on.
    """
    if endpoint.n_failures < OPENS_AT:
        return True
    until = now + timedelta(seconds=endpoint.timeout_seconds + 10)
    same = Q(opened_until=endpoint.opened_until, n_failures=endpoint.n_failures)
    return bool(Endpoint.objects.filter(same, pk=endpoint.pk).update(opened_until=until))


def leave_unkeyed(*, endpoint: Endpoint, reason: str, now: datetime) -> None:
    """Leave an endpoint alone whose key cannot be read here."""
    n_failures = max(endpoint.n_failures + 1, OPENS_AT)
    Endpoint.objects.filter(pk=endpoint.pk).update(
        n_failures=n_failures,
        opened_until=now + timedelta(seconds=pause_after(n_failures)),
        last_error=reason[:500],
    )
