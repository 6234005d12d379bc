"""All pairs at cosine .95 among many vectors, against the whole product in the same run.

    python -m benchmarks.semantic_pairs [VECTORS] [MANY]

VECTORS (100,000) of 384 dimensions in a thousand topics, a tenth of them planted beside another:
CPU time and pairs of `semantic.alike_pairs` against those of the fp32 product, block by block. Then
MANY (500,000; 0 leaves them out) with the memory that it took and the recall on a sample of rows.
Exits with 1 if the first finds less than .999 of the pairs, or takes more than a quarter of the CPU
time.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from curation.domain.duplicates import semantic

LEAST = 0.95
DIMENSIONS = 384
LEAST_RECALL = 0.999
MOST_CPU = 1 / 4
SAMPLED = 1_000


def main(n: int = 100_000, many: int = 500_000) -> int:
    vectors = made(n)
    found, seconds = timed(semantic.alike_pairs, vectors)
    exact, whole = timed(semantic.exact_pairs, vectors)
    recall = len(coded(found, n) & coded(exact, n)) / len(exact)
    print(f"{n:,} x {DIMENSIONS} at cosine {LEAST}: {len(exact):,} pairs")
    print(f"fp32 product, block by block {whole:8.1f} CPU-s")
    print(f"leading dimensions first     {seconds:8.1f} CPU-s   recall {recall:.5f}")
    print(f"ratio                        {seconds / whole:8.2f}   (at most {MOST_CPU:.2f})")
    if many:
        print_many(many)
    return int(recall < LEAST_RECALL or seconds > MOST_CPU * whole)


def made(n: int) -> NDArray[np.float32]:
    dice = np.random.default_rng(7)
    topics = dice.normal(size=(1_000, DIMENSIONS)).astype(np.float32)
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    noise = np.float32(1 / np.sqrt(DIMENSIONS))
    vectors = dice.normal(size=(n, DIMENSIONS)).astype(np.float32)
    vectors *= noise
    n_own = n - n // 10
    vectors[:n_own] += np.float32(1.2) * topics[dice.integers(0, len(topics), n_own)]
    vectors[:n_own] /= np.linalg.norm(vectors[:n_own], axis=1, keepdims=True)
    vectors[n_own:] *= np.float32(0.25)
    vectors[n_own:] += vectors[dice.integers(0, n_own, n - n_own)]
    vectors[n_own:] /= np.linalg.norm(vectors[n_own:], axis=1, keepdims=True)
    return vectors


def timed(
    search: Callable[[NDArray[np.float32], float], semantic.AlikePairs],
    vectors: NDArray[np.float32],
) -> tuple[semantic.AlikePairs, float]:
    begin = time.process_time()
    return search(vectors, LEAST), time.process_time() - begin


def coded(pairs: semantic.AlikePairs, n: int) -> set[int]:
    return set((pairs.first * n + pairs.second).tolist())


def print_many(n: int) -> None:
    vectors = made(n)
    tracemalloc.start()
    found, seconds = timed(semantic.alike_pairs, vectors)
    more = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    rows = np.random.default_rng(8).choice(n, SAMPLED, replace=False)
    products = vectors[rows] @ vectors.T
    products[np.arange(SAMPLED), rows] = -1
    first, second = np.nonzero(products >= LEAST)
    ends = np.sort(np.stack([rows[first], second], 1), axis=1)
    true = set((ends[:, 0] * n + ends[:, 1]).tolist())
    recall = len(true & coded(found, n)) / max(len(true), 1)
    print(f"{n:,} x {DIMENSIONS}: {len(found):,} pairs, {seconds:.1f} CPU-s")
    print(f"memory beside the vectors ({vectors.nbytes / 2**20:,.0f} MiB): {more:,.0f} MiB at most")
    print(f"recall on {SAMPLED:,} rows: {recall:.5f} of {len(true):,} pairs")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
