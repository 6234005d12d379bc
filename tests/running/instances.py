"""What tests of running instances look at: processes, and what an instance's folder holds."""

import subprocess
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# What is waited for comes within seconds; on a machine busy with other things it may take longer.
PATIENCE = 180  # seconds
USES_SERVER = """
import sys
from pathlib import Path
import psycopg
from config.embedded import postgres

places = postgres.ensure_running(Path(sys.argv[1]))
for line in sys.stdin:
    with psycopg.connect(host=str(places.sockets), user="postgres", dbname="quorum") as server:
        found = server.execute(line)
        print(found.fetchone()[0] if found.description else "done", flush=True)
"""


class ServerUser:
    """A process that holds the embedded server for as long as it lives."""

    def __init__(self, var, command, env):
        self.process = subprocess.Popen(
            [*command, "-c", USES_SERVER, str(var)],
            cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def leave(self):
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)


def wait_until(holds, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
    return found


def processes_of(var):
    """Living processes whose command line names a folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "name", "status"])
        if any(str(var) in part for part in process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def server_of(var):
    """The postmaster of an instance, or None."""
    return next((p for p in processes_of(var) if _is_server(p.info)), None)


def _is_server(found):
    return found["name"] == "postgres" and "-k" in found["cmdline"]


def keeper_of(var):
    # What was read when the process was found: by now it may be gone.
    found = (p for p in processes_of(var) if "config.embedded.keeper" in p.info["cmdline"])
    return next(found, None)
