import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotation.domain.vocabulary import (
    CalibrationMethod,
    JudgeState,
    OrderPolicy,
    TemplateKind,
)
from annotation.models.choices import choices_of, one_of
from annotation.models.endpoints import Endpoint
from annotation.models.people import Annotator
from annotation.models.projects import Project


class PromptTemplate(models.Model):
    """What a judge is told to do. Fact: a change makes the next number under the same name.

    `instructions` hold no places to fill in: Quorum itself adds the texts, encoded so that none of
    them can pass for an instruction. `digest` covers all that shapes the request.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="prompt_templates")
    name = models.SlugField(max_length=60)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=choices_of(TemplateKind))
    asks_why = models.BooleanField(default=True)
    uses_reference = models.BooleanField(default=False)
    instructions = models.TextField()
    digest = models.BinaryField(max_length=32)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "prompt_template"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "number"], name="prompt_template_number_once_per_name"
            ),
            one_of("kind", TemplateKind, "prompt_template_kind_known"),
            models.CheckConstraint(condition=~Q(instructions=""), name="prompt_template_instructs"),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="prompt_template_never_changes",
                fields=["name", "number", "kind", "asks_why", "instructions", "digest"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Judge(models.Model):
    """A configured LLM annotator. What it is asked, and with what, never changes: a change makes
    the next number under the same name, which is another annotator.

    Money is counted in millionths: `price_in` and `price_out` are for a million tokens in whole
    units of currency, so a token costs as many millionths. `reserved` is set aside for requests on
    their way; `spent` and `reserved` together never exceed `budget`. `unaffordable` is the least
    that a request may cost which did not fit into what was left: until that is free none is taken.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="judges", db_index=False)
    annotator = models.OneToOneField(Annotator, models.PROTECT, related_name="judge")
    name = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="judges")
    template = models.ForeignKey(PromptTemplate, models.PROTECT, related_name="judges")
    model_name = models.CharField(max_length=200)
    family = models.CharField(max_length=60, blank=True)
    temperature = models.FloatField(default=0.0)
    max_tokens = models.PositiveIntegerField(default=512)
    seed = models.IntegerField(null=True, blank=True)
    n_samples = models.PositiveSmallIntegerField(default=1)
    reads_logprobs = models.BooleanField(default=True)
    order_policy = models.CharField(
        max_length=4, choices=choices_of(OrderPolicy), default=OrderPolicy.BOTH
    )
    price_in = models.DecimalField(max_digits=12, decimal_places=6)
    price_out = models.DecimalField(max_digits=12, decimal_places=6)
    budget = models.PositiveBigIntegerField()
    reserved = models.PositiveBigIntegerField(default=0)
    spent = models.PositiveBigIntegerField(default=0)
    unaffordable = models.PositiveBigIntegerField(default=0, db_default=0)
    state = models.CharField(
        max_length=9, choices=choices_of(JudgeState), default=JudgeState.ACTIVE
    )
    state_reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "judge"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "number"], name="judge_number_once_per_name"
            ),
            one_of("order_policy", OrderPolicy, "judge_order_policy_known"),
            one_of("state", JudgeState, "judge_state_known"),
            models.CheckConstraint(
                condition=Q(n_samples__range=(1, 20)), name="judge_samples_1_to_20"
            ),
            models.CheckConstraint(
                condition=Q(temperature__range=(0, 2)), name="judge_temperature_0_to_2"
            ),
            models.CheckConstraint(
                condition=Q(max_tokens__range=(1, 32_000)), name="judge_tokens_1_to_32000"
            ),
            models.CheckConstraint(
                condition=Q(price_in__gte=0, price_out__gte=0), name="judge_prices_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(budget__gte=F("spent") + F("reserved")), name="judge_within_budget"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="judge_never_asked_otherwise",
                fields=[
                    "annotator",
                    "name",
                    "number",
                    "endpoint",
                    "template",
                    "model_name",
                    "temperature",
                    "max_tokens",
                    "seed",
                    "n_samples",
                    "reads_logprobs",
                    "order_policy",
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Calibration(models.Model):
    """How an LLM annotator's probabilities are made honest, from people's labels. Derived.

    Numbered: the highest number holds. `parameters` are the temperature or the isotonic knots,
    `evaluation` what was measured on labels held out (ECE, Brier, reliability bins, before and
    after).
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="calibrations", db_index=False
    )
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=11, choices=choices_of(CalibrationMethod))
    parameters = models.JSONField(default=dict)
    evaluation = models.JSONField(default=dict)
    n_labelled = models.PositiveIntegerField()
    n_changes = models.PositiveBigIntegerField(default=0)
    fitted_at = models.DateTimeField()

    class Meta:
        db_table = "calibration"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "annotator", "number"],
                name="calibration_number_once_per_annotator",
            ),
            one_of("method", CalibrationMethod, "calibration_method_known"),
        ]
