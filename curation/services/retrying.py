"""Takes up again what the drains of curation have set aside."""

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.models import DuplicateRequest, RegroupRequest, RoutingRequest, SignalRequest
from curation.services import embedding, intake


def retry_set_aside(*, project: Project) -> int:
    """Let every row of a project that was set aside be tried again. Safe to repeat.

    Returns:
        How many rows now wait for their drains.
    """
    aside = {"tries__gte": MOST_TRIES}
    queues = (
        DuplicateRequest.objects.filter(project=project, **aside),
        RegroupRequest.objects.filter(project=project, **aside),
        RoutingRequest.objects.filter(project=project, **aside),
        SignalRequest.objects.filter(comparison__project=project, **aside),
    )
    retried = sum(rows.update(tries=0, error="") for rows in queues)
    return retried + intake.retry_items(project=project) + embedding.retry_texts(project=project)
