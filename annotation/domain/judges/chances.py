"""How likely a judge held each verdict, from the log-probabilities of the verdict's token.

Source: methods of swap-averaged judging (sum over the token's variants, renormalise, clip), as in
Zheng et al. (2023), "Judging LLM-as-a-judge", and Liu et al. (2023), "G-Eval", section 2.
"""

import json
import math
from contextlib import suppress
from typing import Any

from annotation.domain.judges.completions import AnswerRejected, content_of
from annotation.domain.judges.questions import Asked, Template
from annotation.domain.judges.reading import object_in
from annotation.domain.judges.schemas import BOTH_BAD, TIE, verdict_words

TOP_LOGPROBS = 10  # how many alternatives to ask a server for at each token
LEAST_CHANCE = 1e-4
LEADS = " \t\r\n\":{,'"  # what a token may hold before the word that it begins
DECODER = json.JSONDecoder()


def chances_of(body: Any, *, template: Template, asked: Asked) -> dict[str, float] | None:
    """Work out the probability of each verdict that was offered, from one answer.

    Args:
        body: the parsed JSON of a chat completion asked with `logprobs` and `top_logprobs`.
    Returns:
        Probabilities by place ("0", "1"), "tie" and "both_bad" where offered: each at least 1e-4,
        together 1. A verdict that is not among the alternatives given has the least. None for more
        than two answers, or where the body has no log-probabilities that fit its message.
    """
    if len(asked.answers) != 2:
        return None
    try:
        content = content_of(body)
        answer = object_in(content)
    except AnswerRejected:
        return None
    words = verdict_words(asked)
    if answer.get("verdict") not in words:
        return None
    start = start_of_value(content, "verdict")
    alternatives = alternatives_at(tokens_of(body), content, start)
    return normalised(mass_of(alternatives, words), words) if alternatives else None


def start_of_value(content: str, wanted: str) -> int:
    """Find where the value of a key of the outermost object begins, past its quotation mark.

    Args:
        content: one JSON object that was parsed strictly.
    """
    at = skip_space(content, content.index("{") + 1)
    while True:
        key, at = DECODER.raw_decode(content, at)
        at = skip_space(content, skip_space(content, at) + 1)
        if key == wanted:
            return at + 1
        _, at = DECODER.raw_decode(content, at)
        at = skip_space(content, skip_space(content, at) + 1)


def skip_space(content: str, at: int) -> int:
    while content[at] in " \t\r\n":
        at += 1
    return at


def tokens_of(body: Any) -> list[dict[str, Any]]:
    """List the tokens of the one choice; none where they are missing or not as they should be."""
    logprobs = body["choices"][0].get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not all(map(is_token, tokens)):
        return []
    return tokens


def is_token(value: Any) -> bool:
    """Say whether a value names a token and its log-probability, as alternatives do too."""
    if type(value) is not dict or type(value.get("token")) is not str:
        return False
    logprob: Any = value.get("logprob")
    return type(logprob) in (float, int) and logprob <= 1e-6  # which NaN is not


def bytes_of(token: dict[str, Any]) -> bytes:
    """Give a token's own bytes, which its text cannot show where it splits a character."""
    listed = token.get("bytes")
    if type(listed) is list:
        with suppress(TypeError, ValueError):  # no bytes
            return bytes(listed)
    return str(token["token"]).encode("utf-8", "replace")


def alternatives_at(tokens: list[dict[str, Any]], content: str, start: int) -> list[dict[str, Any]]:
    """Find the token that holds the character at `start`, and what could have stood there.

    Tokens before and after the message (white space that a server strips, a reasoner's thoughts)
    are allowed; the message itself must be found in them.
    """
    pieces = [bytes_of(token) for token in tokens]
    before = b"".join(pieces).rfind(content.encode())
    if before < 0:
        return []
    goal, end = before + len(content[:start].encode()), 0
    for token, piece in zip(tokens, pieces, strict=True):
        end += len(piece)
        if goal < end:
            others = token.get("top_logprobs")
            listed = others if isinstance(others, list) else []
            return [token, *(other for other in listed if is_token(other))]
    return []


def mass_of(alternatives: list[dict[str, Any]], words: tuple[str, ...]) -> dict[str, float]:
    """Add up the probability of each word over the spellings of its first token."""
    # By their text, because the chosen token is mostly listed again among the alternatives.
    logprobs = {other["token"]: float(other["logprob"]) for other in alternatives}
    mass = dict.fromkeys(words, 0.0)
    for spelling, logprob in logprobs.items():
        if word := word_begun_by(spelling, words):
            mass[word] += math.exp(logprob)
    return mass


def word_begun_by(spelling: str, words: tuple[str, ...]) -> str | None:
    """Name the one word that a token begins, as `"A`, ` A`, `A"}` or `t` do; None if it is none."""
    begun = spelling.lstrip(LEADS)
    bare, quote, _ = begun.partition('"')
    fitting = [
        word for word in words if bare and (word == bare if quote else word.startswith(bare))
    ]
    return fitting[0] if len(fitting) == 1 else None


def normalised(mass: dict[str, float], words: tuple[str, ...]) -> dict[str, float] | None:
    """Make masses add up to 1 with none below the least; what that adds, the largest gives."""
    total = sum(mass.values())
    if not total > 0:
        return None
    chances = {place_of(word): max(mass[word] / total, LEAST_CHANCE) for word in words}
    largest = max(chances, key=chances.__getitem__)
    chances[largest] -= sum(chances.values()) - 1
    return chances


def place_of(word: str) -> str:
    """Name a verdict's word by the place of the answer that it names: "0" for A."""
    return word if word in (TIE, BOTH_BAD) else str("AB".index(word))
