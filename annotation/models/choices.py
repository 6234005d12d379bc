from enum import StrEnum

from django.db.models import CheckConstraint, Q


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    """List a vocabulary as Django choices, labelled in plain words."""
    return [(word.value, word.value.replace("_", " ")) for word in words]


def one_of(field: str, words: type[StrEnum], name: str) -> CheckConstraint:
    """Have the database refuse a word that is not in the vocabulary."""
    return CheckConstraint(condition=Q(**{f"{field}__in": [w.value for w in words]}), name=name)
