"""Imports every set of a data folder with its votes and checks what came out against what is in it.

For each set it counts items, prompts, votes and annotators in the database, compares the counts
with the table in the folder's README, and reads every text back to compare it byte for byte.

    python -m benchmarks.shared_data PATH
"""

import gzip
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

ROW = re.compile(
    r"^\| (?P<set>\w+) \| (?P<items>\d+) \((?P<prompts>\d+)\) \| (?P<human>\d+) \((?P<people>\d+)\)"
    r" \| (?P<llm>\d+) \((?P<judges>\d+)\) \|",
    re.MULTILINE,
)
COUNTED = ("items", "prompts", "human", "people", "llm", "judges")


def check(folder: Path) -> int:
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        faults = [fault for name in sets_in(folder) for fault in check_set(folder, name)]
        connection.close()
    finally:
        teardown_databases(databases, verbosity=0)
    print("\n".join(faults) or "everything that is in the folder is in the database, byte for byte")
    return bool(faults)


def sets_in(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.glob("*.items.jsonl.gz"))


def check_set(folder: Path, name: str) -> list[str]:
    from django.utils.timezone import now

    from annotation.domain.vocabulary import ImportKind, ResponseFormat
    from annotation.services.importing import creating

    project = creating.create_project_for(
        slug=name,
        name="",
        path=folder / f"{name}.items.jsonl.gz",
        mapping={},
        response_format=None,
        overlap=1,
        now=now(),
    )
    begin = time.perf_counter()
    refused = run(project, folder / f"{name}.items.jsonl.gz", ImportKind.ITEMS)
    votes = folder / f"{name}.votes.jsonl.gz"
    refused += run(project, votes, ImportKind.JUDGMENTS) if votes.exists() else []
    seconds = time.perf_counter() - begin
    found, wanted = counts_of(project), published(folder).get(name, {})
    wrong = {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]}
    texts, changed = compared(project, folder / f"{name}.items.jsonl.gz")
    reasons, altered = compared_votes(project, votes) if votes.exists() else (0, [])
    kind = "pairs" if project.response_format == ResponseFormat.PAIRWISE else "rankings"
    figures = "  ".join(f"{key} {found[key]:>6,}" for key in COUNTED)
    print(
        f"{name:18} {kind:8} {figures}  unparsed {found['unparsed']:>3}  {texts:>7,} texts and "
        f"{reasons:>6,} reasons equal  {len(refused)} refused  {seconds:5.1f} s"
    )
    return [
        *refused,
        *(
            f"{name}: {key}: {here} imported, {there} published"
            for key, (here, there) in wrong.items()
        ),
        *(f"{name}: {item}: a text changed" for item in changed),
        *(f"{name}: {vote}: a vote changed" for vote in altered),
    ]


def run(project: Any, path: Path, kind: Any) -> list[str]:
    from django.utils.timezone import now

    from annotation.services.importing import running, uploads

    upload = uploads.register_file(project=project, kind=kind, path=path, mapping={}, now=now())
    done = running.run_import(import_id=upload.id, now=now())
    return [
        f"{path.name}:{each.line}: {each.field}: {each.rule}: {each.detail}"
        for each in done.refusals.all()
    ]


def counts_of(project: Any) -> dict[str, int]:
    from annotation.models import Annotator, Item, Judgment

    votes = Judgment.objects.filter(project=project)
    prompts = Item.objects.filter(project=project).values_list("messages", flat=True)
    return {
        "items": Item.objects.filter(project=project).count(),
        "prompts": len({json.dumps(messages) for messages in prompts}),
        "human": votes.filter(annotator__kind="human").count(),
        "people": Annotator.objects.filter(project=project, kind="human").count(),
        "llm": votes.filter(annotator__kind="llm").count(),
        "judges": Annotator.objects.filter(project=project, kind="llm").count(),
        "unparsed": votes.filter(outcome="unparsed").count(),
    }


def published(folder: Path) -> dict[str, dict[str, int]]:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    return {row["set"]: {key: int(row[key]) for key in COUNTED} for row in ROW.finditer(readme)}


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        yield from map(json.loads, file)


def compared(project: Any, path: Path) -> tuple[int, list[str]]:
    """Read every item back; returns how many texts are equal, and the items where one is not."""
    from annotation.domain.content import chat_messages, text_of
    from annotation.models import Item

    stored = {
        item.external_id: item
        for item in Item.objects.filter(project=project).prefetch_related("responses")
    }
    equal, changed = 0, []
    for row in rows_of(path):
        item = stored[row["id"]]
        own = row.get("messages") or [{"role": "user", "content": row["prompt"]}]
        theirs: list[Any] = [own, row["meta"] | {"source": row["source"]}]
        ours: list[Any] = [chat_messages(item.messages), item.metadata]
        for given, kept in zip(row["responses"], item.responses.all(), strict=True):
            extra = {k: v for k, v in given.items() if k not in ("id", "text", "model", "messages")}
            theirs += [
                given["id"],
                given["text"],
                given["model"] or "",
                given.get("messages") or [],
            ]
            ours += [kept.external_id, text_of(kept.content), kept.model_name]
            ours += [chat_messages(kept.messages)]
            theirs, ours = [*theirs, extra], [*ours, kept.metadata]
        if theirs == ours:
            equal += len(own) + len(row["responses"])
        else:
            changed.append(row["id"])
    return equal, changed


def compared_votes(project: Any, path: Path) -> tuple[int, list[str]]:
    """Read every vote back; returns how many rationales are equal, and the votes that are not."""
    from annotation.models import Judgment, Response

    responses = Response.objects.filter(item__project=project)
    names = dict(responses.values_list("id", "external_id"))
    order: dict[str, list[str]] = {}
    for item, name in responses.order_by("item_id", "position").values_list(
        "item__external_id", "external_id"
    ):
        order.setdefault(item, []).append(name)
    votes = Judgment.objects.filter(project=project).select_related("rationale", "annotator")
    stored = {vote.external_id: vote for vote in votes.iterator(chunk_size=5000)}
    seen, equal, altered = Counter(), 0, []
    for row in rows_of(path):
        vote = stored[row["id"]]
        seen[row["id"]] += 1
        tiers = [sorted(names[response] for response in tier) for tier in vote.ranking]
        text = vote.rationale.text if hasattr(vote, "rationale") else ""
        shown = row["position_swapped"]
        expected_order = order[row["item_id"]][:: -1 if shown else 1]
        is_same = (
            text == (row["rationale"] or "")
            and tiers == expected_tiers(row, order[row["item_id"]])
            and vote.annotator.name == row["annotator"]
            and vote.active_seconds == row["seconds"]
            and vote.metadata == (row["meta"] or {})
            and (vote.shown_order and [names[r] for r in vote.shown_order])
            == (None if shown is None else expected_order)
        )
        equal += is_same and bool(text)
        if not is_same or seen[row["id"]] > 1:
            altered.append(row["id"])
    return equal, altered


def expected_tiers(row: dict[str, Any], order: list[str]) -> list[list[str]]:
    if row["ranking"]:
        return [sorted(tier) for tier in row["ranking"]]
    if row["choice"] is None:
        return []
    if row["choice"] == "tie":
        return [sorted(order)]
    best = order[row["choice"]]
    return [[best], sorted(name for name in order if name != best)]


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
