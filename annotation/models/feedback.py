import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import FeedbackKind
from annotation.models.choices import choices_of, one_of
from annotation.models.items import Item, Response
from annotation.models.judgments import Judgment
from annotation.models.people import Annotator
from annotation.models.projects import Project


class FeedbackEvent(models.Model):
    """What a user did with an answer in a product, as it was recorded there. Fact.

    `other_response` is the edited text, or the answer that replaced this one. `user_hash` names the
    user without telling who it is. `judgment` is the weak one that a versioned rule made of it.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", db_index=False)
    response = models.ForeignKey(Response, models.PROTECT, related_name="+", db_index=False)
    other_response = models.ForeignKey(
        Response, models.PROTECT, null=True, related_name="+", db_index=False
    )
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=choices_of(FeedbackKind))
    value = models.FloatField(null=True)
    user_hash = models.CharField(max_length=64)
    happened_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    imported_at = models.DateTimeField()

    class Meta:
        db_table = "feedback_event"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"], name="feedback_event_once_per_project"
            ),
            one_of("kind", FeedbackKind, "feedback_event_kind_known"),
        ]
        indexes = [
            models.Index(fields=["project", "kind", "id"], name="feedback_event_of_project"),
            models.Index(fields=["item"], name="feedback_event_of_item"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="feedback_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class WeakJudgment(models.Model):
    """A judgment that a rule read out of feedback, and the event that settled it. Fact.

    One event may settle several pairs. What is written once is told apart by the judgment's client
    key.
    """

    judgment = models.OneToOneField(Judgment, models.PROTECT, related_name="feedback")
    event = models.ForeignKey(FeedbackEvent, models.PROTECT, related_name="judgments")
    kind = models.CharField(max_length=10, choices=choices_of(FeedbackKind))
    rule_version = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "weak_judgment"
        constraints = [
            one_of("kind", FeedbackKind, "weak_judgment_kind_known"),
        ]


class FeedbackTrust(models.Model):
    """How often feedback of one kind is right, from comparisons that people judged too. Derived.

    `weight` is the posterior mean of that share, `low` and `high` its interval; `n_users` and
    `response_rate` tell how many speak for how many.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=choices_of(FeedbackKind))
    n_anchors = models.PositiveIntegerField()
    n_right = models.FloatField()
    weight = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    n_events = models.PositiveIntegerField()
    n_users = models.PositiveIntegerField()
    response_rate = models.FloatField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "feedback_trust"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind"], name="feedback_trust_once_per_kind"
            ),
            one_of("kind", FeedbackKind, "feedback_trust_kind_known"),
            models.CheckConstraint(
                condition=Q(weight__range=(0, 1)), name="feedback_trust_weight_0_to_1"
            ),
        ]


class Profile(models.Model):
    """What an annotator tells about themselves, and what they agreed to. May change.

    Expertise and languages serve routing. Demographics are kept only after `consented_at`, and
    leave this place only with `may_export`, in groups of ten or more.
    """

    annotator = models.OneToOneField(
        Annotator, models.CASCADE, primary_key=True, related_name="profile"
    )
    expertise = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    languages = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    demographics = models.JSONField(default=dict, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    may_export = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "profile"
        constraints = [
            models.CheckConstraint(
                condition=Q(demographics={}) | Q(consented_at__isnull=False),
                name="profile_demographics_only_with_consent",
            ),
            models.CheckConstraint(
                condition=Q(may_export=False) | Q(consented_at__isnull=False),
                name="profile_exported_only_with_consent",
            ),
        ]
