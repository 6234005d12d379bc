"""Who asks, by `Authorization: Bearer <token>`; cookies and query strings say nothing here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from annotation.domain.tokens import PREFIX, token_digest
from annotation.domain.vocabulary import TokenScope
from annotation.models import ApiToken, User

LONGEST_TOKEN = 200  # characters; ours have 46
NOTED_EVERY = timedelta(minutes=1)
REFUSED = "The token is unknown, expired or revoked."


# Written out, since every request runs it. The clock is the one that leases go by.
BEARER = """
    SELECT quorum_user.*, api_token.id AS token_id, api_token.scope AS token_scope,
           api_token.last_used_at, annotator.id AS annotator_id, clock_timestamp() AS read_at
    FROM api_token JOIN quorum_user ON quorum_user.id = api_token.user_id
    LEFT JOIN annotator ON annotator.user_id = quorum_user.id
    WHERE api_token.digest = %s AND api_token.revoked_at IS NULL AND quorum_user.is_active
      AND (api_token.expires_at IS NULL OR api_token.expires_at > clock_timestamp())
"""


@dataclass(frozen=True)
class Bearer:
    """What a token opens, and who its owner judges as, if they ever did."""

    id: int
    scope: TokenScope
    annotator_id: int | None


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Bearer] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        kind, _, token = header.partition(" ")
        if not header or kind.lower() != "bearer":
            return None
        if not (token.startswith(PREFIX) and token.isascii() and len(token) <= LONGEST_TOKEN):
            raise AuthenticationFailed(REFUSED)
        user = next(iter(User.objects.raw(BEARER, [token_digest(token)])), None)
        if user is None:
            raise AuthenticationFailed(REFUSED)
        _note_use(user.token_id, user.last_used_at, user.read_at)
        request.now = user.read_at
        return user, Bearer(user.token_id, TokenScope(user.token_scope), user.annotator_id)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _note_use(token_id: int, last_used_at: datetime | None, now: datetime) -> None:
    if last_used_at is None or now - last_used_at >= NOTED_EVERY:
        ApiToken.objects.filter(id=token_id).update(last_used_at=now)


class HasScope(BasePermission):
    """The token's scope must include the one that the view names for the method."""

    message = "The token's scope does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.auth:
            return False
        needed = getattr(view, "scopes", {}).get(request.method, TokenScope.READ)
        scopes = list(TokenScope)
        return scopes.index(request.auth.scope) >= scopes.index(needed)
