"""Imports every set of a folder, exports it raw, and compares: python -m benchmarks.round_trip PATH

Texts must come back byte for byte, and every item and vote exactly once. What is compared after
taking one spelling: a vote for one of two responses as `choice` or as `ranking`, a tie's strength
as 0 or as null, an empty object as null, and an aspect without an answer as null or left out.
Runs in the instance that QUORUM_VAR names.
"""

import gzip
import json
import os
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.management import call_command

Row = dict[str, Any]


def send_and_compare(folder: Path) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    differing = 0
    for items in sorted(folder.glob("*.items.jsonl.gz")):
        name = items.name.split(".")[0]
        differing += differences_of(name, items, folder / f"{name}.votes.jsonl.gz")
    print("byte for byte" if not differing else f"{differing} differences")
    return bool(differing)


def differences_of(name: str, items: Path, votes: Path) -> int:
    """Send one set through Quorum and count the rows that come back otherwise."""
    from django.core.management import call_command

    slug = f"round-trip-{name.replace('_', '-')}"
    quiet = StringIO()
    call_command("import_items", slug, str(items), "--create", "--overlap", "0", stdout=quiet)
    call_command("import_judgments", slug, str(votes), stdout=quiet)
    call_command("cut", slug, stdout=quiet)
    with TemporaryDirectory() as place:
        out = Path(place) / "raw"
        call_command("export", slug, "latest", "raw", str(out), stdout=quiet)
        given = {row["id"]: plain_item(row) for row in rows_of(items)}
        back = {row["id"]: plain_item(row) for path in lines(out, "items") for row in rows_of(path)}
        wrong = compare(name, "item", given, back)
        orders = {key: [r["id"] for r in row["responses"]] for key, row in given.items()}
        given = {row["id"]: plain_vote(row, orders) for row in rows_of(votes)}
        back = {
            row["id"]: plain_vote(row, orders)
            for path in lines(out, "votes")
            for row in rows_of(path)
        }
        wrong += compare(name, "vote", given, back)
    return wrong


def lines(out: Path, table: str) -> list[Path]:
    return sorted((out / f"{table}-jsonl").glob("*.jsonl"))


def rows_of(path: Path) -> list[Row]:
    open_file = gzip.open if path.suffix == ".gz" else open
    with open_file(path, "rb") as file:
        return [json.loads(line) for line in file]


def compare(name: str, kind: str, given: dict[str, Row], back: dict[str, Row]) -> int:
    wrong = [key for key in given.keys() | back.keys() if given.get(key) != back.get(key)]
    print(f"{name}: {len(given)} {kind}s in, {len(back)} out, {len(wrong)} differ")
    for key in sorted(wrong)[:3]:
        print(f"  in:  {given.get(key)}\n  out: {back.get(key)}")
    return len(wrong)


def plain_item(row: Row) -> Row:
    return {**row, "meta": row.get("meta") or {}}


def plain_vote(row: Row, orders: dict[str, list[str]]) -> Row:
    """Take one spelling for what can be said in two ways."""
    order = orders[row["item_id"]]
    row = {key: value for key, value in row.items() if value not in (None, {}, "", [])}
    if "aspects" in row:
        row["aspects"] = {name: said for name, said in row["aspects"].items() if said is not None}
    choice = row.pop("choice", None)
    if choice is not None and "ranking" not in row:
        row["ranking"] = [order] if choice == "tie" else [[order[choice]], without(order, choice)]
    if "ranking" in row:
        row["ranking"] = [sorted(tier) for tier in row["ranking"]]
        if len(row["ranking"]) == 1:
            row["strength"] = 0
    return row


def without(order: list[str], place: int) -> list[str]:
    return order[:place] + order[place + 1 :]


if __name__ == "__main__":
    sys.exit(send_and_compare(Path(sys.argv[1])))
