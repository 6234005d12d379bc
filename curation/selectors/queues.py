from django.db.models import QuerySet

from annotation.domain.vocabulary import WorkState
from curation.models import Export, Version

UNFINISHED = [WorkState.QUEUED, WorkState.RUNNING]


def waiting_versions() -> QuerySet[Version]:
    """Versions to build, those of a killed builder included, oldest first."""
    return Version.objects.filter(state__in=UNFINISHED).select_related("dataset").order_by("id")


def waiting_exports() -> QuerySet[Export]:
    """Exports to build, those of a killed builder included, oldest first."""
    found = Export.objects.filter(state__in=UNFINISHED)
    return found.select_related("version__dataset").order_by("id")
