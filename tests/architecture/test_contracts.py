import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class TestContracts:
    def test_no_room_imports_what_it_must_not_know(self):
        done = subprocess.run(
            [BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stdout

    def test_every_model_change_has_its_migration(self):
        done = subprocess.run(
            [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stdout + done.stderr
