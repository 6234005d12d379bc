"""Writing Arrow tables so that the same rows give the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 1_000

CANONICAL = pa.schema(
    [
        pa.field("row_hash", pa.string(), nullable=False),
        pa.field("project", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("n_comparisons", pa.int32(), nullable=False),
        pa.field("n_judgments", pa.int32(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
    ]
)


def parquet_writer(sink: BinaryIO, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a writer with every setting fixed: zstd 3, format 2.6, statistics.

    The bytes of the data are then a function of the rows; only the footer names the library.
    """
    return pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        data_page_version="1.0",
        use_dictionary=True,
        write_statistics=True,
        store_schema=True,
    )


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Turn rows into a table of exactly this schema, whatever columns are empty."""
    return pa.Table.from_pylist(list(rows), schema=schema)
