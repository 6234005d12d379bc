"""A question to an LLM judge: pure data in, a chat out, and nothing that a text could break out of.

The system message holds instructions only. Everything that others wrote travels as values of one
JSON object on one line of the user message, so no text can begin a line, close a tag or pass for a
turn of the chat; the lines around it carry a boundary that is new for each call, and the answer
must repeat a nonce that no text can know.
"""

import hashlib
import json
import re
import secrets
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from annotation.domain.content import chat_content, chat_messages, content_hash
from annotation.domain.judges.escaping import escaped
from annotation.domain.judges.questions import Asked as Asked
from annotation.domain.judges.questions import JudgedCriterion as JudgedCriterion
from annotation.domain.judges.questions import Template as Template
from annotation.domain.judges.questions import criteria_of
from annotation.domain.judges.rules import rules_for
from annotation.domain.judges.schemas import schema_of
from annotation.domain.judges.sentences import SENTENCES

NONCE = re.compile(r"[0-9A-Za-z_-]{10,64}")
NONCE_LENGTH = 12  # 60 bits: nobody guesses it in the one try that a call gives
MOST_ANSWERS = 9


@dataclass(frozen=True)
class Chat:
    """The part of a chat-completions request that asks the question."""

    messages: list[dict[str, str]]
    response_format: dict[str, Any]


def new_nonce() -> str:
    """Draw what one call's answer must repeat. Never use one twice."""
    return b32encode(secrets.token_bytes(8))[:NONCE_LENGTH].decode().lower()


def chat_of(template: Template, asked: Asked, *, nonce: str) -> Chat:
    """Write the request.

    Args:
        nonce: from `new_nonce`; 10 to 64 letters, digits, "-" or "_", unknown to whoever wrote the
            texts.
    Raises:
        ValueError: the nonce has another form, or stands in the material, or there are not 2 to 9
            answers.
    """
    if not 2 <= len(asked.answers) <= MOST_ANSWERS:
        raise ValueError(f"a judge compares 2 to {MOST_ANSWERS} answers")
    material = encoded(material_of(template, asked))
    if not NONCE.fullmatch(nonce) or nonce in material:
        raise ValueError("the nonce must be 10 to 64 letters and digits that no text contains")
    boundary = boundary_of(nonce, material)
    opening, closing = (SENTENCES[name].format(nonce=nonce) for name in ("opening", "closing"))
    return Chat(
        messages=[
            {"role": "system", "content": system_message(template, bare(asked))},
            {
                "role": "user",
                "content": "\n".join((opening, boundary, material, boundary, closing)),
            },
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "verdict",
                "strict": True,
                "schema": schema_for(template, bare(asked)),
            },
        },
    )


def cache_key(
    *,
    model_name: str,
    temperature: float,
    max_tokens: int,
    seed: int | None,
    sample: int,
    reads_logprobs: bool,
    template: Template,
    asked: Asked,
    base_url: str = "",
) -> bytes:
    """Digest what an answer depends on: 32 bytes, equal for the same question asked again.

    The nonce and the boundary are not in it. Name the `base_url` where answers of one endpoint must
    not stand for those of another: two endpoints may call different models by one name.
    """
    return content_hash(
        {
            "base_url": base_url,
            "model_name": model_name,
            "temperature": float(temperature),
            "max_tokens": max_tokens,
            "seed": seed,
            "sample": sample,
            "reads_logprobs": reads_logprobs,
            "system": system_message(template, bare(asked)),
            "material": material_of(template, asked),
            "schema": schema_for(template, bare(asked)),
            "digest": template.digest.hex(),
        }
    )


def bare(asked: Asked) -> Asked:
    """A question without its texts: all that instructions and schema depend on, and hashable."""
    return Asked(
        prompt=(),
        answers=((),) * len(asked.answers),
        criteria=tuple(asked.criteria),
        allows_tie=asked.allows_tie,
        allows_both_bad=asked.allows_both_bad,
    )


@lru_cache(maxsize=256)
def schema_for(template: Template, asked: Asked) -> dict[str, Any]:
    """As `schema_of`, of a bare question. Not to be changed."""
    return schema_of(template, asked)


@lru_cache(maxsize=256)
def system_message(template: Template, asked: Asked) -> str:
    """Of a bare question: join the instructions, Quorum's own rules and the criteria."""
    criteria = [
        {
            "key": criterion.key,
            "name": criterion.name or criterion.key,
            "description": criterion.description,
        }
        for criterion in criteria_of(template, asked)
    ]
    said = [template.instructions.strip(), *rules_for(template, asked)]
    if criteria:
        said.append(f"{SENTENCES['listed']}\n{encoded(criteria)}")
    return "\n\n".join(said)


def material_of(template: Template, asked: Asked) -> dict[str, Any]:
    """Gather what is judged as a JSON value, in the order in which it is read."""
    material: dict[str, Any] = {"conversation": chat_messages(asked.prompt)}  # type: ignore[arg-type]
    if asked.context:
        material["context"] = asked.context
    if template.uses_reference and asked.reference is not None:
        material["reference"] = (
            asked.reference if isinstance(asked.reference, str) else shown(asked.reference)
        )
    material["answers"] = {
        letter: shown(answer) for letter, answer in zip(asked.letters, asked.answers, strict=True)
    }
    return material


def shown(content: Sequence[Mapping[str, Any]]) -> Any:
    """Give content parts, or a conversation of messages, the form that chat formats have."""
    if content and "role" in content[0]:
        return chat_messages(content)  # type: ignore[arg-type]
    return chat_content(content)  # type: ignore[arg-type]


def encoded(value: Any) -> str:
    """Write a JSON value on one line, without any character that could act on a reader."""
    return escaped(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def boundary_of(nonce: str, material: str) -> str:
    """Derive a boundary line that does not occur in the material, in one way from the nonce.

    A reader who knows the boundary cannot work out the nonce from it.
    """
    tries = 0
    while (mark := _mark(nonce, tries)) in material:
        tries += 1
    return f"material {mark}"


def _mark(nonce: str, tries: int) -> str:
    return hashlib.sha256(f"boundary {tries} {nonce}".encode()).hexdigest()[:20]
