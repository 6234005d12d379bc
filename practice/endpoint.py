"""What the endpoint does with one request, apart from the wire: a request in, a plan out."""

from collections import Counter, deque
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import orjson

from practice import misbehaving
from practice.answering import Answer, answer_to, completion
from practice.batches import Batches
from practice.behaviour import FINE, PACES, RETRIES, Behaviour
from practice.plans import Plan, Request, refusal

MODELS = ("practice-1", "practice-2", "practice-3")


class Endpoint:
    """The state of one endpoint: its behaviour and what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.initial = behaviour
        self.n_open = 0
        self.forget()

    def forget(self) -> None:
        """Behave as at the start, and count from nought but for what is still open."""
        self.behave(self.initial)
        self.n_requests, self.peak = 0, self.n_open
        self.statuses: Counter[int] = Counter()
        self.batches = Batches(self.batched)

    def behave(self, behaviour: Behaviour) -> None:
        self.behaviour, self.since_change = behaviour, 0
        self.random = Random(behaviour.seed)
        self.kept: deque[dict[str, Any]] = deque(maxlen=behaviour.keeps)

    def plan(self, request: Request) -> Plan:
        """Decide what a request meets. Requests to `/practice/…` steer and count nothing."""
        if request.path.startswith("/practice/"):
            return self.steered(request)
        if self.behaviour.key and request.authorization != f"Bearer {self.behaviour.key}":
            return refusal(401, "Incorrect API key provided.")
        if request.path.endswith("/models"):
            listed = [{"id": name, "object": "model", "owned_by": "practice"} for name in MODELS]
            return Plan(body=orjson.dumps({"object": "list", "data": listed}))
        if self.batches.serves(request):
            return self.batches.plan(request, self.behaviour)
        if not request.path.endswith("/chat/completions") or request.method != "POST":
            return refusal(404, "There is /v1/models and /v1/chat/completions here.")
        return self.asked(request)

    def asked(self, request: Request) -> Plan:
        try:
            asked = orjson.loads(request.body)
            asked["messages"][0]["content"]
        except (ValueError, LookupError, TypeError):
            return refusal(400, "Send a JSON object with “model” and “messages”.")
        self.n_requests += 1
        self.since_change += 1
        plan = self.answered(asked, request)
        self.statuses[plan.status] += 1
        self.kept.append(
            {"authorization": request.authorization, "status": plan.status, "body": asked}
        )
        return plan

    def batched(self, asked: dict[str, Any], authorization: str) -> tuple[int, Any]:
        """Answer one line of a batch: a status and a body, which may be no JSON object."""
        self.since_change += 1
        plan = self.answered(asked, Request("POST", "", authorization, b""))
        try:
            return plan.status, orjson.loads(plan.body)
        except orjson.JSONDecodeError:
            return plan.status, plan.body.decode("utf-8", "replace")

    def answered(self, asked: dict[str, Any], request: Request) -> Plan:
        behaviour = self.behaviour
        mode = behaviour.mode_of(str(asked.get("model", "")), self.since_change)
        if behaviour.times is not None and self.since_change > behaviour.times:
            mode = FINE
        if mode.isdecimal() or mode in RETRIES:
            return self.failed(mode)
        if mode == "leaks-key":
            key = request.authorization.removeprefix("Bearer ")
            return refusal(401, misbehaving.LEAK.format(key=key))
        if mode == "html":
            return Plan(200, misbehaving.PAGE, {"content-type": "text/html"}, behaviour.latency)
        body = orjson.dumps(self.body_of(asked, mode))
        if mode == "cut-body":
            body = body[: len(body) // 2]
        delay = behaviour.pause if mode == "slow" else behaviour.latency
        return Plan(200, body, {}, delay, mode if mode in PACES else "")

    def body_of(self, asked: dict[str, Any], mode: str) -> dict[str, Any]:
        answer = answer_to(asked, self.behaviour, self.random)
        if mode in misbehaving.MESSAGES and answer.object:
            said, chances = misbehaving.MESSAGES[mode](answer), misbehaving.chances_in(mode, answer)
            answer = Answer(said, chances, answer.question)
        body = completion(asked, answer, self.n_requests, self.behaviour.has_logprobs)
        return misbehaving.spoiled(body, mode)

    def failed(self, mode: str) -> Plan:
        status = int(mode.partition("-")[0])
        after = RETRIES.get(mode, self.behaviour.retry_after)
        if after == "date":
            after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        headers = {"retry-after": after} if after and status in (429, 503, 529) else {}
        plan = refusal(status, "Practice makes perfect: this error was asked for.")
        return Plan(status, plan.body, headers, self.behaviour.latency)

    def steered(self, request: Request) -> Plan:
        """Serve `/practice/behaviour` (POST settings), `/practice/requests`, `/practice/reset`."""
        if request.path == "/practice/behaviour" and request.method == "POST":
            try:
                self.behave(self.behaviour.changed(**orjson.loads(request.body)))
            except (ValueError, TypeError) as error:
                return refusal(400, str(error))
        elif request.path == "/practice/reset" and request.method == "POST":
            self.forget()
        state = {
            "n_requests": self.n_requests,
            "n_open": self.n_open,
            "peak": self.peak,
            "statuses": {str(status): n for status, n in self.statuses.items()},
            "kept": list(self.kept),
            "batches": self.batches.told(),
            "behaviour": asdict(self.behaviour),
        }
        return Plan(body=orjson.dumps(state))
