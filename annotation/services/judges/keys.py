"""The keys of endpoints: named in the environment, or kept encrypted. Shown to nobody again."""

import base64
import os
import re

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from annotation.domain.errors import DomainError, InvalidField
from annotation.models import Endpoint

# Only variables of this name are read: no other secret of the server can be sent to an endpoint.
VARIABLE = re.compile(r"JUDGE_KEY_[A-Z0-9_]{1,80}")
PURPOSE = b"quorum: keys of judges' endpoints, 1"
LONGEST = 2000


class KeyMissing(DomainError):
    """The endpoint's key cannot be read, so nothing can be asked of it."""

    code, status = "key_missing", 409


def key_of(endpoint: Endpoint) -> str:
    """Read the key to send to an endpoint; "" for one that needs none.

    Raises:
        KeyMissing: the environment variable is not set here or holds no key, or the stored key
            cannot be decrypted.
    """
    if endpoint.key_variable:
        return _from_environment(endpoint.key_variable)
    return _decrypted(bytes(endpoint.key_cipher)) if endpoint.key_cipher else ""


def encrypted(key: str) -> bytes:
    """Encrypt a key for storage under the server's SECRET_KEY."""
    return _box().encrypt(key.encode())


def checked_variable(name: str) -> str:
    """Check the name of an environment variable that holds a key.

    Raises:
        InvalidField: it is not one that is meant for endpoints.
    """
    if name and not VARIABLE.fullmatch(name):
        raise InvalidField(
            "The variable's name starts with JUDGE_KEY_ and holds capitals, digits and _ only, "
            "such as JUDGE_KEY_OPENAI, so that no other secret of the server is ever sent away.",
            field="key_variable",
        )
    return name


def checked_key(key: str) -> str:
    """Check a key that somebody typed: it goes into a header, so one line of visible ASCII.

    Raises:
        InvalidField: it holds anything else; the sentence does not repeat it.
    """
    key = key.strip()
    if len(key) > LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidField(
            "A key is one line of plain letters without spaces; copy it again.", field="key"
        )
    return key


def _from_environment(name: str) -> str:
    key = os.environ.get(name, "").strip() if VARIABLE.fullmatch(name) else ""
    if not key:
        raise KeyMissing(
            f"The environment variable {name} is not set; set it for web and workers, and start "
            "them again.",
            field="key_variable",
        )
    try:
        return checked_key(key)
    except InvalidField:
        raise KeyMissing(
            f"The environment variable {name} does not hold a key: one line of plain letters "
            "without spaces. Set it again for web and workers, and start them again.",
            field="key_variable",
        ) from None


def _decrypted(cipher: bytes) -> str:
    try:
        return _box().decrypt(cipher).decode()
    except InvalidToken:
        # From nothing: the cipher has no place in a traceback.
        raise KeyMissing(
            "The stored key was encrypted under another SECRET_KEY and cannot be read; type it in "
            "again on the endpoint's page.",
            field="key",
        ) from None


def _box() -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(settings.SECRET_KEY.encode())))
