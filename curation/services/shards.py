"""The canonical rows of a version on disk: spooled into buckets, sorted, written as shards."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from curation.domain.canonical import canonical_json
from curation.domain.records import Record
from curation.domain.tables import CANONICAL, GROUP, parquet_writer, table_of
from curation.services import storage

BUCKET_ROWS = 2_000
MOST_BUCKETS = 256


class Tally:
    """What a cut counts while rows pass by: items, judgments, drops and splits."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        self.splits[record["split"]] += 1
        self.counts["items"] += 1
        self.counts["responses"] += len(record["responses"])
        for comparison in record["comparisons"]:
            self.counts["comparisons"] += 1
            self.counts["judgments"] += len(comparison["judgments"])
            self.counts["votes"] += comparison["consensus"]["n_votes"]
            if comparison["drop_reason"]:
                self.dropped[comparison["drop_reason"]] += 1
            else:
                self.counts["kept"] += 1

    def as_json(self) -> dict[str, Any]:
        names = ("items", "responses", "comparisons", "judgments", "votes", "kept")
        return {
            **{name: self.counts[name] for name in names},
            "dropped": dict(sorted(self.dropped.items())),
            "splits": dict(sorted(self.splits.items())),
        }


def n_buckets_for(n_rows: int) -> int:
    """Choose how many buckets keep each small enough to be sorted in memory: a power of two."""
    buckets = 1
    while buckets < MOST_BUCKETS and buckets * BUCKET_ROWS < n_rows:
        buckets *= 2
    return buckets


def spool(records: Iterable[Record], n_buckets: int, folder: Path) -> Tally:
    """Append each record's line to the bucket of its hash; memory holds one record."""
    tally = Tally()
    with ExitStack() as stack:
        paths = [folder / f"{bucket:03}" for bucket in range(n_buckets)]
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for record in records:
            line = canonical_json(record).encode()
            row_hash = sha256(line).hexdigest()
            tally.add(record)
            files[int(row_hash[:4], 16) * n_buckets >> 16].write(
                b"%s%s\n" % (row_hash.encode(), line)
            )
    return tally


def write_shards(spooled: Path) -> tuple[list[dict[str, Any]], bytes]:
    """Write each bucket, sorted by row hash, as a shard named by its content.

    Returns:
        `[{"sha256", "bytes", "rows"}]` in the order of the hashes, empty buckets left out; and
        the digest of all rows, taken in that same order (`canonical.root_of`).
    """
    shards, root = [], sha256()
    for bucket in sorted(spooled.iterdir()):
        if lines := sorted(bucket.read_bytes().split(b"\n")[:-1]):
            for line in lines:
                root.update(bytes.fromhex(line[:64].decode()))
            shards.append(write_shard(lines, spooled))
        bucket.unlink()
    return shards, root.digest()


def write_shard(lines: list[bytes], folder: Path) -> dict[str, Any]:
    with TemporaryDirectory(dir=folder.parent) as place:
        unfinished = Path(place) / "shard"
        with unfinished.open("wb") as sink, parquet_writer(sink, CANONICAL) as writer:
            for start in range(0, len(lines), GROUP):
                rows = [canonical_row(line) for line in lines[start : start + GROUP]]
                writer.write_table(table_of(rows, CANONICAL))
        digest, size = storage.sha256_of(unfinished), unfinished.stat().st_size
        storage.keep_file(unfinished, storage.shard_path(digest))
    return {"sha256": digest, "bytes": size, "rows": len(lines)}


def canonical_row(line: bytes) -> dict[str, Any]:
    row_hash, record = line[:64].decode(), line[64:].decode()
    value = json.loads(record)
    comparisons = value["comparisons"]
    return {
        "row_hash": row_hash,
        "project": value["project"],
        "item": value["item"],
        "split": value["split"],
        "n_comparisons": len(comparisons),
        "n_judgments": sum(len(comparison["judgments"]) for comparison in comparisons),
        "record": record,
    }


def records_in(shards: Iterable[dict[str, Any]]) -> Iterator[Record]:
    """Read the records of shards back, in their order; memory holds one row group."""
    for shard in shards:
        file = pq.ParquetFile(storage.shard_path(shard["sha256"]))
        for group in range(file.num_row_groups):
            for record in file.read_row_group(group, columns=["record"])["record"]:
                yield json.loads(record.as_py())
