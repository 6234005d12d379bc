"""Keeps a few processes running: starts again what dies, takes all of them along at the end."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.lifeline import tied_to_parent

LONGEST_LOG = 10 * 2**20  # bytes; a longer one is set aside when its process starts
LONGEST_PAUSE = 30.0  # seconds between two tries to start what keeps dying
STEADY_AFTER = 60.0  # seconds after which a process counts as well again


@dataclass
class Child:
    """One process to keep alive.

    `on_orphaned` is the signal that the kernel sends it when the supervisor dies by kill -9. One
    that serves others is stopped after them.
    """

    name: str
    command: list[str]
    on_orphaned: signal.Signals = signal.SIGKILL
    serves_others: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Keeps its children alive until `stop`. Times are seconds of the monotonic clock."""

    logs: Path
    children: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._launch(child)

    def revive(self) -> list[str]:
        """Look once at every child and start again what died; returns what there is to tell."""
        now, news = time.monotonic(), []
        for child in self.children:
            if child.is_running:
                continue
            if child.process is not None:
                news.append(self._bury(child, now))
            elif now >= child.due:
                self._launch(child)
        return news

    def stop(self, grace: float) -> None:
        """End all children, those that serve others last; kill what outstays `grace` seconds."""
        deadline = time.monotonic() + grace
        for serving in (False, True):
            round_ = [c.process for c in self.children if c.process and c.serves_others is serving]
            for process in round_:
                process.terminate()
            for process in round_:
                try:
                    process.wait(max(deadline - time.monotonic(), 0.5))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _launch(self, child: Child) -> None:
        log = self.logs / f"{child.name}.log"
        if log.exists() and log.stat().st_size > LONGEST_LOG:
            log.rename(log.with_suffix(".old.log"))
        with log.open("ab") as output:
            child.process = subprocess.Popen(
                child.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=os.environ | {"PYTHONUNBUFFERED": "1"}, start_new_session=True,
                preexec_fn=tied_to_parent(child.on_orphaned),
            )  # fmt: skip
        child.started = time.monotonic()

    def _bury(self, child: Child, now: float) -> str:
        assert child.process is not None
        code = child.process.returncode
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        child.failures = 1 if now - child.started > STEADY_AFTER else child.failures + 1
        pause = min(0.5 * 2 ** (child.failures - 1), LONGEST_PAUSE)
        child.process, child.due = None, now + pause
        return f"{child.name} ended ({how}); starting it again in {pause:.1f} s"
