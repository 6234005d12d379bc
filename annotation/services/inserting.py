"""Writes many rows as one JSON value: a parameter for each field costs several times as much."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
import psycopg
from django.db import connection, models

INSERT = """
    INSERT INTO {table} ({columns}) SELECT {columns}
    FROM ROWS FROM (json_to_recordset(%(rows)b::json) AS ({typed})) WITH ORDINALITY AS given
    ORDER BY given.ordinality RETURNING {key}
"""


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Add new rows of one model, in their order, and give them their keys. One statement.

    As `bulk_create`, for models without expressions as values. Texts hold no NUL.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = fields_of(model)
    values = [{field.column: getattr(row, field.attname) for field in fields} for row in rows]
    told = orjson.dumps(values, default=as_hex, option=orjson.OPT_NON_STR_KEYS)
    keys = run_beside(statement_for(model), {"rows": told.decode()})
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias


def run_beside(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """Run a statement whose values travel beside it, so that large ones are not quoted and parsed.

    Returns:
        Its rows, if it gives any.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def fields_of(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


@lru_cache
def statement_for(model: type[models.Model]) -> str:
    named = [(quoted(field.column), type_of(field)) for field in fields_of(model)]
    key: Any = model._meta.pk
    return INSERT.format(
        table=quoted(model._meta.db_table),
        columns=", ".join(name for name, _ in named),
        typed=", ".join(f"{name} {kind}" for name, kind in named),
        key=quoted(key.column),
    )


def type_of(field: Any) -> str:
    """A column's type. Of a text without its length, which would cut instead of refuse."""
    return "text" if isinstance(field, models.CharField) else field.db_type(connection)


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def as_hex(value: Any) -> str:
    """Bytes as PostgreSQL reads them."""
    return "\\x" + bytes(value).hex()
