"""Which models are of one family, by their names: who might favour whose style."""

import re

MAKERS = {
    "gpt": "gpt",
    "chatgpt": "gpt",
    "text-davinci": "gpt",
    "davinci": "gpt",
    "o1": "gpt",
    "o3": "gpt",
    "o4": "gpt",
    "palm": "gemini",
    "bard": "gemini",
    "gemini": "gemini",
    "command": "cohere",
    "mixtral": "mistral",
}


def model_family(name: str) -> str:
    """Name the family of a model: "gpt-4-0613" and "openai/gpt-3.5-turbo" are both "gpt".

    Args:
        name: a model's name, perhaps with its organisation before a slash; "" where unknown.
    Returns:
        The first word of the name in lower case, without version; models of one maker that go by
        several words share one. "" for a name without letters.
    """
    short = re.split(r"[/:]", name.strip().lower())[-1]
    for word, family in MAKERS.items():
        if re.match(rf"{re.escape(word)}(?![a-z])", short):
            return family
    found = re.search(r"[a-z]+", short)
    return found.group() if found else ""


def family_named(family: str | None, model: str | None) -> str | None:
    """The family of a configured judge: what it was said to be, else that of its model.

    Returns:
        None where neither tells, and for who is no configured judge (`model` None).
    """
    if model is None:
        return None
    return (family or "").strip().lower() or model_family(model) or None
