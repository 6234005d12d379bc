"""What is done to each shard. A step is made once in each process and called with task after task.

Steps hold only what can be sent to another machine; models are loaded with the first task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.domain.duplicates.minhash import estimated_jaccard
from curation.domain.duplicates.semantic import alike_pairs, alike_pairs_between
from curation.domain.duplicates.stages import MinHashStage, candidate_pairs
from curation.domain.embedding.stages import EmbedStage
from curation.pipeline.shards import texts_in, write_shard


@dataclass(frozen=True)
class Task:
    """Shards to read, the one to write, and which part of the work it is where there are parts."""

    inputs: tuple[str, ...]
    output: str
    part: int = 0


class Step(Protocol):
    """Does a task and returns the number of rows written."""

    def __call__(self, task: Task) -> int: ...


class Embed:
    """Texts to vectors: `digest`, `vector`, `n_tokens`, `n_chunks`."""

    def __init__(self, model: str, device: str | None, threads: int) -> None:
        self.model, self.device, self.threads = model, device, threads
        self.stage: EmbedStage | None = None

    def __call__(self, task: Task) -> int:
        if self.stage is None:
            import torch

            # Another number of threads adds up in another order: the last bits would differ.
            torch.set_num_threads(self.threads)
            self.stage = EmbedStage(self.model, self.device)
        return _written(self.stage(texts_in(Path(task.inputs[0]))), task)


class Sign:
    """Texts to signatures: `digest`, `values`, `bands`, `scheme`."""

    def __init__(self) -> None:
        self.stage = MinHashStage()

    def __call__(self, task: Task) -> int:
        signed = self.stage(texts_in(Path(task.inputs[0])))
        return _written(signed.drop_columns(["text"]), task)


class NearPairs:
    """Signatures to pairs: `first` < `second`, `similarity` as estimated from the signatures.

    Each part looks at its share of the bands, in all shards. A pair that shares bands of several
    parts comes up in each of them.
    """

    def __init__(self, n_parts: int, least: float) -> None:
        self.n_parts, self.least = n_parts, least

    def __call__(self, task: Task) -> int:
        pairs = _distinct(candidate_pairs(self._own_bands(s, task.part) for s in task.inputs))
        values = _values_of(task.inputs, pairs)
        first, second = (
            np.array([values[key] for key in pairs[name].to_pylist()]).reshape(len(pairs), -1)
            for name in ("first", "second")
        )
        alike = estimated_jaccard(first, second) if len(pairs) else np.zeros(0)
        found = pairs.append_column("similarity", pa.array(alike))
        return _written(found.filter(pa.array(alike >= self.least)), task)

    def _own_bands(self, shard: str, part: int) -> pa.Table:
        """The rows of a shard that have bands of this part, with no others."""
        table = pq.read_table(shard, columns=["digest", "bands", "scheme"]).combine_chunks()
        lists = table["bands"].combine_chunks()
        owners, bands = pc.list_parent_indices(lists).to_numpy(), pc.list_flatten(lists).to_numpy()
        is_own = bands.view(np.uint64) % np.uint64(self.n_parts) == part
        counts = np.bincount(owners[is_own], minlength=len(table))
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        own = pa.ListArray.from_arrays(pa.array(ends), pa.array(bands[is_own]))
        place = table.schema.get_field_index("bands")
        return table.set_column(place, "bands", own).filter(pa.array(counts > 0))


class SemanticPairs:
    """Vectors of one shard, or of two, to pairs: `first` < `second`, `similarity` as cosine."""

    def __init__(self, least: float) -> None:
        self.least = least

    def __call__(self, task: Task) -> int:
        keys, vectors = _vectors_in(task.inputs[0])
        other_keys, others = keys, vectors
        if len(task.inputs) == 1:
            alike = alike_pairs(vectors, self.least)
        else:
            other_keys, others = _vectors_in(task.inputs[1])
            alike = alike_pairs_between(vectors, others, self.least)
        one, other = keys.take(pa.array(alike.first)), other_keys.take(pa.array(alike.second))
        is_other_way = pc.greater(one, other)
        found = pa.table(
            {
                "first": pc.if_else(is_other_way, other, one),
                "second": pc.if_else(is_other_way, one, other),
                "similarity": pa.array(alike.cosine),
            }
        )
        return _written(found.filter(pc.not_equal(found["first"], found["second"])), task)


def _written(table: pa.Table, task: Task) -> int:
    write_shard(table, Path(task.output))
    return len(table)


def _distinct(pairs: pa.Table) -> pa.Table:
    """Each pair once: a text that stands in several shards comes up with each of them."""
    others = pairs.filter(pc.not_equal(pairs["first"], pairs["second"]))
    return others.group_by(["first", "second"]).aggregate([])


def _values_of(shards: Sequence[str], pairs: pa.Table) -> dict[bytes, Any]:
    """The signatures of all texts in some pairs, read shard by shard."""
    wanted = pc.unique(pa.chunked_array([*pairs["first"].chunks, *pairs["second"].chunks]))
    found: dict[bytes, Any] = {}
    for shard in shards:
        table = pq.read_table(shard, columns=["digest", "values"])
        theirs = table.filter(pc.is_in(table["digest"], wanted))
        for digest, values in zip(*(c.to_pylist() for c in theirs.columns), strict=True):
            found[digest] = np.frombuffer(values, dtype="<u4")
    return found


def _vectors_in(shard: str) -> tuple[pa.Array, np.ndarray]:
    table = pq.read_table(shard, columns=["digest", "vector"]).combine_chunks()
    lists = table["vector"].combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return table["digest"].combine_chunks(), flat.reshape(len(table), lists.type.list_size)
