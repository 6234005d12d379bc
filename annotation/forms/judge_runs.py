from typing import Any

from django import forms

from annotation.models import Endpoint
from annotation.selectors.judge_runs import Among


class RunForm(forms.Form):
    among = forms.ChoiceField(
        choices=[
            (Among.JUDGED, "Those that people have judged: to measure the judge"),
            (Among.SOME, "Some, drawn by chance"),
            (Among.ALL, "All without its verdict"),
        ],
        initial=Among.JUDGED,
        label="Which comparisons",
        widget=forms.RadioSelect,
    )
    n = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        initial=100,
        required=False,
        label="At most",
        help_text="How many of them to ask about; leave it empty for no limit.",
    )
    by_batch = forms.BooleanField(
        required=False,
        label="By batch: cheaper, and answered within a day",
        help_text="Without it they are asked at once.",
    )

    def __init__(self, endpoint: Endpoint, *args: Any) -> None:
        super().__init__(*args)
        if not endpoint.takes_batches:
            del self.fields["by_batch"]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("among") == Among.SOME and not given.get("n"):
            self.add_error("n", "Say how many to draw.")
        return given
