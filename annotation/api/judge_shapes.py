"""The shapes of judges, for the schema and to read bodies. No key is ever in an answer."""

from rest_framework import serializers

from annotation.domain.judges.money import MOST
from annotation.domain.vocabulary import (
    BatchState,
    JudgeState,
    OrderPolicy,
    RunPurpose,
    RunState,
    TemplateKind,
)


def money(**options: object) -> serializers.DecimalField:
    """An amount in units of currency; a string in answers, so that no digit is lost."""
    return serializers.DecimalField(
        max_digits=16, decimal_places=6, min_value=0, max_value=MOST, **options
    )


def price(**options: object) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=12,
        decimal_places=6,
        min_value=0,
        max_value=100_000,
        help_text="For a million tokens; 0 where nothing is paid.",
        **options,
    )


class NewEndpoint(serializers.Serializer):
    """A server that answers chat completions. The key is named, or given once and never told."""

    name = serializers.CharField(max_length=100)
    base_url = serializers.CharField(max_length=500)
    key_variable = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Begins with JUDGE_KEY_."
    )
    key = serializers.CharField(
        required=False, allow_blank=True, max_length=2000, write_only=True, trim_whitespace=False
    )
    max_concurrency = serializers.IntegerField(required=False, min_value=1, max_value=256)
    timeout_seconds = serializers.IntegerField(required=False, min_value=1, max_value=600)
    takes_batches = serializers.BooleanField(required=False)
    batch_price_share = serializers.DecimalField(
        required=False,
        max_digits=4,
        decimal_places=3,
        min_value=0,
        max_value=1,
        help_text="What a request in a batch costs, as a share of the judge’s price.",
    )


class NewTemplate(serializers.Serializer):
    """What the judge is told. The same content under the same name makes no new number."""

    name = serializers.SlugField(max_length=60)
    kind = serializers.ChoiceField(choices=list(TemplateKind), required=False)
    asks_why = serializers.BooleanField(required=False)
    uses_reference = serializers.BooleanField(required=False)
    instructions = serializers.CharField(max_length=20_000, trim_whitespace=False)


class NewJudge(serializers.Serializer):
    """A judge to configure. `endpoint` names one of the project, or `new_endpoint` describes one;
    `template` names one of the project or a starter, or `new_template` describes one."""

    name = serializers.CharField(max_length=100)
    endpoint = serializers.CharField(required=False, max_length=100)
    new_endpoint = NewEndpoint(required=False)
    template = serializers.CharField(required=False, max_length=60)
    new_template = NewTemplate(required=False)
    model_name = serializers.CharField(max_length=200)
    family = serializers.CharField(required=False, allow_blank=True, max_length=60)
    price_in = price()
    price_out = price()
    budget = money()
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    max_tokens = serializers.IntegerField(required=False, min_value=1, max_value=32_000)
    seed = serializers.IntegerField(
        required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1
    )
    n_samples = serializers.IntegerField(required=False, min_value=1, max_value=20)
    reads_logprobs = serializers.BooleanField(required=False)
    order_policy = serializers.ChoiceField(choices=list(OrderPolicy), required=False)


class JudgeChange(serializers.Serializer):
    """What may change while the judge stays the same."""

    state = serializers.ChoiceField(choices=list(JudgeState), required=False)
    budget = money(required=False)


class Judge(serializers.Serializer):
    """A configured judge. Money is in units of currency, as text."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    number = serializers.IntegerField()
    annotator = serializers.IntegerField()
    state = serializers.ChoiceField(choices=list(JudgeState))
    state_reason = serializers.CharField()
    endpoint = serializers.CharField()
    template = serializers.CharField()
    template_number = serializers.IntegerField()
    model_name = serializers.CharField()
    family = serializers.CharField()
    temperature = serializers.FloatField()
    max_tokens = serializers.IntegerField()
    seed = serializers.IntegerField(allow_null=True)
    n_samples = serializers.IntegerField()
    reads_logprobs = serializers.BooleanField()
    order_policy = serializers.ChoiceField(choices=list(OrderPolicy))
    price_in = serializers.CharField()
    price_out = serializers.CharField()
    budget = serializers.CharField()
    spent = serializers.CharField()
    reserved = serializers.CharField()
    created_at = serializers.DateTimeField()


class NewRun(serializers.Serializer):
    """An order to ask. `comparisons` is "all", "judged_by_people", a number to draw by chance, or
    a list of items by their ids; a trial chooses twenty by itself where it is left out."""

    purpose = serializers.ChoiceField(choices=[RunPurpose.TRIAL, RunPurpose.RUN])
    comparisons = serializers.JSONField(required=False)
    by_batch = serializers.BooleanField(
        required=False, help_text="Cheaper, and answered within a day; not for trials."
    )


class RunChange(serializers.Serializer):
    state = serializers.ChoiceField(choices=[RunState.RUNNING, RunState.PAUSED, RunState.CANCELLED])


class Run(serializers.Serializer):
    number = serializers.IntegerField()
    purpose = serializers.ChoiceField(choices=list(RunPurpose))
    state = serializers.ChoiceField(choices=list(RunState))
    by_batch = serializers.BooleanField()
    n_comparisons = serializers.IntegerField()
    n_requests = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class Batch(serializers.Serializer):
    """Requests that an endpoint answers together, within a day."""

    state = serializers.ChoiceField(choices=list(BatchState))
    sentence = serializers.CharField()
    n_requests = serializers.IntegerField()
    n_answered = serializers.IntegerField()
    n_missing = serializers.IntegerField(help_text="Left out by the endpoint, and asked again.")
    submitted_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    remarks = serializers.CharField()


class RunProgress(Run):
    """A run in counts. `cost` is in units of currency, as text; `waits_for` says what keeps the
    rest from being sent."""

    n_over = serializers.IntegerField(help_text="Requests that are answered or given up.")
    by_state = serializers.DictField(child=serializers.IntegerField())
    by_status = serializers.DictField(child=serializers.IntegerField())
    cost = serializers.CharField()
    n_cached = serializers.IntegerField()
    n_lost = serializers.IntegerField(help_text="Calls that may have been paid for in vain.")
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True, help_text="Of an answer, the median.")
    seconds_high = serializers.FloatField(allow_null=True, help_text="95 % are below it.")
    rate = serializers.FloatField(help_text="Answers a second over the last minute.")
    left = serializers.FloatField(allow_null=True, help_text="Seconds, while it moves.")
    n_unwritten = serializers.IntegerField(
        help_text="Comparisons of a large order whose requests are still to be written."
    )
    waits_for_money = serializers.BooleanField()
    waits_for = serializers.CharField()
    batches = Batch(many=True, help_text="The newest ten, of a run by batch.")
