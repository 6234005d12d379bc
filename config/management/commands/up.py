import fcntl
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.utils import OperationalError

from annotation.models import Project
from annotation.selectors.clock import database_now
from annotation.services.demo import is_seeded
from config import demo
from config.embedded import broker, tables
from config.embedded.supervisor import Child, Supervisor

LOOPBACK = "127.0.0.1"
GRACE = 8.0  # seconds that a child gets to finish what it is doing
START_TIMEOUT = 180.0  # seconds until the first page must be there


class Command(BaseCommand):
    help = "Start Quorum: database, broker, web, workers and beat, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=port_number, default=8000, help="port of the pages")
        parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
        parser.add_argument("--demo", action="store_true", help="seed the demo without asking")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        var = Path(settings.VAR)
        supervisor = Supervisor(logs=var / "log")
        with stopped_by_signals(), lone_instance(var):
            refuse_taken_port(host, port)
            try:
                self.start(supervisor, var, host, port, wants_demo=options["demo"])
                self.watch(supervisor)
            except KeyboardInterrupt:
                self.say("\nStopping …")
            finally:
                ignore_signals()
                supervisor.stop(GRACE)
        self.say(f"Stopped. The data stays in {var}")

    def start(
        self, supervisor: Supervisor, var: Path, host: str, port: int, *, wants_demo: bool
    ) -> None:
        self.say("Starting the database …")
        migrate()
        self.offer_demo(wants_demo)
        connection.close()
        if settings.CELERY["broker_url"] == broker.url_under(var):
            self.say("Starting the broker …")
            serve = Child("broker", broker.command_under(var), signal.SIGTERM, serves_others=True)
            supervisor.start(serve)
            broker.wait_until_it_answers(var)
        self.say("Starting web, workers and beat …")
        os.environ["QUORUM_SUPERVISED"] = "1"
        for child in children(var, host, port):
            supervisor.start(child)
        self.wait_for_web(supervisor, host, port)
        shown = "localhost" if host == LOOPBACK else host
        self.say(f"\nQuorum is at http://{shown}:{port}/ (Ctrl-C stops it; logs: {var / 'log'})")

    def offer_demo(self, wanted: bool) -> None:
        if is_seeded():
            self.say("The demo is there. A lost password: python manage.py changepassword USER")
            return
        if not wanted and (Project.objects.exists() or not self.asks_for_demo()):
            return
        self.say("Seeding the demo …")
        passwords = demo.seed(database_now())
        if passwords:
            self.say("\nLogins of the demo, shown this once:")
        for username, password in passwords.items():
            self.say(f"  {username:<12}{password}")

    def asks_for_demo(self) -> bool:
        """Ask whoever sits there; where nobody does, an empty Quorum gets the demo."""
        if not sys.stdin.isatty():
            return True
        self.stdout.write("Seed a demo of real data, with people to log in as? [Y/n] ", ending="")
        self.stdout.flush()
        return sys.stdin.readline().strip().lower() in ("", "y", "yes")

    def wait_for_web(self, supervisor: Supervisor, host: str, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not answers(host, port):
            for news in supervisor.revive():
                self.say(f"{news}; see {supervisor.logs}")
            if time.monotonic() > deadline:
                raise CommandError(f"the web server did not start; see {supervisor.logs}/web.log")
            time.sleep(0.1)

    def watch(self, supervisor: Supervisor) -> None:
        while True:
            for news in supervisor.revive():
                self.say(news)
            time.sleep(0.2)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def children(var: Path, host: str, port: int) -> list[Child]:
    python, celery = [sys.executable, "-m"], ["celery", "-A", "config.celery:app"]
    quiet = ["--loglevel", "WARNING"]
    # One process and no pool: a worker that is killed takes no orphan with it, and needs 100 MB.
    worker = [*python, *celery, "worker", *quiet, "--pool", "solo", "--without-gossip",
              "--without-mingle"]  # fmt: skip
    (var / "beat").mkdir(exist_ok=True)
    n_processes = str(min(os.cpu_count() or 1, 4))
    return [
        Child("web", [*python, "granian", "--interface", "wsgi", "--host", host,
                      "--port", str(port), "--http", "1", "--no-ws", "--workers", n_processes,
                      "--blocking-threads", "4", "--blocking-threads-idle-timeout", "10m",
                      "--respawn-failed-workers", "--workers-kill-timeout", "5",
                      "--log-level", "warning", "config.wsgi:application"]),
        Child("worker", [*worker, "-Q", "celery", "-n", "worker@%h"]),
        Child("worker-long", [*worker, "-Q", "long", "-n", "worker-long@%h"]),
        Child("worker-heavy", [*worker, "-Q", "heavy", "-n", "worker-heavy@%h"]),
        # They share an endpoint's seats: one alone cannot keep a fast endpoint busy.
        *(Child(name, [*worker, "-Q", "judges", "-n", f"{name}@%h"])
          for name in ("worker-judges", "worker-judges-2")),
        Child("beat", [*python, *celery, "beat", *quiet, "--pidfile", "",
                       "-s", str(var / "beat" / "schedule")]),
    ]  # fmt: skip


def migrate() -> None:
    try:
        tables.migrate()
    except OperationalError as error:
        reason = str(error).splitlines()[0]
        raise CommandError(f"the database does not answer: {reason}") from error


def refuse_taken_port(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}); "
            f"choose another port: make run PORT={port + 1}"
        ) from error


def answers(host: str, port: int) -> bool:
    knock = LOOPBACK if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    try:
        with urllib.request.urlopen(f"http://{knock}:{port}/health/", timeout=10):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def port_number(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and 1 <= int(word) <= 65535):
        raise ArgumentTypeError(f"{word!r} is no port; it is a number from 1 to 65535")
    return int(word)


@contextmanager
def lone_instance(var: Path) -> Iterator[None]:
    """Hold this instance's folder for one supervisor."""
    with (var / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Quorum already runs on {var}; a second one needs another QUORUM_VAR"
            ) from None
        yield


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let every polite signal do what Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
