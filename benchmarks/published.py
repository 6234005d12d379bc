"""All published figures that our statistics must give back from the same votes.

    python -m benchmarks.published FOLDER

Exits with 1 on any difference.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import published_agreement, published_rankings


def check(folder: Path) -> int:
    failed = published_agreement.check(folder)
    if (folder / "llmfao.votes.jsonl.gz").exists():
        print("llmfao rankings")
        failed |= published_rankings.check(folder)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    sys.exit(check(parser.parse_args().folder))
