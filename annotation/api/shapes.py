"""The shapes of bodies, for the schema and for what has no parser of its own. They never save."""

from typing import Any

from rest_framework import serializers

from annotation.domain.answers import storable_text
from annotation.domain.vocabulary import (
    CannotJudgeReason,
    ConsensusMethod,
    CriterionKind,
    Outcome,
    PairStrategy,
    ProjectState,
    RationalePolicy,
    ResponseFormat,
)


def text_of(value: Any, field: str, longest: int) -> str:
    """Take a text as it is, byte for byte, or refuse it."""
    return storable_text(value, field, longest)


def tiers() -> serializers.ListField:
    ids = serializers.ListField(child=serializers.IntegerField())
    return serializers.ListField(child=ids, help_text="Tiers of response ids, best first.")


def exact_text(**options: Any) -> serializers.CharField:
    return serializers.CharField(trim_whitespace=False, allow_blank=True, **options)


class Criterion(serializers.Serializer):
    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=100)
    description = exact_text(required=False, max_length=10_000)
    kind = serializers.ChoiceField(choices=list(CriterionKind))
    scale_min = serializers.IntegerField(required=False, min_value=-1000, max_value=1000)
    scale_max = serializers.IntegerField(required=False, min_value=-1000, max_value=1000)


class Project(serializers.Serializer):
    """A campaign. `guidelines` published here become a new version of them."""

    slug = serializers.SlugField(max_length=100)
    name = serializers.CharField(max_length=200)
    description = exact_text(required=False, max_length=100_000)
    state = serializers.ChoiceField(choices=list(ProjectState), required=False)
    response_format = serializers.ChoiceField(choices=list(ResponseFormat), required=False)
    strength_levels = serializers.IntegerField(required=False, min_value=1, max_value=4)
    allows_tie = serializers.BooleanField(required=False)
    allows_both_bad = serializers.BooleanField(required=False)
    allows_skip = serializers.BooleanField(required=False)
    rationale_policy = serializers.ChoiceField(choices=list(RationalePolicy), required=False)
    rationale_min_chars = serializers.IntegerField(required=False, min_value=0, max_value=20_000)
    reason_tags = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=50
    )
    span_labels = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=50
    )
    overlap = serializers.IntegerField(required=False, min_value=0, max_value=100)
    max_overlap = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=100
    )
    consensus_method = serializers.ChoiceField(choices=list(ConsensusMethod), required=False)
    pair_strategy = serializers.ChoiceField(choices=list(PairStrategy), required=False)
    pair_budget = serializers.IntegerField(required=False, min_value=1, max_value=32_767)
    lease_seconds = serializers.IntegerField(required=False, min_value=30, max_value=604_800)
    settle_min_votes = serializers.IntegerField(required=False, min_value=0, max_value=32_767)
    settle_probability = serializers.FloatField(required=False, min_value=0, max_value=1)
    license = exact_text(required=False, max_length=100)
    attribution = exact_text(required=False, max_length=100_000)
    criteria = Criterion(many=True, required=False)
    guidelines = exact_text(required=False, max_length=200_000)


class Part(serializers.Serializer):
    type = serializers.CharField()
    text = serializers.CharField(required=False)


class Message(serializers.Serializer):
    role = serializers.CharField()
    content = Part(many=True)


class Candidate(serializers.Serializer):
    id = serializers.CharField()
    content = Part(many=True)
    messages = Message(many=True)
    model = serializers.CharField()


class Item(serializers.Serializer):
    id = serializers.CharField()
    messages = Message(many=True)
    responses = Candidate(many=True)
    meta = serializers.DictField()
    created_at = serializers.DateTimeField()


class NewItems(serializers.Serializer):
    """1 to 1,000 items as in the import files; all of them are written or none."""

    items = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=1000)


class ItemsWritten(serializers.Serializer):
    n_written = serializers.IntegerField()
    n_unchanged = serializers.IntegerField()


class Claim(serializers.Serializer):
    besides = serializers.ListField(child=serializers.IntegerField(), required=False, max_length=10)


class Lease(serializers.Serializer):
    slot = serializers.IntegerField()
    lease_ends_at = serializers.DateTimeField()
    lease_epoch = serializers.IntegerField()


class Shown(serializers.Serializer):
    id = serializers.IntegerField()
    content = Part(many=True)
    messages = Message(many=True)


class ComparisonShown(serializers.Serializer):
    """`responses` are in the order to show; say it back as `shown_order`."""

    id = serializers.IntegerField()
    context = serializers.CharField()
    messages = Message(many=True)
    other_messages = Message(many=True)
    responses = Shown(many=True)


class Work(Lease):
    comparison = ComparisonShown()


class Release(serializers.Serializer):
    lease_epoch = serializers.IntegerField(required=False)


class Skip(serializers.Serializer):
    reason = exact_text(required=False, max_length=1000)


class SpanGiven(serializers.Serializer):
    response = serializers.IntegerField()
    start = serializers.IntegerField(help_text="In code points of the text.")
    end = serializers.IntegerField(help_text="Not included.")
    label = serializers.CharField()
    criterion = exact_text(required=False)


class RationaleGiven(serializers.Serializer):
    text = exact_text(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    spans = SpanGiven(many=True, required=False)


class AnswerGiven(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=[o for o in Outcome if o != Outcome.UNPARSED])
    ranking = tiers()
    strength = serializers.IntegerField(required=False, allow_null=True)
    criteria = serializers.DictField(required=False)
    confidence = serializers.IntegerField(required=False, allow_null=True)
    is_unsafe = serializers.BooleanField(required=False)
    reason = serializers.ChoiceField(
        choices=list(CannotJudgeReason), required=False, allow_blank=True
    )
    rationale = RationaleGiven(required=False)
    shown_order = serializers.ListField(child=serializers.IntegerField())
    active_seconds = serializers.FloatField(required=False, allow_null=True)
    client_key = serializers.UUIDField(required=False)


class JudgmentTaken(serializers.Serializer):
    id = serializers.IntegerField()
    slot = serializers.IntegerField(allow_null=True)
    comparison = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=list(Outcome))
    ranking = tiers()
    strength = serializers.IntegerField(allow_null=True)
    supersedes = serializers.IntegerField(allow_null=True)
    is_late = serializers.BooleanField()
    judged_at = serializers.DateTimeField()


class NamedSpan(SpanGiven):
    response = serializers.CharField()


class NamedRationale(RationaleGiven):
    spans = NamedSpan(many=True)


class Judgment(serializers.Serializer):
    """A judgment as researchers read it: items and responses by their own ids."""

    id = serializers.IntegerField()
    external_id = serializers.CharField()
    item = serializers.CharField()
    comparison = serializers.IntegerField()
    responses = serializers.ListField(child=serializers.CharField())
    annotator = serializers.CharField()
    annotator_kind = serializers.CharField()
    outcome = serializers.ChoiceField(choices=list(Outcome))
    ranking = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    strength = serializers.IntegerField(allow_null=True)
    criteria = serializers.DictField()
    confidence = serializers.IntegerField(allow_null=True)
    is_unsafe = serializers.BooleanField()
    reason = serializers.CharField()
    rationale = NamedRationale(allow_null=True)
    shown_order = serializers.ListField(child=serializers.CharField(), allow_null=True)
    active_seconds = serializers.FloatField(allow_null=True)
    is_late = serializers.BooleanField()
    is_in_force = serializers.BooleanField()
    supersedes = serializers.IntegerField(allow_null=True)
    guidelines_version = serializers.IntegerField(allow_null=True)
    metadata = serializers.DictField()
    judged_at = serializers.DateTimeField()


class CriterionConsensus(serializers.Serializer):
    """What judgments say of one criterion; of a rating, `scores` are means of `n_ratings` each."""

    method = serializers.CharField()
    version = serializers.IntegerField()
    posterior = serializers.DictField(child=serializers.FloatField())
    scores = serializers.DictField(child=serializers.FloatField())
    n_ratings = serializers.DictField(child=serializers.IntegerField())
    ranking = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    agreement = serializers.FloatField(allow_null=True)
    n_votes = serializers.IntegerField()
    effective_votes = serializers.FloatField()
    is_settled = serializers.BooleanField()


class Consensus(serializers.Serializer):
    comparison = serializers.IntegerField()
    item = serializers.CharField()
    responses = serializers.ListField(child=serializers.CharField())
    method = serializers.CharField()
    version = serializers.IntegerField()
    posterior = serializers.DictField(child=serializers.FloatField())
    scores = serializers.DictField(child=serializers.FloatField())
    ranking = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    strength = serializers.FloatField(allow_null=True)
    agreement = serializers.FloatField(allow_null=True)
    n_judgments = serializers.IntegerField()
    n_votes = serializers.IntegerField()
    effective_votes = serializers.FloatField(
        help_text="What the votes are worth in votes of somebody who never errs."
    )
    criteria = serializers.DictField(child=CriterionConsensus())
    is_settled = serializers.BooleanField()
    computed_at = serializers.DateTimeField()


def page_of(shape: type[serializers.Serializer], name: str) -> type[serializers.Serializer]:
    """The shape of one page of a list."""
    fields = {"results": shape(many=True), "next": serializers.URLField(allow_null=True)}
    return type(f"{name}Page", (serializers.Serializer,), fields)
