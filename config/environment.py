"""Reads settings from the environment. A bad or unsafe value stops the start with one line."""

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
BROKERS = {"redis", "rediss", "redis+socket", "amqp", "amqps"}


def refuse(sentence: str) -> SystemExit:
    return SystemExit(f"quorum: {sentence}")


def text(name: str) -> str:
    """The value, "" where it is not set; one that is set to nothing counts as not set."""
    return os.environ.get(name, "").strip()


def flag(name: str) -> bool:
    word = text(name).lower()
    if word and word not in TRUE | FALSE:
        raise refuse(f"{name} must be 1 or 0, not {word!r}")
    return word in TRUE


def number(name: str, default: int, *, least: int, most: int) -> int:
    word = text(name) or str(default)
    if not (word.isascii() and word.isdecimal() and least <= int(word) <= most):
        raise refuse(f"{name} must be a whole number from {least} to {most}, not {word!r}")
    return int(word)


def device(name: str) -> str:
    """A device as torch names it; "" lets the process choose."""
    word = text(name)
    if word and not re.fullmatch(r"cpu|(cuda|xpu)(:[0-9]{1,3})?|mps", word):
        raise refuse(f"{name} must be cpu, cuda, cuda:N, xpu or mps, not {word!r}")
    return word


def hosts(name: str) -> list[str]:
    """The host names that pages are served under; this machine only where none is named."""
    listed = [host.strip() for host in text(name).split(",") if host.strip()] or LOOPBACK
    for host in listed:
        if "*" in host:
            raise refuse(f"{name} must name the hosts that serve Quorum; {host!r} is refused")
        if urlsplit(f"//{host}").netloc != host or any(mark in host for mark in "/@ "):
            raise refuse(f"{name} holds {host!r}; a host is a name such as quorum.example.org")
    return listed


def folder(name: str, default: Path) -> Path:
    """A folder that this process may write in, made if need be."""
    path = Path(text(name) or default).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(f"{name} cannot be made: {path} ({error.strerror})") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise refuse(f"{name} cannot be written: {path}")
    return path


def database(name: str) -> dict[str, Any] | None:
    """The PostgreSQL server that a URL names; None where none is set."""
    url = text(name)
    if not url:
        return None
    refused = refuse(f"{name} must name a PostgreSQL server: postgres://user:password@host/name")
    if urlsplit(url).scheme not in {"postgres", "postgresql"}:
        raise refused
    try:
        found: dict[str, Any] = environ.Env.db_url_config(url)
    except ValueError as error:  # a port that is no number
        raise refused from error
    if not found["NAME"]:
        raise refused
    return found


def broker(name: str, default: str) -> str:
    url = text(name) or default
    if urlsplit(url).scheme not in BROKERS:
        raise refuse(f"{name} must begin with one of {', '.join(sorted(BROKERS))}, then ://")
    return url


def secret_key(name: str, var: Path) -> str:
    """The key from the environment, else one made for this instance and kept in its folder."""
    kept, key = var / "secret_key", text(name)
    where = name
    if not key:
        if not kept.exists():
            _make_key(kept)
        where, key = str(kept), kept.read_text().strip()
        if kept.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise refuse(f"others may read {kept}; make a new key by removing it, or chmod 600")
    if len(key) < 50 or len(set(key)) < 10 or "insecure" in key.lower():
        raise refuse(f"{where} must be at least 50 random characters")
    return key


def _make_key(kept: Path) -> None:
    unfinished = kept.with_suffix(f".{secrets.token_hex(4)}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(secrets.token_urlsafe(64))
    with suppress(FileExistsError):  # a process that started at the same moment was faster
        kept.hardlink_to(unfinished)
    unfinished.unlink()
