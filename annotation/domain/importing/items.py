"""The item of the interchange schema: one prompt with 2 to 9 responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from annotation.domain.content import Message, Part, user_prompt
from annotation.domain.importing import checks
from annotation.domain.importing.refusals import LineRefused

RESPONSES_MIN, RESPONSES_MAX = 2, 9
ITEM_KEYS = frozenset({"id", "source", "prompt", "messages", "responses", "meta"})
RESPONSE_KEYS = frozenset({"id", "text", "model", "messages", "author", "revision_of"})


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    external_id: str
    content: list[Part]
    messages: list[Message]
    model_name: str
    author: str
    revision_of: str
    metadata: dict[str, Any]
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class ItemRecord:
    line: int
    external_id: str
    messages: list[Message]
    responses: list[ResponseRecord]
    metadata: dict[str, Any]
    content_hash: bytes


def digest(value: Any) -> bytes:
    """Equal to `content.content_hash` where the value holds no fractions; several times faster."""
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()


def item_of(record: Mapping[str, Any], line: int) -> ItemRecord:
    """Check one record against the schema. Not one byte of a text is changed.

    Keys of a response that the schema does not know are kept in its metadata; an unknown key of
    the item is refused.

    Raises:
        LineRefused: names the field and the rule.
    """
    checks.only_known(record, ITEM_KEYS)
    messages = prompt_of(record)
    responses = responses_of(record)
    external_id = checks.name_at(record, "id")
    return ItemRecord(
        line, external_id, messages, responses, metadata_of(record), item_hash(messages, responses)
    )


def item_hash(messages: list[Message], responses: list[ResponseRecord]) -> bytes:
    """Digest what an annotator reads: 32 bytes over the prompt and the answers in their order."""
    seen = sha256(digest(messages))
    for response in responses:
        seen.update(response.content_hash)
        if response.messages:
            seen.update(digest(response.messages))
    return seen.digest()


def prompt_of(record: Mapping[str, Any]) -> list[Message]:
    if (record.get("prompt") is None) == (record.get("messages") is None):
        raise LineRefused(
            "prompt_or_messages", "Give either “prompt” or “messages”, and only one.", "prompt"
        )
    if record.get("prompt") is not None:
        prompt = checks.text_at(record, "prompt")
        if not prompt:
            raise LineRefused("empty", "The prompt is empty.", "prompt")
        return user_prompt(prompt)
    messages = checks.messages_of(record["messages"], "messages")
    if messages[-1]["role"] != "user":
        raise LineRefused("ends_without_user", "It must end with the user's turn.", "messages")
    if all(part["type"] == "text" and not part["text"] for part in messages[-1]["content"]):
        raise LineRefused("empty", "The last turn of the user is empty.", "messages")
    return messages


def metadata_of(record: Mapping[str, Any]) -> dict[str, Any]:
    metadata = checks.object_at(record, "meta")
    if (source := checks.optional_name_at(record, "source")) == "":
        return metadata
    if metadata.get("source", source) != source:
        raise LineRefused("contradiction", "“source” and “meta.source” differ.", "source")
    return metadata | {"source": source}


def responses_of(record: Mapping[str, Any]) -> list[ResponseRecord]:
    if "responses" not in record:
        raise LineRefused("missing_field", "“responses” is missing.", "responses")
    values = record["responses"]
    if type(values) is not list:
        raise checks.wrong_type(values, "a list", "responses")
    if not RESPONSES_MIN <= len(values) <= RESPONSES_MAX:
        raise LineRefused(
            "response_count",
            f"An item has {RESPONSES_MIN} to {RESPONSES_MAX} responses, not {len(values)}.",
            "responses",
        )
    found = [response_of(value, f"responses.{place}.", place) for place, value in enumerate(values)]
    names = [response.external_id for response in found]
    for place, response in enumerate(found):
        if response.external_id in names[:place]:
            raise LineRefused(
                "duplicate_id",
                f"Two responses are called “{response.external_id}”.",
                f"responses.{place}.id",
            )
        if response.revision_of and response.revision_of not in names[:place]:
            raise LineRefused(
                "unknown_response",
                f"No earlier response of the item is called “{response.revision_of}”.",
                f"responses.{place}.revision_of",
            )
    return found


def response_of(value: Any, within: str, place: int) -> ResponseRecord:
    if type(value) is not dict:
        raise checks.wrong_type(value, "an object", within[:-1])
    text = checks.text_at(value, "text", within + "text")
    content: list[Part] = [{"type": "text", "text": text}]
    own = value.get("messages")
    return ResponseRecord(
        external_id=(
            checks.name_at(value, "id", within + "id") if "id" in value else f"response-{place + 1}"
        ),
        content=content,
        messages=[] if own is None else checks.messages_of(own, within + "messages"),
        model_name=checks.optional_name_at(value, "model", within + "model"),
        author=checks.optional_name_at(value, "author", within + "author"),
        revision_of=checks.optional_name_at(value, "revision_of", within + "revision_of"),
        metadata={key: kept for key, kept in value.items() if key not in RESPONSE_KEYS},
        content_hash=digest(content),
    )
