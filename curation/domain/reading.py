"""Reads an item as curation sees it: its distinct texts, and digests of the whole of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from annotation.domain.content import text_of
from curation.domain.duplicates.bare import bare
from curation.domain.texts import item_digest, prompt_text, text_digest


class Said(NamedTuple):
    """What is kept of a text: SHA-256 of it, 32 bytes, of its bare form, and its code points."""

    digest: bytes
    folded: bytes
    n_chars: int


@dataclass(frozen=True, slots=True)
class Reading:
    """An item's texts. `responses` are in the order given; `digest` and `folded` cover all."""

    prompt: Said
    responses: tuple[Said, ...]
    digest: bytes
    folded: bytes


def said(text: str) -> Said:
    """Digest one text."""
    return Said(text_digest(text), text_digest(bare(text)), len(text))


def read_item(
    messages: Sequence[Mapping[str, Any]],
    responses: Sequence[tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]],
) -> Reading:
    """Read an item.

    The text of a response is its answer. One that has a conversation of its own counts in the
    item's digests with all of it, so that items which differ in an earlier turn are not the same.

    Args:
        messages: the item's prompt, `[{"role", "content": [part, …]}]`.
        responses: the content and the own conversation, mostly empty, of each response.

    Raises:
        LookupError, TypeError, ValueError: something stored is no text.
    """
    prompt = said(prompt_text(messages))
    answers = tuple(said(text_of(content)) for content, _ in responses)
    wholes = [
        said(prompt_text(own)) if own else answer
        for answer, (_, own) in zip(answers, responses, strict=True)
    ]
    return Reading(
        prompt,
        answers,
        item_digest(prompt.digest, [whole.digest for whole in wholes]),
        item_digest(prompt.folded, [whole.folded for whole in wholes]),
    )
