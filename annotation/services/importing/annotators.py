"""Finds or makes the annotators that imported files name."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from annotation.domain.importing.items import ItemRecord
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Project, User
from annotation.services import people

Name = tuple[AnnotatorKind, str]


def pseudonyms(
    *, project: Project, models: Mapping[Name, str], now: datetime
) -> dict[Name, Annotator]:
    """The project's own annotators by kind and name, made where they are new.

    Args:
        models: the model behind each name, "" for none. A known annotator keeps its first one.
    """
    found = named(project, models)
    missing = sorted(models.keys() - found.keys())
    if missing:
        Annotator.objects.bulk_create(
            [
                Annotator(
                    project=project,
                    kind=kind,
                    name=name,
                    model_name=models[kind, name],
                    created_at=now,
                )
                for kind, name in missing
            ],
            ignore_conflicts=True,
        )
        found = named(project, models)
    return found


def named(project: Project, names: Iterable[Name]) -> dict[Name, Annotator]:
    wanted = set(names)
    found = Annotator.objects.filter(project=project, name__in={name for _, name in wanted})
    by_name = {(AnnotatorKind(annotator.kind), annotator.name): annotator for annotator in found}
    return {name: by_name[name] for name in wanted & by_name.keys()}


def authors_of(
    *, project: Project, records: Sequence[ItemRecord], now: datetime
) -> dict[str, Annotator]:
    """Who wrote the responses: a member of the project by username, else a pseudonym of it."""
    names = {r.author for record in records for r in record.responses if r.author}
    if not names:
        return {}
    members = members_named(project, names)
    authors = {name: people.annotator_of(user=user, now=now) for name, user in members.items()}
    others = {(AnnotatorKind.HUMAN, name): "" for name in names - authors.keys()}
    made = pseudonyms(project=project, models=others, now=now)
    return authors | {name: annotator for (_, name), annotator in made.items()}


def members_named(project: Project, names: Iterable[str]) -> dict[str, User]:
    found = User.objects.filter(memberships__project=project, username__in=names)
    return {user.username: user for user in found}
