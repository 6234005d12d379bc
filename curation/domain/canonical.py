"""The one spelling of a value that is hashed, and the names that follow from it."""

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from annotation.domain.consensus import DECIMALS


def canonical_json(value: Any) -> str:
    """Spell a JSON value: keys sorted, no spaces, text as it is.

    Numbers that were imported keep their shortest exact decimal form; what is computed here is
    scaled to whole numbers first (`scaled`), so that no last digit of a computation is hashed.

    Raises:
        ValueError: NaN or an infinity, which JSON does not know.
    """
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def digest_of(value: Any) -> str:
    """Digest a JSON value: 64 hex digits, equal for equal values whatever the order of keys."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def root_of(row_hashes: Iterable[str]) -> bytes:
    """Digest a set of rows: 32 bytes over their sorted hashes, whatever their order and files."""
    root = hashlib.sha256()
    for row_hash in sorted(row_hashes):
        root.update(bytes.fromhex(row_hash))
    return root.digest()


def scaled(number: float | None) -> int | None:
    """Turn a rounded computed number into a whole number of 10**-DECIMALS; None stays None."""
    return (
        None if number is None else int(Decimal(repr(number)).scaleb(DECIMALS).to_integral_value())
    )


def unscaled(number: int | None) -> float | None:
    """Undo `scaled` exactly."""
    return None if number is None else float(Decimal(number).scaleb(-DECIMALS))


def pseudonym_of(name: str, key: bytes) -> str:
    """Name a person so that nobody without the key can tell who they are: `human-<16 hex>`."""
    return f"human-{hashlib.blake2b(name.encode(), key=key, digest_size=8).hexdigest()}"
