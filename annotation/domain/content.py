"""Texts as chat formats hold them: a message has a role and a list of parts.

The parts of a text are kept byte for byte: nothing here trims or normalises.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

ROLES = ("system", "user", "assistant", "tool")
PART_TYPES = ("text", "image")


class Part(TypedDict, total=False):
    type: str
    text: str
    url: str


class Message(TypedDict):
    role: str
    content: list[Part]


def text_part(text: str) -> list[Part]:
    """Wrap one text as the content of a message."""
    return [{"type": "text", "text": text}]


def user_prompt(text: str) -> list[Message]:
    """Turn a prompt given as one string into the conversation that it stands for."""
    return [{"role": "user", "content": text_part(text)}]


def text_of(parts: Sequence[Mapping[str, Any]]) -> str:
    """Join the text parts of a content, byte for byte, in order."""
    return "".join(part["text"] for part in parts if part["type"] == "text")


def chat_content(parts: Sequence[Part]) -> str | list[Part]:
    """Give a content its plainest chat form: a string when it is one text, else its parts."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return list(parts)


def chat_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give each message the `{role, content}` form that trainers read."""
    return [{"role": m["role"], "content": chat_content(m["content"])} for m in messages]


def content_hash(value: Any) -> bytes:
    """Digest a JSON value: 32 bytes, equal for equal values whatever the order of their keys."""
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()
