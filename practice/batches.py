"""Batches of the practice endpoint: files taken and given, answered at once or after a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from practice.batch_files import Answered, Files, spoiled
from practice.behaviour import Behaviour
from practice.plans import Plan, Request, refusal

Answer = Callable[[dict[str, Any], str], tuple[int, Any]]
BEFORE_IT_STARTS = ("failed",)


@dataclass
class Batch:
    """A batch, as it was asked for and as it went."""

    id: str
    asked: dict[str, Any]
    mode: str
    authorization: str
    is_over_at: float
    lines: list[dict[str, Any]]
    status: str = "in_progress"
    files: Files = field(default_factory=Files)

    def shown(self) -> dict[str, Any]:
        n_total, kept = len(self.lines), self.files
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.asked.get("endpoint"),
            "completion_window": self.asked.get("completion_window"),
            "input_file_id": self.asked.get("input_file_id"),
            "metadata": self.asked.get("metadata"),
            "created_at": 1767225600,
            "status": self.status,
            "output_file_id": f"{self.id}-output" if kept.output else None,
            "error_file_id": f"{self.id}-errors" if kept.errors else None,
            "errors": self.errors(),
            "request_counts": {
                "total": n_total, "completed": kept.n_completed, "failed": kept.n_failed,
            },
        }  # fmt: skip

    def errors(self) -> dict[str, Any] | None:
        if self.status != "failed":
            return None
        told = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}
        return {"object": "list", "data": [told]}


class Batches:
    """All files and batches of an endpoint."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.uploads: dict[str, bytes] = {}
        self.batches: dict[str, Batch] = {}
        self.n_made = self.n_cut = 0

    def serves(self, request: Request) -> bool:
        return any(f"/{kind}" in request.path for kind in ("files", "batches"))

    def told(self) -> list[dict[str, Any]]:
        return [batch.shown() for batch in self.batches.values()]

    def plan(self, request: Request, behaviour: Behaviour) -> Plan:
        """Serve /files and /batches."""
        address = urlsplit(request.path)
        kind, *names = address.path.partition("/v1/")[2].strip("/").split("/")
        if not behaviour.has_batches:
            return refusal(404, f"There is no /v1/{kind} here.")
        if kind == "files":
            return self.file(request, names, behaviour)
        if names:
            return self.batch(request, names)
        if request.method == "POST":
            return self.made(request, behaviour)
        return self.listed(parse_qs(address.query))

    def file(self, request: Request, names: list[str], behaviour: Behaviour) -> Plan:
        if not names and request.method == "POST":
            name = f"file-{len(self.uploads) + 1}"
            self.uploads[name] = uploaded(request.body)
            return shown({"id": name, "object": "file", "bytes": len(self.uploads[name])})
        if request.method == "DELETE":
            self.uploads.pop(names[0], None)
            return shown({"id": names[0], "object": "file", "deleted": True})
        content = self.content(names[0])
        if content is None:
            return refusal(404, f"No such File object: {names[0]}")
        is_cut = behaviour.batch == "cut" and self.is_met(self.n_cut, behaviour)
        self.n_cut += 1
        return Plan(
            body=content,
            headers={"content-type": "application/octet-stream"},
            pace="cut" if is_cut else "",
        )

    def content(self, name: str) -> bytes | None:
        batch = self.batches.get(name.rpartition("-")[0])
        if batch is None:
            return self.uploads.get(name)
        return batch.files.output if name.endswith("-output") else batch.files.errors

    def is_met(self, n_before: int, behaviour: Behaviour) -> bool:
        return behaviour.batch_times is None or n_before < behaviour.batch_times

    def made(self, request: Request, behaviour: Behaviour) -> Plan:
        asked = orjson.loads(request.body)
        content = self.uploads.get(asked.get("input_file_id"))
        if content is None:
            return refusal(400, "Invalid input file.")
        is_met = self.is_met(self.n_made, behaviour)
        mode = behaviour.batch if is_met else "fine"
        self.n_made += 1
        if mode == "refused":
            return refusal(400, "Batches are not for this model.")
        batch = Batch(
            f"batch_{self.n_made}",
            asked,
            mode,
            request.authorization,
            time.monotonic() + behaviour.batch_seconds,
            [orjson.loads(line) for line in content.splitlines()],
        )
        self.batches[batch.id] = batch
        plan = shown(batch.shown() | {"status": "validating"})
        return Plan(body=plan.body, pace="hangs") if mode == "unheard" else plan

    def batch(self, request: Request, names: list[str]) -> Plan:
        batch = self.batches.get(names[0])
        if batch is None:
            return refusal(404, f"No batch found with id '{names[0]}'.")
        if names[1:] == ["cancel"] and batch.status == "in_progress":
            self.end(batch, "cancelled")
        elif batch.status == "in_progress" and time.monotonic() >= batch.is_over_at:
            self.end(batch, "completed")
        return shown(batch.shown())

    def end(self, batch: Batch, status: str) -> None:
        """Answer what it asks: half of it where it does not come to its end."""
        batch.status = batch.mode if batch.mode in ("expired", "failed") else status
        if batch.mode in BEFORE_IT_STARTS:
            return
        n_answered = len(batch.lines) if batch.status == "completed" else len(batch.lines) // 2
        answered = [
            Answered(line["custom_id"], *self.answer(line["body"], batch.authorization))
            for line in batch.lines[:n_answered]
        ]
        left = [line["custom_id"] for line in batch.lines[n_answered:]]
        batch.files = spoiled(answered, left, batch.status, batch.mode)

    def listed(self, wanted: dict[str, list[str]]) -> Plan:
        newest = list(reversed(self.batches.values()))
        ids = [batch.id for batch in newest]
        after = wanted.get("after", [""])[0]
        start = ids.index(after) + 1 if after in ids else 0
        page = newest[start : start + int(wanted.get("limit", ["20"])[0])]
        return shown(
            {
                "object": "list",
                "data": [batch.shown() for batch in page],
                "has_more": start + len(page) < len(newest),
            }
        )


def shown(value: dict[str, Any]) -> Plan:
    return Plan(body=orjson.dumps(value))


def uploaded(body: bytes) -> bytes:
    """The file in a form that is sent."""
    boundary = body.partition(b"\r\n")[0]
    for part in body.split(boundary)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return content.removesuffix(b"\r\n")
    return b""
