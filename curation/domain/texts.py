"""What counts as the text of a prompt, and when two texts are the same."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annotation.domain.content import text_of


def prompt_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Give a conversation as one text.

    Args:
        messages: `[{"role", "content": [part, …]}]`.

    Returns:
        A single user message byte for byte; a longer conversation as "role: text" paragraphs.
    """
    if len(messages) == 1 and messages[0]["role"] == "user":
        return text_of(messages[0]["content"])
    return "\n\n".join(f"{said['role']}: {text_of(said['content'])}" for said in messages)


def folded(text: str) -> str:
    """Write a text so that spelling variants of the same characters are equal.

    NFC, case folded, and every run of white space one space; the ends are trimmed.
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def text_digest(text: str) -> bytes:
    """Digest a text: SHA-256 of its UTF-8 bytes, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def item_digest(prompt: bytes, responses: Iterable[bytes]) -> bytes:
    """Digest an item from the digests of its texts, whatever the order of its responses.

    Args:
        prompt: digest of the prompt's text, 32 bytes.
        responses: digest of each response's text; one that is there twice counts twice.

    Returns:
        32 bytes, equal for items that are exact duplicates.
    """
    return hashlib.sha256(b"".join([prompt, *sorted(responses)])).digest()
