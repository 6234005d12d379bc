from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import AnnotatorKind, TokenScope
from annotation.models.choices import choices_of, one_of


class User(AbstractUser):
    """A person who can log in. Fact."""

    class Meta:
        db_table = "quorum_user"


class Annotator(models.Model):
    """Whoever judges: a person, a judge, or an imported pseudonym. Fact.

    It outlives its login, so that judgments keep their author when a person is deleted.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="annotator"
    )
    project = models.ForeignKey(
        "Project", models.PROTECT, null=True, blank=True, related_name="own_annotators"
    )
    kind = models.CharField(max_length=5, choices=choices_of(AnnotatorKind))
    name = models.CharField(max_length=200)
    model_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "annotator"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "name"],
                condition=Q(project__isnull=False),
                name="annotator_one_name_per_project",
            ),
            one_of("kind", AnnotatorKind, "annotator_kind_known"),
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(kind=AnnotatorKind.HUMAN),
                name="annotator_only_humans_log_in",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(project__isnull=True),
                name="annotator_person_or_pseudonym",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A key to the API. Only its SHA-256 digest is stored; the key itself is shown once. Fact.

    `n_in_minute` counts the requests of `minute`, where requests are limited.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32, unique=True)
    scope = models.CharField(max_length=8, choices=choices_of(TokenScope))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    minute = models.DateTimeField(null=True, editable=False)
    n_in_minute = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "api_token"
        constraints = [one_of("scope", TokenScope, "api_token_scope_known")]
