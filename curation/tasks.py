from celery import shared_task

from annotation.selectors.clock import database_now
from curation.selectors import queues
from curation.services import exporting, versioning


@shared_task
def build_versions(*, limit: int = 10) -> int:
    """Build queued versions, then queued exports. Running it twice or in parallel is harmless."""
    done = 0
    for version in queues.waiting_versions()[:limit]:
        done += versioning.build_version(version=version, now=database_now())
    for export in queues.waiting_exports()[:limit]:
        done += exporting.build_export(export=export, now=database_now())
    return done
