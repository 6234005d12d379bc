from datetime import timedelta
from typing import Any

from django import forms

from annotation.domain.vocabulary import CriterionKind, ResponseFormat
from annotation.models import Project
from annotation.services.projects import CriterionDraft

LABELS = {
    "pairwise": "Pairwise: two responses side by side",
    "ranking": "Ranking: 2 to 9 responses put in order",
    "all_pairs": "All pairs of an item's responses",
    "budgeted": "A budgeted subset of the pairs",
    "best_versus_rest": "The best against the rest, once a first ranking exists",
    "auto": "By annotators' errors, once there are votes enough to know them; else evenly",
    "posterior_mean": "Evenly: every annotator weighs one",
    "dawid_skene": "By annotators' errors (Dawid-Skene)",
    "none": "None: do not ask why",
    "optional": "Optional: offer a field for it",
    "required": "Required: with a least length",
}
GROUPS = [
    ("What it is", ["name", "description", "license", "attribution"]),
    (
        "What is asked",
        ["response_format", "strength_levels", "allows_tie", "allows_both_bad", "allows_skip"],
    ),
    ("Why", ["rationale_policy", "rationale_min_chars", "reason_tags", "span_labels"]),
    (
        "How the work is handed out",
        ["overlap", "max_overlap", "lease_minutes", "pair_strategy", "pair_budget"],
    ),
    (
        "When a comparison is settled",
        ["consensus_method", "settle_min_votes", "settle_probability"],
    ),
]


class LinesField(forms.CharField):
    """A list of short texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 5})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        if long := next((line for line in lines if len(line) > 60), None):
            raise forms.ValidationError(f"“{long[:20]}…” is longer than 60 characters.")
        return list(dict.fromkeys(line for line in lines if line))


class NewProjectForm(forms.Form):
    name = forms.CharField(max_length=200)
    slug = forms.SlugField(
        max_length=100,
        help_text="Its name in addresses and commands: letters, digits, - and _. It never changes.",
    )
    response_format = forms.ChoiceField(
        choices=[(one.value, LABELS[one]) for one in ResponseFormat],
        label="Response format",
        help_text="It stays as it is once comparisons exist.",
    )
    overlap = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=1,
        help_text="How many people judge each comparison.",
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))


class SettingsForm(forms.ModelForm):
    reason_tags = LinesField(
        required=False, help_text="One per line: what an annotator can tick as a reason."
    )
    span_labels = LinesField(
        required=False, help_text="One per line: how a stretch of a response can be marked."
    )
    lease_minutes = forms.FloatField(
        min_value=0.5,
        max_value=7 * 24 * 60,
        label="Lease, in minutes",
        help_text="How long a comparison is kept for whoever opened it.",
    )

    class Meta:
        model = Project
        fields = [field for _, group in GROUPS for field in group if field != "lease_minutes"]
        labels = {
            "allows_tie": "“Equally good” is an answer",
            "allows_both_bad": "“Both are bad” is an answer",
            "allows_skip": "A comparison may be skipped",
            "rationale_policy": "Rationale",
            "rationale_min_chars": "Least length of a rationale",
            "settle_min_votes": "Least number of votes",
            "settle_probability": "Least probability of the leading outcome",
            "pair_strategy": "Pairs of an item with several responses",
            "max_overlap": "Most judgments while votes disagree",
            "consensus_method": "How votes add up",
        }
        help_texts = {
            "response_format": "It cannot change once comparisons exist.",
            "overlap": "How many people judge each comparison. More opens further slots on all of "
            "them at once; fewer closes free ones. What is judged or in somebody's hands stays.",
            "max_overlap": "A comparison that its judgments do not settle gets one more at a time, "
            "up to so many. Empty: no more than the overlap.",
            "consensus_method": "Changing this works every consensus out again. Errors are known "
            "once comparisons have two votes on average and most annotators have given ten.",
            "rationale_min_chars": "In characters; 0 where it is not required.",
            "pair_strategy": "It counts for items that are imported from now on.",
            "settle_min_votes": "Changing this works every consensus out again.",
            "settle_probability": "Between 0 and 1. Changing this works every consensus out again.",
            "attribution": "Whom to name when the data is published.",
            "license": "Under which the items stand, such as CC BY 4.0.",
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "attribution": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["lease_minutes"] = self.instance.lease / timedelta(minutes=1)
        for name in ("response_format", "rationale_policy", "pair_strategy", "consensus_method"):
            field = self.fields[name]
            field.choices = [(key, LABELS[key]) for key, _ in field.choices if key]
        self.fields["settle_probability"].widget.attrs |= {"min": 0, "max": 1, "step": "any"}

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in GROUPS]

    def changes(self) -> dict[str, Any]:
        minutes = self.cleaned_data["lease_minutes"]
        changes = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return changes | {"lease": timedelta(minutes=minutes)}

    def _post_clean(self) -> None:
        """Leave the rules to the service, which refuses with the sentence for its reader."""


class CriterionForm(forms.Form):
    key = forms.SlugField(max_length=60)
    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(
        choices=[
            (CriterionKind.PREFERENCE, "preference: which is better"),
            (CriterionKind.RATING, "rating: a number for each"),
        ]
    )
    scale_min = forms.IntegerField(min_value=-100, max_value=1000, initial=1, label="Lowest")
    scale_max = forms.IntegerField(min_value=-100, max_value=1000, initial=5, label="Highest")
    description = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("scale_min", 0) >= given.get("scale_max", 1):
            self.add_error("scale_max", "The highest must be above the lowest.")
        return given


class BaseCriteria(forms.BaseFormSet):
    def drafts(self) -> list[CriterionDraft]:
        kept = [form for form in self.forms if form.has_changed() or form.initial]
        kept = [form.cleaned_data for form in kept if form not in self.deleted_forms]
        kept.sort(key=lambda given: (given["ORDER"] is None, given["ORDER"]))
        return [
            CriterionDraft(
                key=given["key"],
                name=given["name"],
                kind=CriterionKind(given["kind"]),
                description=given["description"],
                scale_min=given["scale_min"],
                scale_max=given["scale_max"],
            )
            for given in kept
        ]


CriteriaFormSet = forms.formset_factory(
    CriterionForm, formset=BaseCriteria, extra=0, can_order=True, can_delete=True, max_num=30
)


class GuidelinesForm(forms.Form):
    text = forms.CharField(
        strip=False,
        required=False,
        max_length=200_000,
        label="Guidelines, in Markdown",
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true"}),
    )

    def clean_text(self) -> str:
        # A browser sends every line end of a text field as CR LF, whatever was typed.
        return self.cleaned_data["text"].replace("\r\n", "\n")
