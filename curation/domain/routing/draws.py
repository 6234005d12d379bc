"""Chance that can be drawn again: the same comparison and seed always give the same number."""

import hashlib

import numpy as np
from numpy.typing import NDArray

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def draws_of(ids: NDArray[np.int64], seed: int, purpose: str) -> NDArray[np.float64]:
    """Draw a uniform number in [0, 1) for each id, shape (n,).

    Draws for two purposes, or under two seeds, are as good as independent; neither the other ids
    nor their order matters.

    Source: the finaliser of SplitMix64: Steele, Lea and Flood (2014), Fast splittable pseudorandom
    number generators, figure 17; the key is a BLAKE2b digest.
    """
    digest = hashlib.blake2b(f"{seed}\n{purpose}".encode(), digest_size=8).digest()
    key = np.uint64(int.from_bytes(digest))
    with np.errstate(over="ignore"):
        mixed = ids.astype(np.uint64) * INCREMENT + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
