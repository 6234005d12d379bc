"""Makes the demo's files from the whole sets: `python demo/make_subset.py FOLDER`.

FOLDER holds the sets as `<set>.items.jsonl.gz` and `<set>.votes.jsonl.gz`, in the schema that
Quorum imports. Which items are taken depends on their ids alone, so it makes the same files again.
"""

import gzip
import hashlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HERE = Path(__file__).resolve().parent
GENTLE_TOPICS = ("Is the school uniform", "William Farquhar", "Is it better to have a lousy father")
RUDE = re.compile(
    r"\b(stupid|idiot|dumb|hell|damn|shit|fuck|crap|bitch|ass|suck\w*|kill\w*|rape\w*|abus\w*|sex\w*|"
    r"drunk\w*|alcohol\w*|gay|porn\w*|gang\w*|prostitut\w*|drugs?|violen\w*|beat\w*|hitler|nazi\w*|"
    r"cult|moron\w*|retard\w*|racis\w*|die|dead|suicid\w*|jail|murder\w*|slut\w*|whore\w*)\b",
    re.IGNORECASE,
)
PARTLY_JUDGED, UNJUDGED = 0.15, 0.15  # shares of the items whose votes are left out, to open slots


def read(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def write(path: Path, rows: Iterable[Row]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    # No time and no name in the header: the same rows give the same bytes.
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def chance(key: str) -> float:
    """A number in [0, 1) that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") / 2**56


def is_gentle(item: Row) -> bool:
    texts = [response["text"] for response in item["responses"]]
    return (
        item["prompt"].startswith(GENTLE_TOPICS)
        and all(80 <= len(text) <= 700 for text in texts)
        and not any(RUDE.search(text) for text in texts)
    )


def is_substantial(item: Row) -> bool:
    texts = [response["text"] for response in item["responses"]]
    return len(set(texts)) == len(texts) and all(len(text) >= 20 for text in texts)


def without_rude_reasons(vote: Row) -> Row:
    return vote | {"rationale": None} if RUDE.search(vote["rationale"] or "") else vote


def open_slots(items: list[Row], votes: Iterable[Row]) -> Iterator[Row]:
    """Leave out the human votes of some items and all but one of others."""
    first: set[str] = set()
    wanted = {item["id"]: chance("open " + item["id"]) for item in items}
    for vote in votes:
        place = wanted.get(vote["item_id"])
        if place is None:
            continue
        if vote["kind"] == "human" and place < UNJUDGED + PARTLY_JUDGED:
            if place < UNJUDGED or vote["item_id"] in first:
                continue
            first.add(vote["item_id"])
        yield vote


def spread(items: Iterable[Row], n: int) -> list[Row]:
    """Take n items, as evenly as may be from each prompt's first line."""
    by_topic: defaultdict[str, list[Row]] = defaultdict(list)
    for item in sorted(items, key=lambda item: chance(item["id"])):
        by_topic[item["prompt"].split("\n")[0]].append(item)
    rounds = [row for rank in zip_all(by_topic.values()) for row in rank]
    return sorted(rounds[:n], key=lambda item: chance("order " + item["id"]))


def zip_all(lists: Iterable[list[Row]]) -> Iterator[list[Row]]:
    lists = [list(rows) for rows in lists]
    for place in range(max(map(len, lists))):
        yield [rows[place] for rows in lists if place < len(rows)]


def make(source: Path, name: str, n: int, keep: Callable[[Row], bool]) -> None:
    items = spread(filter(keep, read(source / f"{name}.items.jsonl.gz")), n)
    votes = open_slots(items, read(source / f"{name}.votes.jsonl.gz"))
    write(HERE / f"{name}.items.jsonl.gz", items)
    write(HERE / f"{name}.votes.jsonl.gz", map(without_rude_reasons, votes))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    make(folder, "ukpconvarg1", 150, is_gentle)
    make(folder, "pandalm", 120, is_substantial)
    make(folder, "squality", 50, is_substantial)
