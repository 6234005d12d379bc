"""Imports of a project and what they refused."""

from collections.abc import Iterator

from django.db.models import QuerySet

from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import WorkState
from annotation.models import Import, Project, Refusal


def imports_of(project: Project) -> QuerySet[Import]:
    return Import.objects.filter(project=project).select_related("created_by")


def import_of(project: Project, import_id: int) -> Import:
    """One import of a project.

    Raises:
        NotFound: no such import here.
    """
    found = imports_of(project).filter(pk=import_id).first()
    if found is None:
        raise NotFound("There is no such import in this project.")
    return found


def refusals_of(upload: Import) -> QuerySet[Refusal]:
    return Refusal.objects.filter(source=upload)


def every_refusal(upload: Import) -> Iterator[dict[str, object]]:
    """All kept refusals of an import by line, read in pieces."""
    rows = refusals_of(upload).order_by("line", "id")
    return map(dict, rows.values("line", "field", "rule", "detail").iterator(chunk_size=1000))


def is_moving(upload: Import) -> bool:
    """Whether a worker has it, or is to take it."""
    return not upload.is_held and upload.state in (WorkState.QUEUED, WorkState.RUNNING)


def share_read(upload: Import) -> float | None:
    """How much of the file is read, in [0, 1]; None where its packing hides that."""
    if upload.state == WorkState.DONE:
        return 1.0
    if not upload.n_bytes or upload.resume_offset > upload.n_bytes:
        return None
    is_plain = upload.file_name.lower().endswith((".jsonl", ".ndjson", ".json"))
    return upload.resume_offset / upload.n_bytes if is_plain else None
