"""The embedded PostgreSQL: started when first needed, stopped when its last user is gone.

Every process that uses it holds a shared lock on one file for as long as it lives. A keeper process
runs the server and stops it once it gets that lock for itself. The kernel drops a lock with its
holder, so a user that was killed counts as gone.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import IO

import psycopg

from config.embedded.places import Places, places_under

DATABASE = "quorum"
SUPERUSER = "postgres"
START_TIMEOUT = 120.0  # seconds; crash recovery of a large database takes its time

_held: dict[Path, IO[str]] = {}
_holding = threading.Lock()


class DidNotStart(psycopg.OperationalError):
    """The embedded server does not come up; the message names its log."""


class Server(Enum):
    """What a knock at the server's socket finds."""

    ABSENT = "nobody listens"
    BUSY = "it is starting or stopping"
    READY = "it takes connections"


def ensure_running(var: Path) -> Places:
    """Return once the server below `var` answers and stays up for as long as this process lives.

    Raises:
        DidNotStart: it cannot start, or takes longer than START_TIMEOUT.
    """
    places = places_under(var)
    with _holding:
        _hold(var, places)
    deadline = time.monotonic() + START_TIMEOUT
    keeper: subprocess.Popen[bytes] | None = None
    while (found := _knock(places)) is not Server.READY:
        if keeper is not None and keeper.poll():
            raise DidNotStart(f"the embedded PostgreSQL did not start; see {places.log}")
        if time.monotonic() > deadline:
            raise DidNotStart(f"the embedded PostgreSQL is not ready yet; see {places.log}")
        if found is Server.ABSENT and (keeper is None or keeper.poll() == 0):
            time.sleep(0.3 if keeper else 0)  # another process's keeper is about to start it
            keeper = _start_keeper(places)
        time.sleep(0.03)
    _create_database(places)
    return places


def is_held(var: Path) -> bool:
    """Whether this process has already asked for the server below `var`."""
    return var in _held


def release(var: Path) -> None:
    """Give up this process's hold; the server stops when no other process holds it."""
    if lock := _held.pop(var, None):
        lock.close()


def _hold(var: Path, places: Places) -> None:
    if var in _held:
        return
    lock = places.users_lock.open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)  # waits here while a keeper is shutting its server down
    _held[var] = lock


def _start_keeper(places: Places) -> subprocess.Popen[bytes]:
    with places.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "config.embedded.keeper", str(places.var)],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("PG")},
        )


def _knock(places: Places) -> Server:
    try:
        _connect(places, "postgres").close()
    except psycopg.OperationalError as refusal:
        said = str(refusal)  # libpq gives no SQLSTATE for a refused connection
        if "FATAL:" not in said:
            return Server.ABSENT
        waits = ("starting up", "shutting down", "not yet accepting", "recovery mode")
        return Server.BUSY if any(words in said for words in waits) else Server.READY
    return Server.READY


def _connect(places: Places, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(places.sockets), user=SUPERUSER, dbname=database, autocommit=True,
        connect_timeout=5,
    )  # fmt: skip


def _create_database(places: Places) -> None:
    with _connect(places, "postgres") as server:
        found = server.execute("select 1 from pg_database where datname = %s", [DATABASE])
        if found.fetchone() is None:
            # A process that started at the same moment may have been faster.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                server.execute(f'create database "{DATABASE}"')
