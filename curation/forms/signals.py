from typing import Any

from django import forms

from curation.domain.signals.registry import signal_named
from curation.domain.signals.signal import Signal

FIRST = "relative_length_gap"


class SignalForm(forms.Form):
    """Which signal a page shows."""

    name = forms.ChoiceField(required=False, label="Signal")

    def __init__(self, *args: Any, names: list[tuple[str, list[str]]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].choices = [
            (family, [(name, name.replace("_", " ")) for name in listed])
            for family, listed in names
        ]

    def chosen(self) -> Signal:
        """The signal asked for; the first one where that is not understood."""
        self.is_valid()
        found = signal_named(self.cleaned_data.get("name") or FIRST)
        assert found is not None
        return found
