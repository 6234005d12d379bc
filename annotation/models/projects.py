from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from annotation.domain.vocabulary import (
    ConsensusMethod,
    CriterionKind,
    PairStrategy,
    ProjectState,
    RationalePolicy,
    ResponseFormat,
    Role,
)
from annotation.models.choices import choices_of, one_of

DEFAULT_REASON_TAGS = ["more correct", "more helpful", "clearer", "safer", "better style"]
DEFAULT_SPAN_LABELS = ["good", "error", "unclear", "unsafe"]


def default_reason_tags() -> list[str]:
    return list(DEFAULT_REASON_TAGS)


def default_span_labels() -> list[str]:
    return list(DEFAULT_SPAN_LABELS)


class Project(models.Model):
    """One campaign: what is asked of annotators, and how. Fact; its settings may change."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    state = models.CharField(
        max_length=8, choices=choices_of(ProjectState), default=ProjectState.ACTIVE
    )
    response_format = models.CharField(
        max_length=8, choices=choices_of(ResponseFormat), default=ResponseFormat.PAIRWISE
    )
    strength_levels = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(4)],
        help_text="How many degrees of preference can be given; 1 asks for none.",
    )
    allows_tie = models.BooleanField(default=True)
    allows_both_bad = models.BooleanField(default=True)
    allows_skip = models.BooleanField(default=True)
    rationale_policy = models.CharField(
        max_length=8, choices=choices_of(RationalePolicy), default=RationalePolicy.OPTIONAL
    )
    rationale_min_chars = models.PositiveSmallIntegerField(default=0)
    reason_tags = ArrayField(models.CharField(max_length=60), default=default_reason_tags)
    span_labels = ArrayField(models.CharField(max_length=60), default=default_span_labels)
    overlap = models.PositiveSmallIntegerField(
        default=1,
        validators=[MaxValueValidator(100)],
        help_text="How many human judgments each comparison gets; 0 opens no slots.",
    )
    max_overlap = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text="How many a comparison gets at most while its votes disagree; empty: no more.",
    )
    is_routed = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether a routing policy opens the slots, instead of the overlap.",
    )
    pair_strategy = models.CharField(
        max_length=16, choices=choices_of(PairStrategy), default=PairStrategy.ALL_PAIRS
    )
    pair_budget = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1)], help_text="Pairs per item when budgeted."
    )
    lease = models.DurationField(default=timedelta(minutes=20))
    consensus_method = models.CharField(
        max_length=14, choices=choices_of(ConsensusMethod), default=ConsensusMethod.AUTO
    )
    settle_min_votes = models.PositiveSmallIntegerField(default=1)
    settle_probability = models.FloatField(default=0.5)
    guidelines = models.ForeignKey(
        "GuidelinesVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    license = models.CharField(max_length=100, blank=True)
    attribution = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "project"
        constraints = [
            one_of("state", ProjectState, "project_state_known"),
            one_of("response_format", ResponseFormat, "project_response_format_known"),
            one_of("rationale_policy", RationalePolicy, "project_rationale_policy_known"),
            one_of("pair_strategy", PairStrategy, "project_pair_strategy_known"),
            one_of("consensus_method", ConsensusMethod, "project_consensus_method_known"),
            models.CheckConstraint(
                condition=Q(strength_levels__range=(1, 4)), name="project_strength_levels_1_to_4"
            ),
            models.CheckConstraint(
                condition=Q(overlap__lte=100), name="project_overlap_at_most_100"
            ),
            models.CheckConstraint(
                condition=Q(max_overlap__isnull=True)
                | Q(max_overlap__gte=F("overlap"), max_overlap__lte=100),
                name="project_max_overlap_from_overlap_to_100",
            ),
            models.CheckConstraint(
                condition=Q(pair_budget__gte=1), name="project_pair_budget_at_least_1"
            ),
            models.CheckConstraint(
                condition=Q(lease__gte=timedelta(seconds=30), lease__lte=timedelta(days=7)),
                name="project_lease_30_seconds_to_7_days",
            ),
            models.CheckConstraint(
                condition=Q(settle_probability__range=(0, 1)),
                name="project_settle_probability_0_to_1",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GuidelinesVersion(models.Model):
    """The text that annotators are asked to follow, as it stood for a while. Fact."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="guidelines_versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "guidelines_version"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="guidelines_version_number_once_per_project"
            )
        ]


class Criterion(models.Model):
    """A named aspect judged beside the overall verdict. Fact.

    `is_asked` is false for aspects that only imported judgments carry.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="criteria")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=10, choices=choices_of(CriterionKind))
    scale_min = models.SmallIntegerField(default=1)
    scale_max = models.SmallIntegerField(default=5)
    position = models.PositiveSmallIntegerField(default=0)
    is_asked = models.BooleanField(default=True)

    class Meta:
        db_table = "criterion"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key"], name="criterion_key_once_per_project"
            ),
            one_of("kind", CriterionKind, "criterion_kind_known"),
            models.CheckConstraint(
                condition=Q(scale_min__lt=F("scale_max")), name="criterion_scale_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a project. Fact; it may change."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=choices_of(Role))
    is_expert = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"], name="membership_once_per_project_and_user"
            ),
            one_of("role", Role, "membership_role_known"),
        ]
