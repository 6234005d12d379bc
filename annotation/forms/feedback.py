from django import forms
from django.core.files.uploadedfile import UploadedFile

MOST_BYTES = 5 * 2**20  # more takes longer than a page may; the command takes any size


class FeedbackForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="JSON Lines, packed with gzip or not, up to 5 MB. For more there is "
        "manage.py import_feedback.",
    )

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError("It is larger than 5 MB; use manage.py import_feedback.")
        return file
