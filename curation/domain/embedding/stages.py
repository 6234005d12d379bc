"""Embedding as a stage over Arrow tables: the same in a task, a loop, or an engine."""

import pyarrow as pa

from curation.domain.embedding.encoder import Encoder


class EmbedStage:
    """Embed the texts of a table.

    Holds its configuration only; the model is loaded with the first table, in whichever process
    that is.

    Args:
        model: a folder or a hub name, as `Encoder` takes it.
        device: as torch names it; None takes the GPU where there is one.
        half: whether vectors are float16 instead of float32.
    """

    def __init__(self, model: str, device: str | None = None, half: bool = True) -> None:
        self.encoder, self.half = Encoder(model, device), half

    def __call__(self, table: pa.Table) -> pa.Table:
        """Embed one table.

        Args:
            table: columns `digest` (any type) and `text` (string, no nulls).

        Returns:
            In the order of the rows: `digest` as it was, `vector` (fixed size list of float16 or
            float32, of length 1, all zero where the text is empty), `n_tokens` and `n_chunks`
            (int64, both 0 where the text is empty).
        """
        found = self.encoder.encode(table["text"].to_pylist())
        vectors = found.vectors.astype("float16") if self.half else found.vectors
        lists = pa.FixedSizeListArray.from_arrays(vectors.ravel(), self.encoder.dimensions)
        columns = [table["digest"], lists, found.n_tokens, found.n_chunks]
        return pa.table(columns, names=["digest", "vector", "n_tokens", "n_chunks"])
