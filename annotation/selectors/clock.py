from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Read the database's clock, the one that leases run by. UTC, to the microsecond."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0]
