"""Distinct texts through an engine: cut, batched, run, checked, pooled."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from curation.domain.embedding.batches import plan
from curation.domain.embedding.chunks import pooled
from curation.domain.embedding.encoded import Encoded
from curation.domain.embedding.errors import UnusableVector
from curation.domain.embedding.networks import Engine
from curation.domain.embedding.tokens import Run

BLOCK_TOKENS = 262_144  # sorted by length together: many batches, few megabytes


@dataclass
class Block:
    """Texts whose runs are batched together, runs that are equal once."""

    places: list[int] = field(default_factory=list)
    n_tokens: list[int] = field(default_factory=list)
    chunks: list[list[int]] = field(default_factory=list)
    runs: dict[bytes, int] = field(default_factory=dict)
    size: int = 0

    def add(self, place: int, n_tokens: int, runs: Sequence[Run]) -> None:
        self.places.append(place)
        self.n_tokens.append(n_tokens)
        keys = [run.tobytes() for run in runs]
        self.size += sum(len(run) for run in runs)
        self.chunks.append([self.runs.setdefault(key, len(self.runs)) for key in keys])


def embed(engine: Engine, texts: Sequence[str]) -> Encoded:
    """Embed distinct texts; memory beside the result does not grow with their number."""
    n, d = len(texts), engine.dimensions
    found = Encoded(
        vectors=np.zeros((n, d), np.float32),
        is_empty=np.ones(n, np.bool_),
        n_tokens=np.zeros(n, np.int64),
        n_chunks=np.zeros(n, np.int64),
    )
    for block in blocks(engine, texts):
        places = np.array(block.places)
        vectors = vectors_of(engine, block)
        broken = ~np.isfinite(vectors).all(axis=1)
        if broken.any():
            place = int(places[broken.argmax()])
            raise UnusableVector(place, texts[place])
        found.vectors[places] = vectors
        found.is_empty[places] = ~vectors.any(axis=1)
        found.n_tokens[places] = block.n_tokens
        found.n_chunks[places] = [len(chunks) for chunks in block.chunks]
    return found


def blocks(engine: Engine, texts: Sequence[str]) -> Iterator[Block]:
    """Tokenize texts, as many at a time as are sorted by length together."""
    block = Block()
    for place, text in enumerate(texts):
        tokens = engine.cutter.read(text)
        block.add(place, len(tokens), engine.cutter.cut(tokens))
        if block.size >= max(BLOCK_TOKENS, 8 * engine.budget.tokens):
            yield block
            block = Block()
    if block.places:
        yield block


def vectors_of(engine: Engine, block: Block) -> NDArray[np.float32]:
    """Vectors of a block's texts, shape (texts, d): NaN for one that defeats the model."""
    runs = [np.frombuffer(key, dtype=np.int32) for key in block.runs]
    lengths = np.array([len(run) for run in runs], dtype=np.int64)
    of_runs = np.empty((len(runs), engine.dimensions), dtype=np.float32)

    def fill(batch: NDArray[np.int64]) -> None:
        of_runs[batch] = checked(engine, [runs[at] for at in batch])

    # A list, so that an error in any of them is raised here.
    list(engine.workers.map(fill, plan(lengths, engine.budget)))
    chunks = np.array([at for chunks in block.chunks for at in chunks], dtype=np.int64)
    owners = np.repeat(np.arange(len(block.chunks)), [len(each) for each in block.chunks])
    weights = lengths[chunks] - engine.cutter.n_added
    return pooled(of_runs[chunks], weights, owners, len(block.chunks))


def checked(engine: Engine, runs: Sequence[Run]) -> NDArray[np.float32]:
    """Vectors of a batch; what is not finite is run again alone and in fp32."""
    vectors = fitted(engine, runs)
    for at in np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist():
        vectors[at] = engine.full([runs[at]])[0]
    return vectors


def fitted(engine: Engine, runs: Sequence[Run]) -> NDArray[np.float32]:
    """Vectors of a batch, run in halves where it does not fit into the device's memory."""
    begin = time.perf_counter()
    try:
        vectors = engine.run(runs)
    except torch.OutOfMemoryError:
        if len(runs) == 1:
            raise
        engine.budget.halve()
        middle = len(runs) // 2
        halves = [fitted(engine, part) for part in (runs[:middle], runs[middle:])]
        return np.concatenate(halves)
    engine.budget.learn(sum(map(len, runs)), time.perf_counter() - begin)
    return vectors
