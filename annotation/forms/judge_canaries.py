from django import forms

CHOICES = (
    (50, "50: enough to suspend a judge that clearly obeys"),
    (100, "100: each attack about twice"),
    (200, "200"),
    (500, "500: tells kinds of attacks apart"),
)


class CheckForm(forms.Form):
    n = forms.TypedChoiceField(
        choices=CHOICES,
        coerce=int,
        initial=100,
        label="How many canaries",
        widget=forms.RadioSelect,
    )
