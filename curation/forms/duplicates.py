from typing import Any

from django import forms

from curation.domain.duplicates.policy import EVIDENCE, LINKAGES, WHAT, Policy
from curation.domain.vocabulary import DuplicateKind, RepresentativeRule
from curation.selectors.duplicate_links import PolicyInForce

KINDS = [
    ("", "every kind"),
    ("exact", "exact: the same texts, however typed"),
    ("near", "near: nearly the same words"),
    ("semantic", "semantic: the same in other words"),
]
ORDERS = [("certainty", "least certain first"), ("size", "biggest first")]
ACTIONS = [(word, word) for word in ("accept", "split", "merge", "undo")]
REPRESENTATIVES = [
    (RepresentativeRule.JUDGED.value, "the item with most judgments"),
    (RepresentativeRule.FIRST.value, "the item that was imported first"),
    (RepresentativeRule.LONGEST.value, "the item with the longest prompt"),
]
WHAT_COUNTS = dict(
    zip(WHAT, ("the prompt", "the prompt and the responses", "the responses"), strict=True)
)
HELP = {
    "what": "Which texts have to be the same.",
    "threshold": "Least score, above 0 and at most 1.",
    "floor": "Least similarity at which a pair is looked at; lowering it searches anew.",
    "linkage": "How a group is joined: by its best pair, the mean over all, or its worst.",
    "evidence": "What the score is made of; another one searches anew.",
}
LARGEST = 2**63 - 1


class Keys(forms.Field):
    """Ids from several inputs, each with one or more of them, with commas between."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        written = [key for part in value or [] for key in part.split(",") if key]
        if not all(key.isascii() and key.isdigit() and int(key) <= LARGEST for key in written):
            raise forms.ValidationError("These are no items of this page; reload it.")
        return [int(key) for key in written]


class DuplicateFilter(forms.Form):
    kind = forms.ChoiceField(required=False, choices=KINDS)
    order = forms.ChoiceField(required=False, choices=ORDERS)
    after = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def clean_order(self) -> str:
        return self.cleaned_data["order"] or ORDERS[0][0]


class DecisionForm(forms.Form):
    """What somebody decided: about a group and items of it, several groups, or a decision."""

    action = forms.ChoiceField(choices=ACTIONS)
    group = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    decision = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    items = Keys(required=False)
    groups = Keys(required=False)


class PolicyForm(forms.Form):
    """A policy: five fields for each kind of evidence, and who stands for a group."""

    representative = forms.ChoiceField(choices=REPRESENTATIVES, label="What stands for a group")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for kind in DuplicateKind:
            for name, field in rule_fields(kind).items():
                self.fields[f"{kind}-{name}"] = field

    def kinds(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of each kind, for the page."""
        labels = dict(KINDS)
        return [
            (
                labels[kind.value],
                [self[name] for name in self.fields if name.startswith(f"{kind}-")],
            )
            for kind in DuplicateKind
        ]

    def rules(self) -> dict[str, dict[str, Any]]:
        return {
            kind.value: {
                name.removeprefix(f"{kind}-"): value
                for name, value in self.cleaned_data.items()
                if name.startswith(f"{kind}-")
            }
            for kind in DuplicateKind
        }


def rule_fields(kind: DuplicateKind) -> dict[str, forms.Field]:
    """The fields of one kind; of exact duplicates only what is theirs to choose."""
    evidence = [(word, word) for word in EVIDENCE[kind]]
    fields: dict[str, forms.Field] = {
        "what": forms.ChoiceField(choices=list(WHAT_COUNTS.items()), label="What counts"),
        "evidence": forms.ChoiceField(choices=evidence, label="Evidence"),
    }
    if kind != DuplicateKind.EXACT:
        for name in ("threshold", "floor"):
            fields[name] = forms.FloatField(min_value=0.01, max_value=1, label=name.capitalize())
            fields[name].widget.attrs["step"] = "any"
        linkages = [(word, word) for word in LINKAGES]
        fields["linkage"] = forms.ChoiceField(choices=linkages, label="Linkage")
    for name, field in fields.items():
        field.help_text = HELP[name]
    return fields


def values_of_policy(in_force: PolicyInForce) -> dict[str, Any]:
    policy: Policy = in_force.policy
    values: dict[str, Any] = {"representative": in_force.representative.value}
    for kind in DuplicateKind:
        rule = policy.rule(kind)
        for name in rule_fields(kind):
            values[f"{kind}-{name}"] = getattr(rule, name)
    return values
