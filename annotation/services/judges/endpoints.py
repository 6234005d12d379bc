"""Endpoints: the servers that judges are asked at. Each change is audited, no key ever is."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from annotation.domain.errors import InvalidField
from annotation.domain.judges.addresses import checked_base_url
from annotation.domain.judges.money import plainly
from annotation.domain.naming import visible_name
from annotation.models import Endpoint, Project, User
from annotation.services.judges import keys, rows

HALF = Decimal("0.5")


@dataclass(frozen=True)
class EndpointDraft:
    """What an endpoint should be. An empty `key` keeps the stored one, `forgets_key` drops it."""

    name: str
    base_url: str
    key_variable: str = ""
    key: str = ""
    forgets_key: bool = False
    max_concurrency: int = 8
    timeout_seconds: int = 60
    takes_batches: bool = False
    batch_price_share: Decimal = HALF

    def __repr__(self) -> str:
        return f"EndpointDraft({self.name!r})"


def add_endpoint(
    *, project: Project, user: User | None, draft: EndpointDraft, now: datetime
) -> Endpoint:
    """Name a server that answers chat completions.

    Raises:
        InvalidField: a field breaks a rule, such as an address that is never asked.
        NameTaken: the project has an endpoint of this name.
    """
    with transaction.atomic():
        rows.lock_project(project=project)
        endpoint = Endpoint(project=project, created_at=now)
        _fill_endpoint(endpoint, draft)
        endpoint.save()
        rows.record_change(
            user=user,
            project=project,
            action="endpoint_added",
            detail=_told_endpoint(endpoint),
            now=now,
        )
    return endpoint


def change_endpoint(
    *, endpoint: Endpoint, user: User | None, draft: EndpointDraft, now: datetime
) -> Endpoint:
    """Change an endpoint. A stored key stays with its address: another address wants it again.

    Raises:
        InvalidField: a field breaks a rule, or the address changes and the key is not given again.
        NameTaken: the project has another endpoint of this name.
    """
    with transaction.atomic():
        rows.lock_project(project=endpoint.project)
        fresh = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        before, old_url = _told_endpoint(fresh), fresh.base_url
        _fill_endpoint(fresh, draft)
        if old_url != fresh.base_url and fresh.key_cipher and not draft.key:
            raise InvalidField(
                "The address changes, so type the key in again: a stored key is never sent to "
                "another address than it was given for.",
                field="key",
            )
        fresh.n_failures, fresh.opened_until, fresh.last_error = 0, None, ""
        fresh.save()
        detail = {"from": before, "to": _told_endpoint(fresh), "key_given": bool(draft.key)}
        rows.record_change(
            user=user, project=fresh.project, action="endpoint_changed", detail=detail, now=now
        )
    return fresh


def _fill_endpoint(endpoint: Endpoint, draft: EndpointDraft) -> None:
    endpoint.name = visible_name(draft.name, field="name", longest=100)
    others = endpoint.project.endpoints.exclude(pk=endpoint.pk)
    if others.filter(name=draft.name).exists():
        raise rows.NameTaken(f"Another endpoint is called “{draft.name}”.", field="name")
    endpoint.base_url = checked_base_url(draft.base_url)
    endpoint.key_variable = keys.checked_variable(draft.key_variable.strip())
    key = keys.checked_key(draft.key)
    if key and (endpoint.key_variable or draft.forgets_key):
        raise InvalidField(
            "Give the key in one way: name a variable, or type it in, or have none.", field="key"
        )
    if key:
        endpoint.key_cipher = keys.encrypted(key)
    elif endpoint.key_variable or draft.forgets_key:
        endpoint.key_cipher = None
    endpoint.max_concurrency = draft.max_concurrency
    endpoint.timeout_seconds = draft.timeout_seconds
    endpoint.takes_batches = draft.takes_batches
    endpoint.batch_price_share = draft.batch_price_share
    rows.check_row(row=endpoint, exclude=("project", "key_cipher"))


def _told_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint for the audit: where its key is, never what it is."""
    names = ("name", "base_url", "key_variable", "max_concurrency", "timeout_seconds")
    told = {name: getattr(endpoint, name) for name in (*names, "takes_batches")}
    return told | {
        "batch_price_share": plainly(endpoint.batch_price_share),
        "has_stored_key": endpoint.key_cipher is not None,
    }
