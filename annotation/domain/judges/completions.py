"""The body of a chat completion: the one finished message in it, or why there is none."""

from typing import Any, TypeGuard

from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.domain.vocabulary import AnswerStatus

LONGEST_BODY = 4 * 2**20  # bytes
DETAIL_MAX = 300
MOST_TOKENS = 2**31 - 1
FINISHED = ("stop", "eos_token", "end_turn")  # what servers call an end that the model chose


class AnswerRejected(Exception):
    """The answer is none; carries the status that it gets and a line that says why."""

    def __init__(self, detail: str, status: AnswerStatus = AnswerStatus.MALFORMED) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail[:DETAIL_MAX]


def body_of(raw: bytes) -> Any:
    """Parse the body of an HTTP answer strictly; None where it is no JSON or over 4 MiB."""
    if len(raw) > LONGEST_BODY:
        return None
    try:
        return loads_strict(raw)
    except LineRefused:
        return None


def usage_of(body: Any) -> tuple[int, int] | None:
    """Find the tokens of the question and of the answer; None where the body does not say."""
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None
    tokens_in, tokens_out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return (tokens_in, tokens_out) if is_count(tokens_in) and is_count(tokens_out) else None


def is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MOST_TOKENS


def content_of(body: Any) -> str:
    """Find the text of the one finished message in a body.

    Raises:
        AnswerRejected: with the status refused, filtered, truncated or malformed.
    """
    choice = only_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise AnswerRejected("The answer holds no message.")
    if message.get("refusal"):
        raise AnswerRejected("The model refused to answer.", AnswerStatus.REFUSED)
    check_finish(choice.get("finish_reason"))
    if message.get("role", "assistant") != "assistant":
        raise AnswerRejected("The message is not the assistant's.")
    if message.get("tool_calls") or message.get("function_call"):
        raise AnswerRejected("The model called a tool instead of answering.")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise AnswerRejected("The message is empty.")
    if usage_of(body) is None:
        raise AnswerRejected("The answer does not say how many tokens it used.")
    return content


def only_choice(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise AnswerRejected("The endpoint did not answer with a JSON object.")
    choices = body.get("choices")
    if body.get("error") or not isinstance(choices, list):
        raise AnswerRejected("The endpoint answered with no choices.")
    if len(choices) != 1 or not isinstance(choices[0], dict):
        raise AnswerRejected(f"One choice was asked for, {len(choices)} came.")
    return choices[0]


def check_finish(reason: Any) -> None:
    if reason == "length":
        raise AnswerRejected("The answer was cut off at its longest.", AnswerStatus.TRUNCATED)
    if reason == "content_filter":
        raise AnswerRejected("The endpoint's filter stopped the answer.", AnswerStatus.FILTERED)
    if reason not in FINISHED:
        raise AnswerRejected("The answer does not say that it is finished.")
