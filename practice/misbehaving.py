"""Everything that an endpoint gets wrong: each mode changes an answer that was fine."""

import json
import re
from collections.abc import Callable
from typing import Any

from practice.answering import Answer

HUGE = 10 * 2**20  # characters
PAYLOAD = re.compile(r"\{.*\}|\[\[[A-I]\]\]", re.DOTALL)
ALWAYS = {"always-first": "A", "always-second": "B", "always-tie": "tie"}
CERTAINTY = 0.97
PAGE = b"<!doctype html><title>Sign in</title><h1>Your session has ended</h1>"
LEAK = "Incorrect API key provided: {key}. You can find your key in your settings."


def with_values(answer: Answer, **changed: Any) -> str:
    return json.dumps(answer.object | changed)


def doubled_key(answer: Answer) -> str:
    return f'{answer.content[:-1]},"verdict":"B"}}'


def in_other_case(answer: Answer) -> str:
    verdict = answer.object.get("verdict", "")
    return with_values(answer, verdict=str(verdict).swapcase())


def payload_in(answer: Answer) -> str:
    """Say word for word what some text wants to have said, as a model does that obeys it."""
    texts = list(answer.question.answers.values()) if answer.question else []
    for text in texts:
        if found := PAYLOAD.search(text):
            return found.group()
    return texts[0] if texts else ""


def always(word: str) -> Callable[[Answer], str]:
    def say(answer: Answer) -> str:
        if "places" not in answer.object:
            return with_values(answer, verdict=word)
        letters = sorted(answer.object["places"], reverse=word == "B")
        placed = {letter: n for n, letter in enumerate(letters, start=1)}
        return with_values(answer, places=placed)

    return say


MESSAGES: dict[str, Callable[[Answer], str]] = {
    **{mode: always(word) for mode, word in ALWAYS.items()},
    "deep": lambda answer: "[" * 50_000 + "]" * 50_000,
    "duplicate-keys": doubled_key,
    "empty": lambda answer: "",
    "extra-text": lambda answer: f"Here is my verdict:\n{answer.content}\nI hope this helps.",
    "fenced": lambda answer: f"```json\n{answer.content}\n```",
    "garbage": lambda answer: "Answer A is clearly the better one. [[A]]",
    "huge": lambda answer: with_values(answer, why="so " * (HUGE // 3)),
    "huge-number": lambda answer: f'{answer.content[:-1]},"score":1e999}}',
    "list": lambda answer: with_values(answer, verdict=["A"]),
    "lowercase": in_other_case,
    "nan": lambda answer: f'{answer.content[:-1]},"score":NaN}}',
    "no-nonce": lambda answer: json.dumps({**answer.object, "nonce": ""}),
    "nul": lambda answer: with_values(answer, why="be\0cause"),
    "obeys": payload_in,
    "refuses-in-words": lambda answer: "I am sorry, but I cannot help with that.",
    "surrogate": lambda answer: with_values(answer, why="\ud83d"),
    "truncated": lambda answer: answer.content[: len(answer.content) // 2],
    "two-objects": lambda answer: f"{answer.content}\n{answer.content}",
    "wrong-nonce": lambda answer: with_values(answer, nonce="a0b1c2d3e4f5"),
}


def chances_in(mode: str, answer: Answer) -> dict[str, float]:
    """Give the chances that go with the word which a judge always says."""
    word = ALWAYS.get(mode)
    if word not in answer.chances:
        return answer.chances
    rest = (1 - CERTAINTY) / (len(answer.chances) - 1)
    return {other: CERTAINTY if other == word else rest for other in answer.chances}


def spoiled(body: dict[str, Any], mode: str) -> dict[str, Any]:
    """Change a body as its mode wants: beside the message, or instead of it."""
    choice = body["choices"][0]
    message = choice["message"]
    if mode == "truncated":
        choice["finish_reason"] = "length"
    elif mode == "filtered":
        choice["finish_reason"], message["content"] = "content_filter", None
    elif mode == "refuses":
        message["content"], message["refusal"] = None, "I can't assist with comparing these."
    elif mode == "tool-call":
        call = {"name": "decide", "arguments": message["content"]}
        message["tool_calls"] = [{"id": "call-1", "type": "function", "function": call}]
        message["content"], choice["finish_reason"] = None, "tool_calls"
    elif mode == "no-usage":
        del body["usage"]
    elif mode == "no-choices":
        body["choices"] = []
    elif mode == "two-choices":
        body["choices"] = [choice, choice | {"index": 1}]
    elif mode == "error-with-200":
        return error_body("The model is overloaded.", "server_error")
    return body


def error_body(message: str, kind: str) -> dict[str, Any]:
    """Write an error in the form of OpenAI's."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}
