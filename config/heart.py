"""Lets a background process say that it lives, however busy its main thread is."""

import threading
import time

from django.db import Error, connection

from annotation.selectors.clock import database_now
from annotation.services import health

PERIOD = 5.0  # seconds


def start(name: str) -> None:
    threading.Thread(target=_beat, args=[name], name=f"heart of {name}", daemon=True).start()


def _beat(name: str) -> None:
    while True:
        try:
            health.record_beat(name=name, now=database_now())
        except Error:  # the database is away: its part of /health/ says so
            connection.close()
        time.sleep(PERIOD)
