from django import forms

from annotation.domain.vocabulary import Outcome
from annotation.selectors.paging import Cursor

HIGHEST_KEY = 2**63 - 2


class CursorForm(forms.Form):
    after = forms.IntegerField(
        required=False, min_value=0, max_value=HIGHEST_KEY, widget=forms.HiddenInput
    )
    before = forms.IntegerField(
        required=False, min_value=0, max_value=HIGHEST_KEY, widget=forms.HiddenInput
    )

    def cursor(self) -> Cursor:
        return Cursor(self.cleaned_data.get("after"), self.cleaned_data.get("before"))


class ItemFilter(CursorForm):
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "any"),
            ("open", "has open slots"),
            ("unjudged", "no judgments"),
            ("judged", "has judgments"),
            ("settled", "settled"),
            ("disputed", "disputed"),
        ],
    )
    id = forms.CharField(required=False, max_length=200, label="Id begins with", strip=False)
    q = forms.CharField(required=False, max_length=200, label="Prompt contains", strip=False)


class JudgmentFilter(CursorForm):
    by = forms.IntegerField(
        required=False, min_value=1, max_value=HIGHEST_KEY, widget=forms.HiddenInput
    )
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "any"), *[(one.value, one.value.replace("_", " ")) for one in Outcome]],
    )


class VersionFilter(forms.Form):
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
