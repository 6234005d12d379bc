"""Runs the embedded PostgreSQL for as long as any process holds the users' lock."""

import fcntl
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import psutil

from config.embedded.lifeline import tied_to_parent
from config.embedded.places import (
    Places,
    give_to_account,
    is_closed,
    new_data_shelter,
    places_under,
)
from config.embedded.postgres import SUPERUSER

MOST_FAILED_STARTS = 5
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "timezone": "UTC",
}


def main(var: Path) -> int:
    places = places_under(var)
    with places.keeper_lock.open("w") as keeper, places.users_lock.open("r") as users:
        try:
            fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another keeper is at work
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        give_to_account(places.sockets, places.account)
        _initialise(places)
        failed = _keep(places, users)
        # The next keeper may start as soon as a new user gets in, so this lock goes first.
        fcntl.flock(keeper, fcntl.LOCK_UN)
        return failed


def _keep(places: Places, users: IO[str]) -> int:
    """Serve until the last user is gone; start again what died. Returns 1 if it cannot start."""
    server, started, failures = _start(places), time.monotonic(), 0
    while not _alone(users):
        if server.poll() is not None:
            failures = failures + 1 if time.monotonic() - started < 10 else 1
            if failures > MOST_FAILED_STARTS:
                return 1
            time.sleep(0.2 * failures)
            server, started = _start(places), time.monotonic()
        time.sleep(0.2)
    server.send_signal(signal.SIGINT)
    server.wait()
    return 0


def _alone(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _initialise(places: Places) -> None:
    """Make the data folder, whole or not at all: a killed initdb leaves one that cannot start."""
    link = places.var / "postgres"
    if link.exists():
        return
    closed = places.account is not None and is_closed(places.var)
    home = new_data_shelter(places.var) if closed else places.var
    for leftover in home.glob("unfinished-*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=home) as folder:
        Path(folder).chmod(0o755)
        unfinished = Path(folder) / "postgres"
        give_to_account(unfinished, places.account)
        subprocess.run(
            [places.binaries / "initdb", "-D", unfinished, "-U", SUPERUSER, "-A", "trust",
             "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
             "--data-checksums"],
            check=True, stdout=subprocess.DEVNULL, **_as_account(places),
        )  # fmt: skip
        unfinished.rename(home / "postgres")
    if closed:
        link.unlink(missing_ok=True)  # a link whose target was removed
        link.symlink_to(home / "postgres")


def _as_account(places: Places) -> dict[str, Any]:
    if places.account is None:
        return {"cwd": "/"}
    entry = pwd.getpwnam(places.account)
    return {"cwd": "/", "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _start(places: Places) -> subprocess.Popen[bytes]:
    data = places.data
    _wait_until_unused(data)
    (data / "postmaster.pid").unlink(missing_ok=True)
    options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    return subprocess.Popen(
        [places.binaries / "postgres", "-D", data, "-k", places.sockets, *options],
        preexec_fn=tied_to_parent(signal.SIGINT), start_new_session=True, **_as_account(places),
    )  # fmt: skip


def _wait_until_unused(data: Path) -> None:
    """Wait for a server that is still shutting down.

    Its pid file does not tell: the pid may by now mean another process, or a dead one that nobody
    has collected. Every process of a server works in its data folder.
    """
    while any(_works_in(process, data) for process in psutil.process_iter()):
        time.sleep(0.1)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return process.cwd() == str(data) and process.name().startswith("postgres")
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
