from typing import Any

from django import forms

from curation.selectors.map_points import Colour


class MapForm(forms.Form):
    """What a map shows: everything, or one topic, and by which colour."""

    colour = forms.ChoiceField(required=False, label="Colour by")
    topic = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, colours: list[Colour], **options: Any) -> None:
        super().__init__(*args, **options)
        self.colours = {colour.name: colour for colour in colours}
        self.fields["colour"].choices = [(one.name, one.label) for one in colours]

    def chosen(self) -> tuple[Colour, int | None]:
        """The colour and the topic asked for; what is not understood is passed over."""
        self.is_valid()
        name = self.cleaned_data.get("colour") or "topic"
        return self.colours[name], self.cleaned_data.get("topic")
