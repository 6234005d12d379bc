"""Fixtures for what runs as processes of its own: embedded services, settings, the supervisor."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from instances import ServerUser, processes_of, wait_until


@pytest.fixture(scope="module")
def make_var():
    """Make folders for instances that every account may pass through, as a checkout's is."""
    made = []

    def make():
        made.append(Path(tempfile.mkdtemp(prefix="quorum-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield make
    for folder in made:
        wait_until(lambda folder=folder: not processes_of(folder))
        shutil.rmtree(folder)


@pytest.fixture
def var(make_var):
    return make_var()


@pytest.fixture
def use_server():
    users = []

    def use(var, command=(sys.executable,), env=None):
        users.append(ServerUser(var, command, env or os.environ.copy()))
        return users[-1]

    yield use
    for user in users:
        user.process.kill()
        user.process.wait()
