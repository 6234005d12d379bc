import secrets

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import WorkState
from annotation.models import Project
from curation.domain.formats import Format


def choices_of(words: type[WorkState] | type[Format]) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ")) for word in words]


def new_pseudonym_key() -> bytes:
    return secrets.token_bytes(32)


class Dataset(models.Model):
    """A named recipe: which projects are cut, and how. Fact; the recipe may change.

    `pseudonym_key` turns the names of people into the pseudonyms that versions carry: it never
    leaves the database, so nobody can tell from a version who judged.
    """

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    projects = models.ManyToManyField(Project, related_name="+")
    recipe = models.JSONField(default=dict)
    pseudonym_key = models.BinaryField(max_length=32, default=new_pseudonym_key)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "dataset"

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A numbered cut of a dataset. Fact: once done, the database refuses to change or delete it.

    Queued until a builder takes it; running while a builder holds its advisory lock (a running
    version whose lock is free was left by a killed builder and is built again); then done, or
    failed with its error. `recipe` is the dataset's as it stood when the version was asked for.
    `digest` names the content: equal digests, equal rows.
    """

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=choices_of(WorkState), default=WorkState.QUEUED)
    recipe = models.JSONField()
    digest = models.BinaryField(max_length=32, null=True)
    identical_to = models.PositiveIntegerField(null=True)
    counts = models.JSONField(default=dict)
    manifest = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False
    )
    created_at = models.DateTimeField()
    built_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "version"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="version_number_once_per_dataset"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in WorkState]),
                name="version_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state=WorkState.DONE)
                | Q(digest__isnull=False, built_at__isnull=False),
                name="version_done_has_a_digest",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_number_from_1"),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=[WorkState.QUEUED, WorkState.RUNNING]),
                name="version_queue",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="version_immutable_when_done",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__state=WorkState.DONE.value),
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset.slug} v{self.number}"


class Export(models.Model):
    """A version written in a training format. Derived: a pure function of version and format.

    Its states are those of a version. `files` lists what may be downloaded:
    `[{"path", "bytes", "sha256", "rows"}]`.
    """

    version = models.ForeignKey(Version, models.PROTECT, related_name="exports", db_index=False)
    format = models.CharField(max_length=20, choices=choices_of(Format))
    state = models.CharField(max_length=9, choices=choices_of(WorkState), default=WorkState.QUEUED)
    files = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    built_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "export"
        ordering = ["format"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "format"], name="export_format_once_per_version"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in WorkState]),
                name="export_state_known",
            ),
            models.CheckConstraint(
                condition=Q(format__in=[word.value for word in Format]), name="export_format_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=[WorkState.QUEUED, WorkState.RUNNING]),
                name="export_queue",
            )
        ]
