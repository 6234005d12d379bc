from django.conf import settings
from django.db import models

from annotation.domain.vocabulary import ImportKind, WorkState
from annotation.models.choices import choices_of, one_of
from annotation.models.projects import Project


class Import(models.Model):
    """A file to read into a project, and how far that is. Fact, with a progress that moves.

    Queued until a worker takes it, running while batches commit one by one, then done or failed.
    `resume_offset` is the position behind the last committed batch, so a killed import goes on
    from there; `n_read` is the number of its last line. `is_held` keeps workers off until somebody
    has looked at the preview. A strict import stops at its first refusal.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="imports")
    kind = models.CharField(max_length=9, choices=choices_of(ImportKind))
    file_name = models.CharField(max_length=255)
    stored_path = models.CharField(max_length=500)
    file_digest = models.BinaryField(max_length=32, null=True)
    mapping = models.JSONField(default=dict)
    is_strict = models.BooleanField(default=False)
    is_held = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=choices_of(WorkState), default=WorkState.QUEUED)
    resume_offset = models.BigIntegerField(default=0)
    n_bytes = models.BigIntegerField(default=0)
    n_read = models.BigIntegerField(default=0)
    n_written = models.BigIntegerField(default=0)
    n_unchanged = models.BigIntegerField(default=0)
    n_refused = models.BigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import"
        constraints = [
            one_of("kind", ImportKind, "import_kind_known"),
            one_of("state", WorkState, "import_state_known"),
        ]
        indexes = [models.Index(fields=["state", "id"], name="import_queue")]


class Refusal(models.Model):
    """A line of an import that was not taken: where, which field, which rule, why. Fact."""

    source = models.ForeignKey(Import, models.CASCADE, related_name="refusals")
    line = models.BigIntegerField()
    field = models.CharField(max_length=200, blank=True)
    rule = models.CharField(max_length=60)
    detail = models.TextField()

    class Meta:
        db_table = "refusal"
        ordering = ["line", "id"]
        indexes = [models.Index(fields=["source", "line"], name="refusal_by_line")]
