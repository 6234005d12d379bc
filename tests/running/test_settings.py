import os
import subprocess
import sys

import pytest
from instances import ROOT

KEY = "k3y-of-many-different-characters-0123456789-abcdefghijkl"
SHOW = "from config import settings; print({})"


def load(var, shown="''", **environment):
    """Import the settings in a process of their own, which sees nothing but this environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(shown)],
        cwd=ROOT, env=kept | {"QUORUM_VAR": str(var)} | environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


class TestSettings:
    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({"DEBUG": "maybe"}, "DEBUG must be 1 or 0, not 'maybe'"),
            ({"DEBUG": "1", "BEHIND_HTTPS": "1"}, "DEBUG is for this machine alone"),
            ({"DEBUG": "1", "ALLOWED_HOSTS": "example.org"}, "DEBUG is for this machine alone"),
            ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts"),
            ({"ALLOWED_HOSTS": "a.org,*.b.org"}, "'*.b.org' is refused"),
            ({"ALLOWED_HOSTS": "https://a.org"}, "ALLOWED_HOSTS holds 'https://a.org'"),
            ({"SECRET_KEY": "short"}, "SECRET_KEY must be at least 50 random characters"),
            ({"SECRET_KEY": "a" * 80}, "SECRET_KEY must be at least 50 random characters"),
            ({"SECRET_KEY": "django-insecure-" + KEY}, "SECRET_KEY must be at least 50 random"),
            ({"DATABASE_URL": "sqlite:///db"}, "DATABASE_URL must name a PostgreSQL server"),
            ({"DATABASE_URL": "postgres://host"}, "DATABASE_URL must name a PostgreSQL server"),
            ({"DATABASE_URL": "postgres://h:x/db"}, "DATABASE_URL must name a PostgreSQL server"),
            ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must name a PostgreSQL server"),
            ({"BROKER_URL": "localhost:6379"}, "BROKER_URL must begin with one of amqp"),
            ({"BROKER_URL": "memory://"}, "BROKER_URL must begin with one of amqp"),
            ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES must be a whole number from 0 to 10"),
            ({"TRUSTED_PROXIES": "٣"}, "TRUSTED_PROXIES must be a whole number from 0 to 10"),
            ({"UPLOAD_LIMIT_MB": "0"}, "UPLOAD_LIMIT_MB must be a whole number from 1"),
            ({"UPLOAD_LIMIT_MB": "1e3"}, "UPLOAD_LIMIT_MB must be a whole number from 1"),
            ({"API_LIMIT_PER_MINUTE": "many"}, "API_LIMIT_PER_MINUTE must be a whole number"),
            ({"QUORUM_VAR": "/dev/null/var"}, "QUORUM_VAR cannot be made: /dev/null/var"),
        ],
    )
    def test_refuses_a_bad_value_in_one_line(self, tmp_path, environment, said):
        done = load(tmp_path, **environment)

        assert done.returncode != 0
        assert done.stderr.startswith("quorum: ")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1

    def test_takes_a_setting_that_is_set_to_nothing_as_not_set(self, tmp_path):
        names = ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "DATABASE_URL", "BROKER_URL")

        done = load(
            tmp_path, "settings.DEBUG, settings.ALLOWED_HOSTS[0]", **dict.fromkeys(names, "")
        )

        assert done.stdout == "False localhost\n"

    def test_makes_a_secret_key_once_and_keeps_it_to_itself(self, tmp_path):
        first, second = (load(tmp_path, "settings.SECRET_KEY").stdout for _ in range(2))

        assert first == second
        assert len(first) > 80
        assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600

    def test_refuses_a_kept_key_that_others_can_read(self, tmp_path):
        load(tmp_path)
        (tmp_path / "secret_key").chmod(0o644)

        assert "others may read" in load(tmp_path).stderr

    def test_refuses_a_kept_key_that_was_cut_short(self, tmp_path):
        (tmp_path / "secret_key").touch(mode=0o600)

        assert "must be at least 50 random characters" in load(tmp_path).stderr

    def test_moves_the_brokers_socket_out_of_a_folder_too_deep_for_one(self, tmp_path):
        deep = tmp_path / ("d" * 100)

        url = load(deep, "settings.CELERY['broker_url']").stdout.strip()

        assert str(deep) not in url
        assert len(url.removeprefix("redis+socket://")) <= 107

    def test_switches_to_real_services_by_url(self, tmp_path):
        done = load(
            tmp_path,
            "settings.DATABASES['default']['HOST'], settings.CELERY['broker_url']",
            DATABASE_URL="postgres://quorum:pw@db.example.org/quorum",
            BROKER_URL="redis://queue.example.org:6379/0",
        )

        assert done.stdout == "db.example.org redis://queue.example.org:6379/0\n"

    def test_has_nothing_left_to_warn_of_behind_https(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--tag", "security",
             "--fail-level", "WARNING"],
            cwd=ROOT, env=os.environ | {"QUORUM_VAR": str(tmp_path), "BEHIND_HTTPS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
