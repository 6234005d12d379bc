from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from annotation.domain.importing.mapping import COLUMNS, META
from annotation.domain.vocabulary import ImportKind
from annotation.models import Import

KINDS = [
    (ImportKind.ITEMS, "Items: prompts with the responses to compare"),
    (ImportKind.JUDGMENTS, "Judgments: votes on items that are here already"),
]
LEFT_OUT, KEPT = "", META


class UploadForm(forms.Form):
    kind = forms.ChoiceField(choices=KINDS, label="What is in it")
    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        help_text="JSON Lines, CSV or Parquet, packed with gzip or not. "
        "You will see its first rows before anything is written.",
    )


class MappingForm(forms.Form):
    """One choice for each column of a file: the field of ours that it fills."""

    is_strict = forms.BooleanField(
        required=False,
        label="Stop at the first refused line",
        help_text="Else every good line is taken, and the refused ones are listed.",
    )

    def __init__(
        self, *args: Any, columns: Sequence[str], mapping: Mapping[str, str], kind: str, **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.columns = columns
        fields = {column: field for field, column in mapping.items()}
        choices = [
            (LEFT_OUT, "leave out"),
            (KEPT, "keep as metadata"),
            *((field, field.replace("_", " ")) for field in COLUMNS[ImportKind(kind)]),
        ]
        for place, column in enumerate(columns):
            chosen = fields.get(column, LEFT_OUT)
            self.fields[f"column_{place}"] = forms.ChoiceField(
                choices=choices,
                required=False,
                label=column,
                initial=KEPT if chosen.startswith(META) else chosen,
            )
        self.order_fields([*(f"column_{place}" for place in range(len(columns))), "is_strict"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = [cleaned.get(f"column_{place}", "") for place in range(len(self.columns))]
        for field in chosen:
            if field not in (LEFT_OUT, KEPT) and chosen.count(field) > 1:
                raise forms.ValidationError(f"Two columns are both mapped to “{field}”.")
        return cleaned

    def mapping(self) -> dict[str, str]:
        """The mapping that was chosen; {} where every column is left out."""
        chosen = {
            column: self.cleaned_data[f"column_{place}"]
            for place, column in enumerate(self.columns)
            if self.cleaned_data[f"column_{place}"] != LEFT_OUT
        }
        return {
            META + column if field == KEPT else field: column for column, field in chosen.items()
        }

    @classmethod
    def of(
        cls, upload: Import, columns: Sequence[str], mapping: Mapping[str, str], data: Any = None
    ) -> "MappingForm":
        initial = {"is_strict": upload.is_strict}
        return cls(data, columns=columns, mapping=mapping, kind=upload.kind, initial=initial)
