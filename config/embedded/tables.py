"""The tables of the embedded database: made before the first command that needs them."""

from collections.abc import Sequence

from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BACKEND = "config.embedded.backend"
OWNERS = {"annotation", "curation"}
DJANGOS = {"createsuperuser", "changepassword"}
LOCK = 0x514D4947  # "QMIG"


def make_before(command_line: Sequence[str]) -> None:
    """Bring the embedded database up to date where a command is about to read or write it.

    A server that somebody else runs is left alone: its operator decides when it is migrated.
    """
    name = next(iter(command_line[1:]), "")
    needs_tables = get_commands().get(name) in OWNERS or name in DJANGOS
    asks_for_help = {"-h", "--help"} & set(command_line)
    is_embedded = settings.DATABASES["default"]["ENGINE"] == BACKEND
    if needs_tables and is_embedded and not asks_for_help and not _is_up_to_date():
        migrate()


def migrate() -> None:
    """Migrate the database; processes that start at the same moment take turns."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def _is_up_to_date() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
