"""Starts whole instances, as `make run` does, and treats them badly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import psutil
import psycopg
import pytest
from instances import PATIENCE, ROOT, processes_of, wait_until

from config.embedded.places import places_under

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Instance:
    """A running `manage.py up`, its output, and what its pages and its database say."""

    def __init__(self, var, port=None, demo=True):
        self.var, self.port = var, port or free_port()
        self.output = var.parent / f"{var.name}.out"
        var.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), *["--demo"] * demo],
                cwd=ROOT,
                env={k: v for k, v in os.environ.items() if k != "BROKER_URL"}
                | {"QUORUM_VAR": str(var)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self):
        return self.output.read_text()

    def has_started(self):
        assert self.process.poll() is None, self.said
        return f"Quorum is at http://localhost:{self.port}/" in self.said

    def open(self, path, **options):
        return urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=60, **options)

    def health(self):
        return json.load(self.open("/health/"))

    def is_well(self):
        try:
            return self.health()["status"] == "ok"
        except OSError:  # its web server is being started again
            return False

    def ask(self, sql):
        sockets = str(places_under(self.var).sockets)
        with psycopg.connect(host=sockets, user="postgres", dbname="quorum") as server:
            found = server.execute(sql)
            return found.fetchone()[0] if found.description else None

    def child(self, word):
        """The oldest process of this instance whose command line holds a word."""
        found = [
            p
            for p in wait_until(lambda: self.descendants())
            if any(word in part for part in p.cmdline())
        ]
        return min(found, key=lambda p: p.create_time())

    def descendants(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=PATIENCE)
        self.output.unlink(missing_ok=True)
        return code


def started(var, **options):
    instance = Instance(var, **options)
    wait_until(instance.has_started, seconds=2 * PATIENCE)
    return instance


@pytest.fixture(scope="module")
def instance(make_var):
    """One instance for the tests that leave it as they found it."""
    instance = started(make_var())
    yield instance
    instance.stop()


class TestUp:
    def test_finds_the_demo_again_after_a_kill_and_stops_within_seconds(self, var):
        first = started(var)
        wait_until(first.is_well)
        password = password_of("ann", first)
        assert "ann" in home_of("ann", password, first)
        n_judgments = first.ask("select count(*) from judgment")
        assert n_judgments > 1000

        family = first.descendants()
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not any(is_alive(process) for process in family))
        wait_until(lambda: not processes_of(var))

        again = started(var, port=first.port)
        assert again.ask("select count(*) from judgment") == n_judgments
        assert "ann" in home_of("ann", password, again)
        assert "Logins of the demo" not in again.said
        wait_until(again.is_well)

        family = again.descendants()
        asked_at = time.monotonic()
        assert again.stop() == 0
        assert time.monotonic() - asked_at < 60  # 5 on a machine of its own
        wait_until(lambda: not any(is_alive(process) for process in family))
        wait_until(lambda: not processes_of(var))

    @pytest.mark.parametrize(
        "word",
        ["valkey-server", "worker@%h", "worker-long@%h", "worker-judges@%h", "beat", "granian"],
    )
    def test_brings_back_what_is_killed_and_loses_no_work(self, instance, word):
        wait_until(instance.is_well)
        victim = instance.child(word)

        instance.ask("update comparison set stale_since = now()")
        victim.kill()

        undone = "select count(*) from comparison where stale_since is not null"
        wait_until(lambda: instance.ask(undone) == 0)
        wait_until(instance.is_well)
        assert instance.child(word).pid != victim.pid
        assert instance.process.poll() is None

    def test_tells_strangers_no_details_about_its_health(self, instance):
        wait_until(instance.is_well)

        answer = instance.health()

        assert set(answer) == {"status", "parts"}
        assert set(answer["parts"].values()) == {"ok"}

    def test_keeps_answering_about_its_health_while_the_broker_hangs(self, instance):
        wait_until(instance.is_well)

        instance.child("valkey-server").suspend()
        try:
            assert instance.health()["parts"]["broker"] == "down"
        finally:
            instance.child("valkey-server").resume()

        wait_until(instance.is_well)

    def test_runs_beside_another_in_a_folder_with_an_odd_name(self, instance, var):
        other = started(var.joinpath("a b", *["a folder with a long name"] * 6), demo=False)

        wait_until(other.is_well)
        wait_until(instance.is_well)
        other.ask("create table mine (id int)")
        assert instance.ask("select to_regclass('mine')") is None
        assert other.stop() == 0

    def test_says_in_one_line_that_it_runs_already(self, instance):
        said = refusal_of(instance.var, "--port", str(free_port()))

        assert said == (
            f"CommandError: Quorum already runs on {instance.var}; "
            "a second one needs another QUORUM_VAR"
        )

    def test_says_in_one_line_that_the_port_is_taken(self, var):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            said = refusal_of(var, "--port", str(port))

        assert said == (
            f"CommandError: cannot listen on 127.0.0.1:{port} (Address already in use); "
            f"choose another port: make run PORT={port + 1}"
        )


def password_of(username, instance):
    return re.search(rf"^  {username} +(\S+)$", instance.said, re.MULTILINE)[1]


def home_of(username, password, instance):
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    address = f"http://localhost:{instance.port}"
    form = browser.open(f"{address}/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
    fields = {"csrfmiddlewaretoken": token, "username": username, "password": password}
    answer = browser.open(f"{address}/login/", urlencode(fields).encode())
    assert answer.url == f"{address}/"
    return answer.read().decode()


def is_alive(process):
    return process.is_running() and process.status() != "zombie"


def refusal_of(var, *options):
    """The one line that `up` ends with."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", *options],
        cwd=ROOT, env=os.environ | {"QUORUM_VAR": str(var)}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr.strip()
