from typing import Any

from django import forms

from annotation.models import Project
from curation.domain.selection.rankings import Rule
from curation.domain.selection.wish import (
    LOWEST,
    MOST_MINUTES,
    MOST_PICKED,
    MOST_SUBSET,
    MOST_WEIGHT,
    Wish,
    signal_name,
    wish_of,
)
from curation.domain.vocabulary import SelectionMethod
from curation.selectors import selection_choices

METHODS = [
    (SelectionMethod.COMPARISONS.value, "comparisons, to be judged first"),
    (SelectionMethod.RESPONSES.value, "a few responses of each item, to be compared first"),
]
RULES = [
    (Rule.BORDA.value, "mean of the rankings (Borda)"),
    (Rule.MEDIAN.value, "median of the rankings"),
]
FLOORS = [
    ("none", "no floors"),
    ("proportional", "as many as its share of the candidates"),
    ("given", "as I say below"),
]
SIGNALS = ("first", "second", "third")
OF_COMPARISONS = ("minutes", "weight")
OF_RESPONSES = ("k", "quality", "subset_weight")


class ScopeForm(forms.Form):
    """What is picked, and by which groups: the rest of the form depends on it."""

    method = forms.ChoiceField(required=False, choices=METHODS, label="Pick")
    groups = forms.ChoiceField(required=False, label="Group by")

    def __init__(self, *args: Any, project: Project, **options: Any) -> None:
        super().__init__(*args, **options)
        groupings = selection_choices.groupings(project)
        self.fields["groups"].choices = [("", "nothing"), *groupings]

    def chosen(self) -> tuple[str, str]:
        """Method and grouping; what is not understood is passed over."""
        self.is_valid()
        method = self.cleaned_data.get("method") or METHODS[0][0]
        return method, self.cleaned_data.get("groups") or ""


class SelectionForm(forms.Form):
    """What a selection picks. Its fields spell a wish."""

    first = forms.ChoiceField(required=False, label="Score by")
    second = forms.ChoiceField(required=False, label="and by")
    third = forms.ChoiceField(required=False, label="and by")
    rule = forms.ChoiceField(
        choices=RULES,
        label="Several together as",
        help_text="A single signal counts by its value.",
    )
    n = forms.IntegerField(required=False, min_value=1, max_value=MOST_PICKED, label="How many")
    minutes = forms.FloatField(
        required=False,
        min_value=0,
        max_value=MOST_MINUTES,
        label="Minutes of reading, at most",
        help_text="Each text is read once, at 238 words a minute. Empty: no budget.",
    )
    weight = forms.FloatField(
        required=False,
        min_value=0,
        max_value=MOST_WEIGHT,
        label="Weight of diversity",
        help_text="0 picks by score alone; 1 counts being like an earlier pick as much as the "
        "whole range of the score.",
    )
    k = forms.IntegerField(min_value=2, max_value=MOST_SUBSET, label="Responses of each item")
    quality = forms.ChoiceField(required=False, label="What makes a response good")
    subset_weight = forms.FloatField(
        min_value=0,
        max_value=MOST_WEIGHT,
        label="Weight of their difference",
        help_text="0 takes the best ones, however alike.",
    )
    leaves_out_duplicates = forms.BooleanField(
        required=False, label="Leave out duplicates that another item stands for"
    )
    floors = forms.ChoiceField(
        choices=FLOORS, label="At least of each group", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, project: Project, scope: tuple[str, str], **options: Any):
        super().__init__(*args, **{"initial": initial_of(Wish())} | options)
        self.method, self.groups = scope
        is_responses = self.method == SelectionMethod.RESPONSES
        for name in OF_COMPARISONS if is_responses else OF_RESPONSES:
            del self.fields[name]
        if not self.groups:
            del self.fields["floors"]
        if is_responses:
            self.fields["quality"].choices = selection_choices.qualities(project)
            self.fields["n"].label = "How many items"
        self.signals = selection_choices.ranked_signals(project)
        for name in SIGNALS:
            self.fields[name].choices = [("", "nothing"), *self._directions()]
        if self.signals:
            self.initial["first"] = self.signals[0].name
        self.available = selection_choices.available(project, self.groups)

    def _directions(self) -> list[tuple[str, str]]:
        return [
            (f"{sign}{signal.name}", f"{signal.name}, {words}")
            for signal in self.signals
            for sign, words in (("", "highest first"), (LOWEST, "lowest first"))
        ]

    def chosen_signals(self) -> list[dict[str, str]]:
        """What each offered signal means, for the page."""
        return [{"name": one.name, "meaning": one.meaning} for one in self.signals]

    def group_rows(self) -> list[dict[str, Any]]:
        """The groups that can be given a floor by hand, with what was entered."""
        entered = dict(zip(self._listed("group"), self._listed("least"), strict=False))
        shown = self.available[: selection_choices.MOST_GROUPS]
        return [{"name": name, "available": n, "least": entered.get(name, "")} for name, n in shown]

    def wish(self) -> Wish:
        """The form's fields as the service takes them.

        Raises:
            InvalidField: they contradict each other.
        """
        given = self.cleaned_data
        signals = [given[name] for name in SIGNALS if given.get(name)]
        listed = {signal_name(name): name for name in reversed(signals)}
        kept = {
            name: given[name]
            for name in ("rule", "n", "minutes", "weight", "k", "quality", "subset_weight")
            if given.get(name) is not None
        }
        return wish_of(
            kept
            | {
                "method": self.method,
                "groups": self.groups,
                "signals": list(reversed(listed.values())),
                "floors": given.get("floors", "none"),
                "leasts": self._leasts() if given.get("floors") == "given" else {},
                "leaves_out_duplicates": given["leaves_out_duplicates"],
            }
        )

    def _leasts(self) -> dict[str, Any]:
        """Floors as whole numbers; what is no number goes on as it is, to be refused."""
        pairs = zip(self._listed("group"), self._listed("least"), strict=False)
        return {
            name: int(least) if least.isdecimal() and len(least) < 8 else least
            for name, least in pairs
            if least.strip()
        }

    def _listed(self, name: str) -> list[str]:
        return self.data.getlist(name) if self.is_bound else []


def initial_of(wish: Wish) -> dict[str, Any]:
    return {
        "rule": wish.rule,
        "n": 100,
        "weight": 0,
        "k": wish.k,
        "subset_weight": wish.subset_weight,
        "leaves_out_duplicates": wish.leaves_out_duplicates,
        "floors": wish.floors,
    }
