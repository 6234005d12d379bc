"""The README's commands, one after the other, where nothing runs and nothing was ever set up."""

import os
import subprocess
import sys

import pytest
from instances import ROOT

pytestmark = pytest.mark.slow
ITEM = '{"id": "a", "prompt": "Hi?", "responses": [{"text": "one"}, {"text": "two"}]}\n'
VOTE = '{"item_id": "a", "annotator": "p1", "kind": "human", "choice": 0}\n'


def manager_of(var):
    """Run commands of an instance: manage("cut", "haiku")."""
    env = {**os.environ, "QUORUM_VAR": str(var), "DATABASE_URL": "", "BROKER_URL": ""}

    def manage(*words):
        return subprocess.run(
            [sys.executable, "manage.py", *map(str, words)],
            cwd=ROOT, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return manage


@pytest.fixture(scope="module")
def manage_nothing(make_var):
    return manager_of(make_var())


class TestTheCommands:
    def test_lead_from_files_to_an_export_on_a_machine_where_nothing_runs(self, var, tmp_path):
        manage = manager_of(var)
        (tmp_path / "items.jsonl").write_text(ITEM)
        (tmp_path / "votes.jsonl").write_text(VOTE)

        for words in (
            ("import_items", "haiku", tmp_path / "items.jsonl", "--create"),
            ("import_judgments", "haiku", tmp_path / "votes.jsonl"),
            ("curate", "haiku"),
            ("cut", "haiku"),
            ("export", "haiku", "1", "trl-preference", tmp_path / "out"),
            ("rebuild",),
            ("verify",),
        ):
            ran = manage(*words)
            assert ran.returncode == 0, ran.stderr

        assert (tmp_path / "out" / "README.md").is_file()

    @pytest.mark.parametrize(
        "words",
        [
            ("cut", "nope"),
            ("export", "nope", "1", "raw", "out"),
            ("curate", "nope"),
            ("changepassword", "nobody"),
            ("issue_token", "nobody", "--scope", "read"),
        ],
    )
    def test_say_in_one_line_what_is_not_there(self, manage_nothing, words):
        ran = manage_nothing(*words)

        assert ran.returncode == 1
        assert "nope" in ran.stderr or "nobody" in ran.stderr
        assert "Traceback" not in ran.stderr
