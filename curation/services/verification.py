"""Looks at versions and exports for anything that breaks a promise. It repairs nothing."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pyarrow.parquet as pq

from annotation.domain.vocabulary import WorkState
from curation.domain.canonical import root_of
from curation.models import Export, Version
from curation.services import storage

Finding = tuple[str, str]


def findings() -> Iterator[Finding]:
    """Check one promise after another."""
    yield "the rows of every version give its digest", differing_version()
    yield "every file of an export is as it was written", differing_file()


def differing_version() -> str:
    """Name the first finished version whose shards are missing or are not what they were."""
    for version in Version.objects.filter(state=WorkState.DONE).select_related("dataset"):
        if why := difference_in(version):
            return f"{version}: {why}"
    return ""


def difference_in(version: Version) -> str:
    hashes: list[str] = []
    for shard in version.manifest["shards"]:
        path = storage.shard_path(shard["sha256"])
        if not path.exists():
            return f"shard {shard['sha256']} is missing"
        if storage.sha256_of(path) != shard["sha256"]:
            return f"shard {shard['sha256']} was changed"
        hashes += row_hashes(shard)
    if root_of(hashes) != bytes(version.digest or b""):
        return "the row hashes do not add up to the digest"
    return ""


def row_hashes(shard: dict[str, Any]) -> Iterator[str]:
    """Hash the records of a shard again, whatever it says about them."""
    file = pq.ParquetFile(storage.shard_path(shard["sha256"]))
    for group in range(file.num_row_groups):
        for record in file.read_row_group(group, columns=["record"])["record"]:
            yield sha256(record.as_py().encode()).hexdigest()


def differing_file() -> str:
    """Name the first file of a finished export that is missing or was changed."""
    done = Export.objects.filter(state=WorkState.DONE).select_related("version__dataset")
    for export in done.order_by("id"):
        folder = storage.export_path(export)
        for file in export.files:
            path = folder / file["path"]
            if not path.exists() or storage.sha256_of(path) != file["sha256"]:
                return f"{path} of {export.version}"
    return ""
