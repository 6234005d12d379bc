"""Django's PostgreSQL backend, which starts the embedded server at the first connection."""

from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

from config.embedded import postgres
from config.embedded.places import places_under


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        var = Path(settings.VAR)
        if postgres.is_held(var):
            try:
                return self._connect_to(str(places_under(var).sockets), conn_params)
            except psycopg.OperationalError:
                pass  # it went away; the lines below bring it back
        return self._connect_to(str(postgres.ensure_running(var).sockets), conn_params)

    def _connect_to(self, sockets: str, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection(conn_params | {"host": sockets})
