"""The practice endpoint in a process of its own, for tests, benchmarks and whoever tries it out."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from practice.behaviour import Behaviour

ROOT = Path(__file__).resolve().parent.parent


class Practice:
    """A running endpoint. `url` is what a client takes as its base URL."""

    def __init__(self, running: subprocess.Popen[bytes], url: str) -> None:
        self.running, self.url = running, url

    def behave(self, **settings: Any) -> None:
        """Change settings of `Behaviour`; what is not named stays as it is."""
        Behaviour().changed(**settings)  # says here what is wrong
        self.call("behaviour", settings)

    def reset(self) -> None:
        """Behave as at the start and forget all requests."""
        self.call("reset", {})

    @property
    def state(self) -> dict[str, Any]:
        """`n_requests`, `n_open` now, `peak` open at once, `statuses`, `kept`, `batches`,
        `behaviour`."""
        return self.call("requests")

    @property
    def requests(self) -> int:
        """How many chat completions were asked for since the start or the last reset."""
        return int(self.state["n_requests"])

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The last requests as parsed JSON, as many as the setting `keeps` says."""
        return [kept["body"] for kept in self.state["kept"]]

    def call(self, name: str, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if settings is None else json.dumps(settings).encode()
        address = f"{self.url.removesuffix('/v1')}/practice/{name}"
        # No proxy of the environment may stand between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, data, timeout=30) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def stop(self) -> None:
        """End the process. Safe to repeat."""
        if self.running.stdin and not self.running.stdin.closed:
            self.running.stdin.close()  # it follows its standard input
        try:
            self.running.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()
        if self.running.stdout:
            self.running.stdout.close()

    def __enter__(self) -> "Practice":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def start(port: int = 0, **settings: Any) -> Practice:
    """Start an endpoint and wait until it listens; it ends with the process that started it.

    Args:
        port: where on 127.0.0.1; 0 takes a free one.
        settings: of `practice.behaviour.Behaviour`.
    """
    Behaviour().changed(**settings)
    running = subprocess.Popen(
        [sys.executable, "-m", "practice", "--port", str(port), "--settings", json.dumps(settings),
         "--until-input-ends"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdout is not None
    url = running.stdout.readline().decode().strip()
    if not url.startswith("http"):
        running.kill()
        raise RuntimeError(f"the practice endpoint does not start on port {port}")
    return Practice(running, url)
