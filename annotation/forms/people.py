from django import forms

from annotation.domain.vocabulary import Role

ROLES = [
    (Role.ANNOTATOR, "annotator: judges"),
    (Role.REVIEWER, "reviewer: also sees all judgments"),
    (Role.RESEARCHER, "researcher: also imports and exports"),
    (Role.ADMIN, "admin: also changes settings and people"),
]


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=ROLES)
    is_expert = forms.BooleanField(required=False, label="Expert: also gets experts' comparisons")

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class MemberForm(RoleForm):
    username = forms.CharField(max_length=150)

    field_order = ["username", "role", "is_expert"]
