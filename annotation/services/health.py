"""Signs of life of the background processes, written by themselves."""

from datetime import datetime

from annotation.models import Heartbeat


def record_beat(*, name: str, now: datetime) -> None:
    """Remember that a background process lives. Safe to repeat."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beaten_at": now})


def record_answer(*, name: str, now: datetime) -> None:
    """Remember that a bell reached its worker. Safe to repeat."""
    Heartbeat.objects.update_or_create(name=name, defaults={"answered_at": now})
