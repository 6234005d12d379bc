"""Chat completions of the practice judge: content by the schema asked for, usage, logprobs."""

import math
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from practice import judging
from practice.behaviour import Behaviour
from practice.question import Question, question_of

TOKEN = re.compile(r"[^\W_]+|_+[^\W_]*|[^\w]+")
MOST_TOKENISED = 100_000  # characters
SPACED_SHARE = 0.02  # of a verdict's probability, on its spelling with a space before it
PLAIN = "I am a practice judge: I answer by rule, and only questions in Quorum's form."


@dataclass
class Answer:
    """One message, with the chances of its verdict's words where it holds a verdict on two."""

    content: str
    chances: dict[str, float] = field(default_factory=dict)
    question: Question | None = None
    object: dict[str, Any] = field(default_factory=dict)


def answer_to(request: dict[str, Any], behaviour: Behaviour, random: Random) -> Answer:
    """Judge what a request asks, in the form that its schema asks for."""
    question = question_of(request)
    schema = (request.get("response_format") or {}).get("json_schema", {}).get("schema")
    if question is None or not schema:
        return Answer(PLAIN)
    seed = request.get("seed")
    filler = Filler(
        question,
        behaviour,
        float(request.get("temperature", 1.0)),
        random if seed is None else Random(f"{seed} {question.asked} {question.answers}"),
    )
    said = filler.object(schema, "")
    return Answer(orjson.dumps(said).decode(), filler.chances, question, said)


@dataclass
class Filler:
    """Fills a schema by the rule; remembers the chances of the overall verdict."""

    question: Question
    behaviour: Behaviour
    temperature: float
    random: Random
    chances: dict[str, float] = field(default_factory=dict)

    def object(self, schema: dict[str, Any], path: str) -> dict[str, Any]:
        asked = schema["properties"]
        if list(asked) == self.question.letters:
            return self.numbers(next(iter(asked.values())), path)
        return {key: self.value(key, part, path) for key, part in asked.items()}

    def value(self, key: str, schema: dict[str, Any], path: str) -> Any:
        if schema["type"] == "object":
            return self.object(schema, key)
        if "enum" in schema:
            return self.word(schema["enum"], key if path else "")
        return self.question.nonce if key == "nonce" else self.why()

    def word(self, words: list[str], aspect: str) -> str:
        if "A" not in words:
            return words[0]
        rated = judging.qualities(self.question, self.behaviour, aspect)
        chances = judging.verdict_chances(rated, words, self.behaviour)
        if not aspect:
            self.chances = chances
        if self.temperature <= 0:
            return max(chances, key=chances.__getitem__)
        return self.random.choices(list(chances), list(chances.values()))[0]

    def numbers(self, scale: dict[str, Any], path: str) -> dict[str, int]:
        """Give each letter its place, or under a criterion that is rated, its rating."""
        aspect = "" if path == "places" else path
        rated = judging.qualities(self.question, self.behaviour, aspect)
        if not aspect or f"- {path}: places" in self.question.rules:
            return judging.places(rated, self.behaviour)
        lowest = scale.get("minimum", min(scale.get("enum", [1])))
        highest = scale.get("maximum", max(scale.get("enum", [5])))
        span = highest - lowest
        return {
            letter: lowest + round(span / (1 + math.exp(4 - value)))
            for letter, value in rated.items()
        }

    def why(self) -> str:
        counts = {
            letter: len(judging.words_of(text)) for letter, text in self.question.answers.items()
        }
        listed = ", ".join(f"{letter} has {n} words" for letter, n in counts.items())
        return f"By the rule “{self.behaviour.rule}”: {listed}."


def completion(
    request: dict[str, Any], answer: Answer, number: int, has_logprobs: bool
) -> dict[str, Any]:
    """Wrap an answer as the body of a chat completion."""
    tokens = TOKEN.findall(answer.content[:MOST_TOKENISED])
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.content, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    if request.get("logprobs") and has_logprobs:
        most = int(request.get("top_logprobs") or 0)
        choice["logprobs"] = {"content": logprobs_of(tokens, answer, most), "refusal": None}
    n_in = sum(len(str(message.get("content", ""))) for message in request["messages"]) // 4 + 4
    return {
        "id": f"practice-{number}",
        "object": "chat.completion",
        "created": 1767225600,
        "model": request.get("model", ""),
        "choices": [choice],
        "usage": {
            "prompt_tokens": n_in,
            "completion_tokens": len(tokens),
            "total_tokens": n_in + len(tokens),
        },
    }


def logprobs_of(tokens: list[str], answer: Answer, most: int) -> list[dict[str, Any]]:
    """List every token with its alternatives; only the verdict's token has any."""
    listed = [token_of(token, -0.001, most) for token in tokens]
    at = next((n for n in reversed(range(len(tokens))) if tokens[n] == "verdict"), None)
    if answer.chances and at is not None:
        listed[at + 2] = verdict_token(tokens[at + 2], answer.chances, most)
    return listed


def verdict_token(chosen: str, chances: dict[str, float], most: int) -> dict[str, Any]:
    spelled = {}
    for word, chance in chances.items():
        begun = TOKEN.findall(word)[0]
        spelled[begun] = math.log(max(chance * (1 - SPACED_SHARE), 1e-30))
        spelled[f" {begun}"] = math.log(max(chance * SPACED_SHARE, 1e-30))
    best = sorted(spelled.items(), key=lambda found: -found[1])[:most]
    token = token_of(chosen, spelled.get(chosen, 0.0), 0)
    return token | {"top_logprobs": [alternative(*found) for found in best]}


def token_of(token: str, logprob: float, most: int) -> dict[str, Any]:
    one = alternative(token, logprob)
    return one | {"top_logprobs": [one] if most else []}


def alternative(token: str, logprob: float) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode("utf-8", "replace")),
    }
