"""The set of character shingles of a text, as 64-bit hashes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curation.domain.texts import folded

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def shingles_of(texts: Sequence[str], size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Hash every run of `size` characters of each folded text.

    A text shorter than `size` is one shingle, the whole of it with its length, so it is like
    another only when they are equal. A text that folds to nothing has no shingle, so empty texts
    are like nothing.

    Args:
        texts: n texts; case, white space and Unicode form do not matter.
        size: characters of a shingle, at least 1.

    Returns:
        All shingles of all texts, repeats included; and n + 1 offsets, text k has those from
        offset k up to offset k + 1. The same on every machine and in every release of a library.
    """
    points = [
        np.frombuffer(folded(text).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        for text in texts
    ]
    lengths = np.array([len(each) for each in points], dtype=np.int64)
    counts = np.where(lengths >= size, lengths - size + 1, np.minimum(lengths, 1))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    padded = [p if len(p) >= size else short(p, size) for p in points if len(p)]
    if not padded:
        return np.empty(0, dtype=np.uint64), offsets
    flat = np.concatenate(padded).astype(np.uint64)
    starts = window_starts(np.array([len(each) for each in padded]), size)
    return mixed(windows(flat, size)[starts]), offsets


def jaccard_of(first: str, second: str, size: int) -> float:
    """Give the Jaccard similarity of two texts' shingle sets, in [0, 1]; 0 if either is empty."""
    flat, offsets = shingles_of([first, second], size)
    cut = int(offsets[1])
    mine, theirs = np.unique(flat[:cut]), np.unique(flat[cut:])
    common = len(np.intersect1d(mine, theirs, assume_unique=True))
    return common / max(len(mine) + len(theirs) - common, 1)


def short(points: NDArray[np.uint32], size: int) -> NDArray[np.uint32]:
    """Fill a short text up with numbers that no character has, its length among them."""
    return np.append(points, np.full(size - len(points), 0x110000 + len(points), dtype=np.uint32))


def window_starts(lengths: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Where the windows that lie within one text begin in the texts laid end to end."""
    first = np.cumsum(lengths) - lengths
    counts = lengths - size + 1
    return np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())


def windows(flat: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Hash every window as the polynomial in `MULTIPLIER` that its characters spell."""
    n = len(flat) - size + 1
    hashed = np.zeros(n, dtype=np.uint64)
    for shift in range(size):
        hashed *= MULTIPLIER
        hashed += flat[shift : shift + n]
    return hashed


def mixed(hashed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over the whole number (splitmix64; Steele, Lea and Flood, 2014)."""
    for shift, factor in zip((30, 27), MIX, strict=True):
        hashed = (hashed ^ (hashed >> np.uint64(shift))) * factor
    return hashed ^ (hashed >> np.uint64(31))
