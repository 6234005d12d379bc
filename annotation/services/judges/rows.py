"""What configuring shares: names under a lock, rows checked by their models, changes audited."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from annotation.domain.errors import DomainError, InvalidField
from annotation.models import Project, User
from annotation.services import audit


class NameTaken(DomainError):
    """Something of this name is there already."""

    code, status = "name_taken", 409


def lock_project(*, project: Project) -> None:
    """Numbers and names are given out under the project's row, one at a time."""
    Project.objects.select_for_update(of=("self",), no_key=True).only("id").get(pk=project.pk)


def check_row(*, row: models.Model, exclude: tuple[str, ...]) -> None:
    """Check a row by its model's own rules; the first broken one is the refusal."""
    for field, value in vars(row).items():
        if isinstance(value, str) and "\x00" in value:
            raise InvalidField("The text holds a NUL character; leave it out.", field=field)
    try:
        row.full_clean(exclude=exclude, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise InvalidField(sentences[0], field="" if field == "__all__" else field) from error


def record_change(
    *, user: User | None, project: Project, action: str, detail: dict[str, Any], now: datetime
) -> None:
    audit.record_event(
        actor=user, action=action, subject=f"project:{project.slug}", detail=detail, now=now
    )
