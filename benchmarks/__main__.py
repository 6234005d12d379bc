"""`python -m benchmarks [NAME…]`: run every module here that has a `main`, each in a process."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    """Modules here that can be run, in the order of the alphabet."""
    files = sorted(file for file in HERE.glob("*.py") if not file.name.startswith("_"))
    return [file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf-8")]


def main(wanted: list[str]) -> int:
    if unknown := set(wanted) - set(names()):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
        return 2
    environment = {"QUORUM_VAR": f"{tempfile.gettempdir()}/quorum-bench"} | os.environ
    failed = []
    for name in wanted or names():
        print(f"\n== {name}", flush=True)
        start = f"import sys, benchmarks.{name} as chosen; sys.exit(chosen.main())"
        if subprocess.run(
            [sys.executable, "-c", start], cwd=HERE.parent, env=environment
        ).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
