from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

# Batches of one project are written one after another, so that two imports cannot both find an
# external id free.
BATCH_LOCK = 0x51496D70  # "QImp"


def lock_project(project_id: int) -> None:
    """Make other batches of the project wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [BATCH_LOCK, project_id % 2**31])


def next_ids(model: type[models.Model], n: int) -> list[int]:
    """Draw n ids from the sequence of a model, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [model._meta.db_table, n],
        )
        return [drawn for (drawn,) in cursor.fetchall()]


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Append rows through COPY. Columns are those of the table; JSON comes as text."""
    quote = connection.ops.quote_name
    listed = ", ".join(quote(column) for column in columns)
    statement = f"copy {quote(model._meta.db_table)} ({listed}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def array_literal(ids: Iterable[int]) -> str:
    """Spell a list of ids as a PostgreSQL array."""
    return "{" + ",".join(map(str, ids)) + "}"
