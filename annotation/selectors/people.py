from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from axes.models import AccessAttempt
from django.conf import settings

from annotation.domain.vocabulary import TokenScope
from annotation.models import Annotator, ApiToken, Membership, Project, User


@dataclass(frozen=True)
class TokenRow:
    """A token as its owner may see it: never the key, never its digest."""

    id: int
    name: str
    prefix: str
    scope: TokenScope
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    state: str


def tokens_of(user: User, now: datetime) -> list[TokenRow]:
    """A person's own tokens, newest first; those that open nothing any more come last."""
    rows = [_row(token, now) for token in user.tokens.order_by("-id").defer("digest")]
    return sorted(rows, key=lambda row: row.state != "active")


def _row(token: ApiToken, now: datetime) -> TokenRow:
    expired = token.expires_at is not None and token.expires_at <= now
    state = "revoked" if token.revoked_at else "expired" if expired else "active"
    return TokenRow(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        scope=TokenScope(token.scope),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        state=state,
    )


def login_wait(username: str, address: str | None, now: datetime) -> int:
    """Minutes until this person may try to log in again from this address, at least 1."""
    cooloff: timedelta = settings.AXES_COOLOFF_TIME
    failed = AccessAttempt.objects.filter(username=username, ip_address=address)
    last = failed.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    left = (last or now) + cooloff - now
    return max(ceil(left.total_seconds() / 60), 1)


def annotator_id_of(user: User) -> int:
    """The id that a person judges under; 0, which nobody has, before their first judgment."""
    return Annotator.objects.filter(user=user).values_list("id", flat=True).first() or 0


def members_of(project: Project) -> list[Membership]:
    """The people of a project with their logins, by name."""
    return list(project.memberships.select_related("user").order_by("user__username"))
