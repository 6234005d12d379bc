"""Making and changing datasets. A change of a recipe touches no version that is cut already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotation.domain.errors import DomainError, InvalidField, NotFound
from annotation.models import Project, User
from annotation.services import audit
from curation.domain.recipes import recipe_json, recipe_of
from curation.models import Dataset
from curation.selectors.datasets import datasets_of, readable_projects


class SlugTaken(DomainError):
    """Another dataset, or a project's own one, has this slug."""

    code, status = "slug_taken", 409


class AlreadyCut(DomainError):
    """Versions hold this project's judgments, so who reads them must go on reading the project."""

    code, status = "already_cut", 409


def default_datasets(*, projects: Sequence[Project], now: datetime) -> None:
    """Make sure that each project has a dataset under its own slug. Safe to repeat."""
    slugs = [project.slug for project in projects]
    known = set(Dataset.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    for project in projects:
        if project.slug not in known:
            default_dataset(project=project, now=now)


def default_dataset(*, project: Project, now: datetime) -> Dataset:
    """Find the dataset under the project's own slug, making it at the first time."""
    with transaction.atomic():
        dataset, is_new = Dataset.objects.get_or_create(
            slug=project.slug, defaults={"name": project.name, "created_at": now}
        )
        if is_new:
            dataset.projects.add(project)
    return dataset


def dataset_named(*, slug: str, now: datetime) -> Dataset:
    """Find a dataset by its slug; a project's slug names its default dataset.

    Raises:
        NotFound: there is neither.
    """
    if dataset := Dataset.objects.filter(slug=slug).first():
        return dataset
    if project := Project.objects.filter(slug=slug).first():
        return default_dataset(project=project, now=now)
    raise NotFound(f"There is no dataset and no project '{slug}'.")


def dataset_for(*, user: User, slug: str, now: datetime) -> Dataset:
    """Find a dataset, or a project's default one, for somebody who may read all that is in it.

    Raises:
        NotFound: there is none, or not one of theirs: both look the same from outside.
    """
    if project := readable_projects(user).filter(slug=slug).first():
        default_dataset(project=project, now=now)
    dataset = datasets_of(user).filter(slug=slug).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not read all of its projects.")
    return dataset


def create_dataset(
    *,
    user: User,
    slug: str,
    name: str,
    projects: Sequence[str],
    now: datetime,
    description: str = "",
    recipe: dict[str, Any] | None = None,
) -> Dataset:
    """Make a dataset of projects that its maker may read.

    Raises:
        SlugTaken: the slug is in use.
        InvalidField: a project is unknown to this person, or the recipe does not read.
    """
    chosen = projects_named(user, projects)
    checked = recipe_json(recipe_of(recipe or {}))
    if Project.objects.filter(slug=slug).exists():
        raise SlugTaken(f"'{slug}' is the default dataset of a project.", field="slug")
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                slug=slug,
                name=name,
                description=description,
                recipe=checked,
                created_by=user,
                created_at=now,
            )
            dataset.projects.set(chosen)
            record(user, dataset, "dataset_created", checked, projects, now)
    except IntegrityError as error:
        raise SlugTaken(f"There is a dataset '{slug}' already.", field="slug") from error
    return dataset


def change_dataset(
    *,
    user: User,
    dataset: Dataset,
    now: datetime,
    name: str | None = None,
    description: str | None = None,
    projects: Sequence[str] | None = None,
    recipe: dict[str, Any] | None = None,
) -> Dataset:
    """Change what the next version will be cut from; None leaves a field as it is.

    Raises:
        InvalidField: a project is unknown to this person, or the recipe does not read.
        AlreadyCut: it takes out a project after a version was asked for.
    """
    chosen = None if projects is None else projects_named(user, projects)
    with transaction.atomic():
        Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
        dataset.name = dataset.name if name is None else name
        dataset.description = dataset.description if description is None else description
        if recipe is not None:
            dataset.recipe = recipe_json(recipe_of(recipe))
        dataset.save(update_fields=["name", "description", "recipe"])
        if chosen is not None:
            refuse_to_take_out(dataset, chosen)
            dataset.projects.set(chosen)
        record(user, dataset, "dataset_changed", dataset.recipe, projects, now)
    return dataset


def refuse_to_take_out(dataset: Dataset, chosen: Sequence[Project]) -> None:
    gone = dataset.projects.exclude(pk__in=[project.pk for project in chosen]).order_by("slug")
    if (project := gone.first()) and dataset.versions.exists():
        raise AlreadyCut(
            f"Versions of this dataset hold judgments of '{project.slug}', so it stays; "
            "make another dataset without it.",
            field="projects",
        )


def projects_named(user: User, slugs: Sequence[str]) -> list[Project]:
    found = list(readable_projects(user).filter(slug__in=slugs).distinct())
    if unknown := set(slugs) - {project.slug for project in found}:
        raise InvalidField(
            f"There is no project '{min(unknown)}' that you may read.", field="projects"
        )
    if not found:
        raise InvalidField("Choose at least one project.", field="projects")
    return found


def record(
    user: User,
    dataset: Dataset,
    action: str,
    recipe: dict[str, Any],
    projects: Sequence[str] | None,
    now: datetime,
) -> None:
    audit.record_event(
        actor=user,
        action=action,
        subject=f"dataset:{dataset.slug}",
        detail={"recipe": recipe, "projects": None if projects is None else list(projects)},
        now=now,
    )
