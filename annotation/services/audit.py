from datetime import datetime
from typing import Any

from django.db import connection, transaction

from annotation.domain.content import content_hash
from annotation.models import AuditEvent, User

CHAIN_LOCK = 0x51756F72  # "Quor": one advisory lock for the one chain


def record_event(
    *, actor: User | None, action: str, subject: str, detail: dict[str, Any], now: datetime
) -> AuditEvent:
    """Append one link to the audit chain, in the caller's transaction.

    Links are written one at a time: each digest covers the one before it.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        last = AuditEvent.objects.order_by("-id").first()
        event = AuditEvent(
            actor=actor,
            actor_name=actor.username if actor else "system",
            action=action,
            subject=subject,
            detail=detail,
            happened_at=now,
            previous_digest=bytes(last.digest) if last else b"",
        )
        event.digest = digest_of(event)
        event.save()
        return event


def digest_of(event: AuditEvent) -> bytes:
    """Digest one link: 32 bytes over the digest before it and everything that it says."""
    return content_hash(
        {
            "previous": bytes(event.previous_digest).hex(),
            "actor": event.actor_name,
            "action": event.action,
            "subject": event.subject,
            "detail": event.detail,
            "happened_at": event.happened_at.isoformat(),
        }
    )
