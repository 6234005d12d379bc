"""The search for near duplicates in steps that take and give Arrow tables.

A step is the same object in a worker's drain, in a plain loop over files and in a Ray Data
pipeline, and a row's result depends on that row alone, so all three give the same bytes.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from curation.domain.duplicates.minhash import (
    SCHEME,
    Scheme,
    SchemesDiffer,
    couples,
    signatures_of,
)


class MinHashStage:
    """Adds the signatures of texts to a table: the columns `values`, `bands` and `scheme`.

    Args:
        column: that holds the texts, null counting as empty.
        scheme: how signatures are made.
    """

    def __init__(self, column: str = "text", scheme: Scheme = SCHEME) -> None:
        self.column, self.scheme = column, scheme

    def __call__(self, table: pa.Table) -> pa.Table:
        """Give the table with three more columns.

        `values` is binary, little-endian uint32, empty for a text without shingles; `bands` a list
        of int64, then empty; `scheme` the name that signatures of other ways must not be mixed
        with.
        """
        texts = [text or "" for text in table.column(self.column).to_pylist()]
        signed = signatures_of(texts, self.scheme)
        rows = [signed.stored(row) for row in range(len(texts))]
        return (
            table.append_column("values", pa.array([v for v, _ in rows], pa.binary()))
            .append_column("bands", pa.array([b for _, b in rows], pa.list_(pa.int64())))
            .append_column("scheme", pa.array([signed.scheme] * len(texts), pa.string()))
        )


def candidate_pairs(tables: Iterable[pa.Table], key: str = "digest") -> pa.Table:
    """List the pairs of rows that share a band, over all tables.

    Args:
        tables: with the columns `key` (binary or text, different in every row), `bands` and
            `scheme`, in any order and cut.
        key: names the rows.

    Returns:
        Columns `first` < `second`, each pair once, ascending.

    Raises:
        SchemesDiffer: the signatures were not all made in one way.
    """
    table = pa.concat_tables([each.select([key, "bands", "scheme"]) for each in tables])
    if len(schemes := pc.unique(table.column("scheme"))) > 1:
        raise SchemesDiffer(
            f"Signatures of different schemes cannot be compared: {', '.join(schemes.to_pylist())}."
        )
    table = table.sort_by(key)
    keys = table.column(key).combine_chunks()
    lists = table.column("bands").combine_chunks()
    owners = pc.list_parent_indices(lists).to_numpy()
    first, second = couples(owners, pc.list_flatten(lists).to_numpy(), len(keys))
    return pa.table({"first": keys.take(pa.array(first)), "second": keys.take(pa.array(second))})
