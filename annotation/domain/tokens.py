"""API tokens: what is shown once, and what is stored."""

import hashlib
import secrets

PREFIX = "qm_"


def new_token() -> str:
    """Make a token with 256 random bits, recognisable by its prefix."""
    return PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Digest a token for storage: 32 bytes. A plain hash suffices, since a token is all entropy."""
    return hashlib.sha256(token.encode()).digest()
