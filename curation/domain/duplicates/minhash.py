"""MinHash signatures and their bands (Broder, 1997; Leskovec, Rajaraman, Ullman, chapter 3).

Two texts of Jaccard similarity s share one of b bands of r values with probability
1 - (1 - s**r)**b. The signatures are rensa's; another release of it may give other numbers, so a
signature carries its scheme and signatures of different schemes are never compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from curation.domain.duplicates.shingles import mixed, shingles_of

BATCH_CHARS = 1_000_000  # shingled at once, which bounds the memory to some 50 MB
BATCH_TEXTS = 4_000


class SchemesDiffer(ValueError):
    """Two signatures were made in different ways, so they say nothing about each other."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How signatures are made: all that has to be equal before two may be compared.

    Attributes:
        shingle: characters of a shingle of the folded text.
        num_perm: values of a signature.
        bands: bands of `num_perm / bands` values each.
        seed: of the permutations.
    """

    shingle: int = 5
    num_perm: int = 128
    bands: int = 32
    seed: int = 42

    @property
    def name(self) -> str:
        """Spell the scheme out, the versions of algorithm and library included."""
        library = f"rensa-{version('rensa')}-r{RMinHash.ALGORITHM_VERSION}"
        return f"{library} char{self.shingle} perm{self.num_perm} b{self.bands} seed{self.seed}"

    @property
    def rows(self) -> int:
        return self.num_perm // self.bands

    def share_found(self, jaccard: float) -> float:
        """The probability that two texts of this similarity share a band."""
        return 1 - (1 - jaccard**self.rows) ** self.bands


SCHEME = Scheme()


@dataclass(frozen=True, slots=True)
class Signatures:
    """Signatures of n texts under one scheme.

    Attributes:
        scheme: `Scheme.name`, as stored with each.
        values: uint32, shape (n, num_perm); all zero for a text without shingles.
        bands: int64, shape (n, bands): for the column `bands`. Texts that share one are candidates.
        is_empty: bool, shape (n,): texts without shingles, to be stored without bands.
    """

    scheme: str
    values: NDArray[np.uint32]
    bands: NDArray[np.int64]
    is_empty: NDArray[np.bool_]

    def stored(self, row: int) -> tuple[bytes, list[int]]:
        """Give a text's signature as the columns `values` and `bands` take it."""
        if self.is_empty[row]:
            return b"", []
        return self.values[row].astype("<u4").tobytes(), self.bands[row].tolist()


def signatures_of(texts: Sequence[str], scheme: Scheme = SCHEME) -> Signatures:
    """Make the signatures of texts; each depends on its own text alone.

    Args:
        texts: n texts, empty ones allowed.
        scheme: how.
    """
    made = [signed(texts[begin:end], scheme) for begin, end in batches(texts)]
    values = np.concatenate([values for values, _ in made] or [empty_rows(0, scheme)])
    is_empty = np.concatenate([flags for _, flags in made] or [np.zeros(0, dtype=bool)])
    return Signatures(scheme.name, values, bands_of(values, scheme), is_empty)


def batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut a list of texts into runs of bounded length."""
    begin = n_chars = 0
    for end, text in enumerate(texts):
        if end > begin and (n_chars + len(text) > BATCH_CHARS or end - begin >= BATCH_TEXTS):
            yield begin, end
            begin, n_chars = end, 0
        n_chars += len(text)
    if begin < len(texts):
        yield begin, len(texts)


def signed(texts: Sequence[str], scheme: Scheme) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    flat, offsets = shingles_of(texts, scheme.shingle)
    rows = RMinHash.digest_matrix_from_flat_token_hashes(
        flat, offsets, scheme.num_perm, scheme.seed
    ).to_rows()
    values = np.array(rows, dtype=np.uint32).reshape(len(texts), scheme.num_perm)
    is_empty = offsets[1:] == offsets[:-1]
    values[is_empty] = 0
    return values, is_empty


def empty_rows(n: int, scheme: Scheme) -> NDArray[np.uint32]:
    return np.zeros((n, scheme.num_perm), dtype=np.uint32)


def bands_of(values: NDArray[np.uint32], scheme: Scheme = SCHEME) -> NDArray[np.int64]:
    """Hash each band of each signature to a signed 64-bit number that names band and values."""
    cut = values.reshape(len(values), scheme.bands, scheme.rows).astype(np.uint64)
    hashed = mixed(np.broadcast_to(np.arange(scheme.bands, dtype=np.uint64), cut.shape[:2]))
    for row in range(scheme.rows):
        hashed = mixed(hashed ^ cut[:, :, row])
    return hashed.view(np.int64)


def signature_from(stored: bytes, scheme: str, expected: Scheme = SCHEME) -> NDArray[np.uint32]:
    """Read a stored signature, uint32 of shape (num_perm,).

    Raises:
        SchemesDiffer: it was made under another scheme than `expected`.
    """
    if scheme != expected.name:
        raise SchemesDiffer(
            f"The signature was made as '{scheme}', not as '{expected.name}'. Make it again."
        )
    return np.frombuffer(stored, dtype="<u4").astype(np.uint32)


def estimated_jaccard(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimate Jaccard similarities as the share of equal values.

    The standard error is sqrt(s (1 - s) / num_perm), .044 at most for 128 values.

    Args:
        one, other: signatures, shape (…, num_perm), of one scheme.
    """
    return np.mean(one == other, axis=-1, dtype=np.float64)


def candidates_of(
    bands: NDArray[np.int64], is_empty: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the pairs of texts that share a band.

    A band shared by m texts gives m (m - 1) / 2 pairs.

    Args:
        bands: shape (n, bands).
        is_empty: shape (n,): texts that take no part.

    Returns:
        Positions `first` < `second` of each pair once, ascending.
    """
    n, n_bands = bands.shape
    rows = np.arange(n) if is_empty is None else np.flatnonzero(~is_empty)
    return couples(np.repeat(rows, n_bands), bands[rows].ravel(), n)


def couples(
    owners: NDArray[np.int64], bands: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the pairs of owners that have a band in common.

    Args:
        owners: row of each band, shape (k,), in [0, n).
        bands: shape (k,): a number that names place and values of the band.
        n: number of rows.

    Returns:
        Rows `first` < `second` of each pair once, ascending.
    """
    order = np.lexsort((owners, bands))
    owners, bands = owners[order].astype(np.int64), bands[order]
    followers = np.searchsorted(bands, bands, side="right") - np.arange(len(bands)) - 1
    first = np.repeat(np.arange(len(bands)), followers)
    within = np.arange(len(first)) - np.repeat(np.cumsum(followers) - followers, followers)
    one, other = owners[first], owners[first + 1 + within]
    coded = np.unique(one * n + other)
    return coded // max(n, 1), coded % max(n, 1)
