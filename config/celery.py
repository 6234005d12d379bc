"""The Celery app and its whole schedule. Beat only rings the bell; the work lies in tables."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready
from django.conf import settings

from annotation.domain.vocabulary import QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("quorum")
app.conf.update(settings.CELERY)
app.autodiscover_tasks(["annotation", "curation"])


def every(
    seconds: int, task: str, queue: str = "celery", kwargs: dict[str, str] | None = None
) -> dict[str, object]:
    """Ring for `task`; a message not taken before the next one is due is thrown away."""
    return {
        "task": task,
        "schedule": seconds,
        "kwargs": kwargs or {},
        "options": {"expires": max(seconds - 1, 1), "queue": queue},
    }


app.conf.beat_schedule = {
    "refresh-stale": every(2, "annotation.tasks.refresh_stale"),
    "refresh-skills": every(5, "annotation.tasks.refresh_skills", queue="long"),
    "calibrate-judges": every(10, "annotation.tasks.calibrate_judges", queue="long"),
    "refresh-reports": every(5, "annotation.tasks.refresh_reports", queue="long"),
    "refresh-trust": every(20, "annotation.tasks.refresh_trust", queue="long"),
    "open-second-rounds": every(20, "annotation.tasks.open_second_rounds", queue="long"),
    "run-imports": every(2, "annotation.tasks.run_imports", queue="long"),
    "ask-judges": every(2, "annotation.tasks.ask_judges", queue="judges"),
    "build-versions": every(2, "curation.tasks.build_versions", queue="long"),
    "read-items": every(2, "curation.tasks.read_items"),
    "embed-texts": every(2, "curation.tasks.embed_texts", queue="heavy"),
    "tend-generations": every(5, "curation.tasks.tend_generations", queue="long"),
    "find-duplicates": every(2, "curation.tasks.find_duplicates", queue="long"),
    "draw-maps": every(30, "curation.tasks.draw_maps", queue="heavy"),
    "refresh-signals": every(2, "curation.tasks.refresh_signals", queue="long"),
    "foretell-difficulty": every(10, "curation.tasks.foretell_difficulty", queue="long"),
    "route-comparisons": every(2, "curation.tasks.route_comparisons", queue="long"),
    "fit-routers": every(20, "curation.tasks.fit_routers", queue="long"),
    "simulate-policies": every(2, "curation.tasks.simulate_policies", queue="long"),
    "guard-judges": every(10, "curation.tasks.guard_judges", queue="long"),
    "refresh-routing-figures": every(5, "curation.tasks.refresh_routing_figures", queue="long"),
} | {
    f"beat-heart-{queue}": every(5, "annotation.tasks.beat_heart", queue, {"queue": queue})
    for queue in QUEUES
}


@worker_ready.connect
def start_worker_hearts(sender: Any, **_: Any) -> None:
    from config import heart  # models can be imported only now

    for queue in sender.app.amqp.queues.consume_from:
        heart.start(f"worker:{queue}")


@beat_init.connect
def start_heart_of_beat(**_: Any) -> None:
    from config import heart

    heart.start("beat")
