import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotation.domain.vocabulary import WorkState
from annotation.models import Comparison, Project
from annotation.models.choices import choices_of, one_of
from curation.domain.vocabulary import GuardState, PolicyState, Route


class RoutingPolicy(models.Model):
    """Who judges what: ordered rules, a default, perhaps a learned router. Fact once activated.

    `content` is what `curation.domain.routing.policy` reads. At most one policy of a project is
    active; the others are drafts, or retired and kept, as decisions refer to them. `threshold` is
    the utility above which the learned router asks people, found when the router's fit
    `threshold_fit` was new; `counted_news` is what had come in when the guard last counted under
    it. All three are derived.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    content = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(
        max_length=7, choices=choices_of(PolicyState), default=PolicyState.DRAFT
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    threshold = models.FloatField(null=True)
    threshold_fit = models.PositiveIntegerField(null=True)
    counted_news = models.CharField(max_length=100, blank=True, default="", db_default="")

    class Meta:
        db_table = "routing_policy"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="routing_policy_number_once_per_project"
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state=PolicyState.ACTIVE),
                name="routing_policy_one_active_per_project",
            ),
            one_of("state", PolicyState, "routing_policy_state_known"),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="routing_policy_never_changes", fields=["project", "number", "content"]
            )
        ]


class Simulation(models.Model):
    """A dry run of a policy over the project's comparisons: what it would do. Derived.

    `result` is what `curation.domain.routing.simulation` tells; `progress` is from 0 to 1.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    policy = models.ForeignKey(RoutingPolicy, models.CASCADE, related_name="simulations")
    state = models.CharField(max_length=9, choices=choices_of(WorkState), default=WorkState.QUEUED)
    progress = models.FloatField(default=0.0)
    result = models.JSONField(default=dict)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "simulation"
        constraints = [
            one_of("state", WorkState, "simulation_state_known"),
            models.CheckConstraint(
                condition=Q(progress__range=(0, 1)), name="simulation_progress_0_to_1"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=[WorkState.QUEUED, WorkState.RUNNING]),
                name="simulation_waiting",
            )
        ]


class RouterFit(models.Model):
    """What tells where judges are right, learned from comparisons with labels of both. Derived.

    Numbered: the highest number holds. `model` is what `curation.domain.routing.learned` fits,
    `evaluation` the quality-versus-human-share curves on prompts held out. `is_fitted` is false
    while there are too few labels; then the learned router explores.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    version = models.PositiveSmallIntegerField()
    is_fitted = models.BooleanField()
    model = models.JSONField(default=dict)
    human_quality = models.FloatField(null=True)
    evaluation = models.JSONField(default=dict)
    n_labelled = models.PositiveIntegerField()
    n_changes = models.PositiveBigIntegerField(default=0)
    fitted_at = models.DateTimeField()

    class Meta:
        db_table = "router_fit"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="router_fit_number_once_per_project"
            )
        ]


class RoutingRequest(models.Model):
    """A comparison to be routed, anew or again. The queue of the routing drain.

    The database itself asks, under an active policy, for new comparisons and new signals.
    """

    comparison = models.OneToOneField(
        Comparison, models.CASCADE, primary_key=True, related_name="+"
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    queued_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "routing_request"
        indexes = [models.Index(fields=["tries", "queued_at"], name="routing_request_next")]


class RoutingDecision(models.Model):
    """Who was to judge a comparison, under which rule of which policy, and why. Fact.

    `ordinal` counts the decisions on a comparison; the highest holds. `rule` is the place of the
    rule from 1, null for the default or the learned router. `settings` are overlap, judges,
    expertise and rank. `propensity` is the probability with which a person was to judge it;
    `is_explored`: chance sent it to people; `is_audited`: so that the judges' errors are known.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, related_name="routing_decisions", db_index=False
    )
    policy = models.ForeignKey(
        RoutingPolicy, models.PROTECT, related_name="decisions", db_index=False
    )
    ordinal = models.PositiveSmallIntegerField()
    rule = models.PositiveSmallIntegerField(null=True)
    route = models.CharField(max_length=6, choices=choices_of(Route))
    settings = models.JSONField(default=dict)
    slice = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=400)
    propensity = models.FloatField()
    is_explored = models.BooleanField(default=False)
    is_audited = models.BooleanField(default=False)
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "routing_decision"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "ordinal"], name="routing_decision_ordinal_once"
            ),
            one_of("route", Route, "routing_decision_route_known"),
            models.CheckConstraint(
                condition=Q(propensity__range=(0, 1)), name="routing_decision_propensity_0_to_1"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="routing_decision_page"),
            models.Index(fields=["project", "policy", "route"], name="routing_decision_by_route"),
            models.Index(
                fields=["project", "slice"],
                condition=Q(is_audited=True),
                name="routing_decision_audited",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="routing_decision_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class Guard(models.Model):
    """How often judges err in one slice of the work, from the share that people judge too. Derived.

    `bound` is the upper Clopper-Pearson limit of the error, for whoever looks once. The slice is
    turned to people, until an admin clears it, where its error is surely above the policy's limit,
    however often one looks.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    slice = models.CharField(max_length=100)
    state = models.CharField(
        max_length=8, choices=choices_of(GuardState), default=GuardState.WATCHING
    )
    n_audited = models.PositiveIntegerField(default=0)
    n_wrong = models.PositiveIntegerField(default=0)
    rate = models.FloatField(null=True)
    bound = models.FloatField(null=True)
    limit = models.FloatField()
    since_decision = models.PositiveBigIntegerField(default=0)
    turned_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "guard"
        constraints = [
            models.UniqueConstraint(fields=["project", "slice"], name="guard_once_per_slice"),
            one_of("state", GuardState, "guard_state_known"),
            models.CheckConstraint(
                condition=Q(n_wrong__lte=F("n_audited")), name="guard_no_more_wrong_than_audited"
            ),
        ]


class RoutingFigures(models.Model):
    """Where a project's routed comparisons stand and how judges do, as last worked out. Derived.

    `news` is what had come in when the facts were read, or tried to be; where other news is in, or
    the last try failed, the figures are behind. They are worked out again no sooner than `due_at`.
    """

    project = models.OneToOneField(
        Project, models.CASCADE, primary_key=True, related_name="routing_figures"
    )
    figures = models.JSONField(default=dict)
    news = models.CharField(max_length=100, blank=True)
    computed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "routing_figures"
        constraints = [
            models.CheckConstraint(
                condition=Q(computed_at__isnull=True) | ~Q(figures={}),
                name="routing_figures_computed_has_figures",
            )
        ]
