from typing import Any

from django import forms

from annotation.domain.profiles import QUESTIONS, UNSAID
from annotation.models import Profile


class KnowledgeForm(forms.Form):
    expertise = forms.CharField(
        required=False,
        max_length=2000,
        label="Fields of expertise",
        help_text="With commas, such as: law, organic chemistry. Admins of your projects see them; "
        "comparisons that need an expert in a field go to those who name it.",
    )
    languages = forms.CharField(
        required=False,
        max_length=500,
        label="Languages",
        help_text="Codes with commas, such as: en, pt-BR. Admins of your projects see them.",
    )

    def lists(self) -> dict[str, list[str]]:
        return {name: text.split(",") for name, text in self.cleaned_data.items()}

    @classmethod
    def of(cls, profile: Profile | None) -> "KnowledgeForm":
        return cls(
            initial={
                "expertise": ", ".join(profile.expertise),
                "languages": ", ".join(profile.languages),
            }
            if profile
            else {}
        )


class ConsentForm(forms.Form):
    """One choice for each question, and the two agreements."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in QUESTIONS:
            choices = [("", "–"), *((c, c) for c in (*question.choices, UNSAID))]
            self.fields[question.key] = forms.ChoiceField(
                choices=choices, required=False, label=question.label
            )
        self.fields["agrees"] = forms.BooleanField(
            label="I agree that my answers are kept for this purpose",
            error_messages={"required": "Without your agreement nothing of this is kept."},
        )
        self.fields["may_export"] = forms.BooleanField(
            required=False,
            label="They may also be published with datasets, in groups of ten or more",
        )

    def answers(self) -> dict[str, str]:
        return {question.key: self.cleaned_data[question.key] for question in QUESTIONS}

    @classmethod
    def of(cls, profile: Profile | None) -> "ConsentForm":
        told = profile.demographics if profile else {}
        return cls(initial={**told, "may_export": bool(profile and profile.may_export)})


class ExpertiseForm(forms.Form):
    expertise = forms.CharField(required=False, max_length=2000)

    def tags(self) -> list[str]:
        return str(self.cleaned_data["expertise"]).split(",")
