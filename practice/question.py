"""What a request asks, found as any model would have to find it: in its messages."""

import json
import re
from dataclasses import dataclass
from typing import Any

CODE = re.compile(r"code of this call is ([0-9A-Za-z_-]+)\.")


@dataclass(frozen=True)
class Question:
    """A comparison in a request. `answers` maps letters to texts, in the order shown."""

    nonce: str
    asked: str
    answers: dict[str, str]
    reference: str
    rules: str

    @property
    def letters(self) -> list[str]:
        return list(self.answers)


def question_of(request: dict[str, Any]) -> Question | None:
    """Read the material between two equal lines of the user's message; None if it has none."""
    said = {message.get("role"): text_of(message.get("content")) for message in request["messages"]}
    lines = said.get("user", "").split("\n")
    found = CODE.search(lines[0])
    if found is None or len(lines) < 4 or lines[1] != lines[3]:
        return None
    material = json.loads(lines[2])
    return Question(
        nonce=found.group(1),
        asked=text_of(material["conversation"]),
        answers={letter: text_of(answer) for letter, answer in material["answers"].items()},
        reference=text_of(material.get("reference", "")),
        rules=said.get("system", ""),
    )


def text_of(content: Any) -> str:
    """Join the texts of a content: a string, parts, or messages."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(text_of(part.get("content", part.get("text", ""))) for part in content)
    return ""
