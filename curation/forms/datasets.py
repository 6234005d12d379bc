from typing import Any

from django import forms

from annotation.models import User
from curation.domain.recipes import Recipe, recipe_of
from curation.models import Dataset
from curation.selectors.datasets import readable_projects

KINDS = [("human", "people"), ("llm", "LLM judges")]
PAIRS = [
    ("best_versus_rest", "the best response against each of the others"),
    ("all_pairs", "every pair that is not a tie"),
    ("adjacent", "each response against the next one down"),
]
DROPS = [
    ("low_agreement", "annotators disagree more than the limit below"),
    ("empty_response", "a response is empty"),
    ("unsafe", "an annotator marked it as unsafe"),
    ("duplicate", "another item of its group of duplicates stands for it"),
]
GROUPS = [
    ("exact", "exact: the same texts, however typed"),
    ("near", "near: nearly the same words"),
    ("semantic", "semantic: the same in other words"),
]


class DatasetForm(forms.Form):
    """What the next version is cut from. Its fields spell a recipe."""

    name = forms.CharField(max_length=200, strip=False)
    description = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stands on the dataset card.",
    )
    projects = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    kinds = forms.MultipleChoiceField(
        choices=KINDS, widget=forms.CheckboxSelectMultiple, label="Count the votes of"
    )
    min_votes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=10_000,
        label="Least number of votes",
        help_text="Left empty, each project's own rule decides.",
    )
    min_probability = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Least probability of the winner",
        help_text="From 0 to 1. Left empty, each project's own rule decides.",
    )
    drop = forms.MultipleChoiceField(
        required=False,
        choices=DROPS,
        widget=forms.CheckboxSelectMultiple,
        label="Also drop a comparison where",
        help_text="Without votes, unsettled, tied, both bad, or identical: always dropped.",
    )
    min_agreement = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Least agreement",
        help_text="A share of vote pairs, 0 to 1.",
    )
    pairs = forms.ChoiceField(
        choices=PAIRS, label="Pairs", help_text="What a ranking of more than two responses gives."
    )
    duplicates = forms.MultipleChoiceField(
        required=False,
        choices=GROUPS,
        widget=forms.CheckboxSelectMultiple,
        label="Groups of duplicates that count",
        help_text="Their items stay in one split, and are what is dropped as duplicates above.",
    )
    validation = forms.IntegerField(min_value=0, max_value=90, label="Validation, percent")
    test = forms.IntegerField(
        min_value=0,
        max_value=90,
        label="Test, percent",
        help_text="Prompts are split, never rows: equal prompts stay together.",
    )
    seed = forms.CharField(max_length=100, strip=False, label="Seed of the split")

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        readable = readable_projects(user).order_by("slug").values_list("slug", "name")
        self.fields["projects"].choices = list(readable)

    def wanted(self) -> dict[str, Any]:
        """The form's fields as the service takes them."""
        given = self.cleaned_data
        named = (
            *("kinds", "min_votes", "min_probability", "min_agreement"),
            *("drop", "pairs", "duplicates"),
        )
        split = {name: given[name] for name in ("seed", "validation", "test")}
        recipe = {name: given[name] for name in named} | {"split": split}
        return {name: given[name] for name in ("name", "description", "projects")} | {
            "recipe": recipe
        }


class NewDatasetForm(DatasetForm):
    slug = forms.SlugField(max_length=100, help_text="Its name in addresses and commands.")
    field_order = ["slug", "name"]

    def wanted(self) -> dict[str, Any]:
        return super().wanted() | {"slug": self.cleaned_data["slug"]}


def values_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a form shows it."""
    return {
        "kinds": recipe.kinds,
        "min_votes": recipe.min_votes,
        "min_probability": recipe.min_probability,
        "drop": recipe.drop,
        "min_agreement": recipe.min_agreement,
        "pairs": recipe.pairs,
        "duplicates": recipe.duplicates,
        "seed": recipe.split.seed,
        "validation": recipe.split.validation,
        "test": recipe.split.test,
    }


def values_of_dataset(dataset: Dataset) -> dict[str, Any]:
    return values_of(recipe_of(dataset.recipe)) | {
        "name": dataset.name,
        "description": dataset.description,
        "projects": list(dataset.projects.values_list("slug", flat=True)),
    }
