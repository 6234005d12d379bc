from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm

from annotation.domain.vocabulary import TokenScope

SCOPES = [
    (TokenScope.READ, "Read: look at projects, items, judgments and datasets"),
    (TokenScope.ANNOTATE, "Annotate: also claim comparisons and submit judgments"),
    (TokenScope.WRITE, "Write: also import items, cut versions, ask for exports"),
    (TokenScope.ADMIN, "Admin: also change projects and people"),
]
LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "one year"), ("", "never")]


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100, label="Name", help_text="What will use it, such as “training server”."
    )
    scope = forms.ChoiceField(choices=SCOPES, label="May do")
    lifetime = forms.ChoiceField(
        choices=LIFETIMES, required=False, initial="90", label="Expires after"
    )

    def wanted(self, now: datetime) -> dict[str, Any]:
        days = self.cleaned_data["lifetime"]
        return {
            "name": self.cleaned_data["name"],
            "scope": TokenScope(self.cleaned_data["scope"]),
            "expires_at": now + timedelta(days=int(days)) if days else None,
        }


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["old_password"].widget.attrs["autofocus"]  # the page is not only this form
