"""What a judge is asked, as plain data."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from annotation.domain.content import content_hash
from annotation.domain.judges.sentences import SENTENCES
from annotation.domain.vocabulary import TemplateKind


@dataclass(frozen=True)
class JudgedCriterion:
    """A criterion as a judge is asked it: as a preference, or rated in whole numbers."""

    key: str
    kind: str
    name: str = ""
    description: str = ""
    scale_min: int = 1
    scale_max: int = 5


@dataclass(frozen=True)
class Template:
    """What a judge is told to do. `instructions` hold no places to fill in."""

    kind: str
    asks_why: bool
    uses_reference: bool
    instructions: str

    @property
    def digest(self) -> bytes:
        """32 bytes that cover all that shapes the request: these fields and Quorum's own rules."""
        return digest_of(self)


@lru_cache(maxsize=256)
def digest_of(template: Template) -> bytes:
    return content_hash(vars(template) | {"rules": SENTENCES})


@dataclass(frozen=True)
class Asked:
    """A comparison as one judge sees it once.

    `prompt` are chat messages. `answers`, 2 to 9 in the order shown, are each content parts or,
    where earlier turns differ between responses, a whole conversation of messages. `reference` is a
    good answer to compare with, as a text or as content parts; templates that do not use one never
    show it.
    """

    prompt: Sequence[Mapping[str, Any]]
    answers: Sequence[Sequence[Mapping[str, Any]]]
    criteria: Sequence[JudgedCriterion] = ()
    context: str = ""
    reference: str | Sequence[Mapping[str, Any]] | None = None
    allows_tie: bool = True
    allows_both_bad: bool = True

    @property
    def places(self) -> range:
        """The places of the answers in the order shown, from 0."""
        return range(len(self.answers))

    @property
    def letters(self) -> str:
        """The labels under which the answers are shown: A for place 0, and so on."""
        return string.ascii_uppercase[: len(self.answers)]


def criteria_of(template: Template, asked: Asked) -> Sequence[JudgedCriterion]:
    """List the criteria that this template asks about."""
    return asked.criteria if template.kind == TemplateKind.CRITERIA else ()
