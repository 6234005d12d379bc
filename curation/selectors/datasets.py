"""Which datasets somebody may see: those of whose projects they may read every one."""

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import WorkState
from annotation.models import Project, User
from annotation.selectors.access import READS
from curation.models import Dataset, Export, Version

HIGHEST = 2**31 - 1  # what the column of numbers can hold


def readable_projects(user: User) -> QuerySet[Project]:
    """Projects whose judgments this person may take away."""
    if user.is_superuser:
        return Project.objects.all()
    roles = [role.value for role in READS]
    return Project.objects.filter(memberships__user=user, memberships__role__in=roles)


def datasets_of(user: User) -> QuerySet[Dataset]:
    """Datasets of whose projects this person may read every one; one without projects is its
    maker's."""
    through = Dataset.projects.through.objects.filter(dataset=OuterRef("pk"))
    closed = Exists(through.exclude(project__in=readable_projects(user)))
    found = Dataset.objects.filter(~closed).order_by("slug")
    if user.is_superuser:
        return found
    own = Dataset.objects.filter(~Exists(through), created_by=user)
    return (found.filter(Exists(through)) | own).order_by("slug")


def version_of(dataset: Dataset, number: int) -> Version:
    """Find a version by its number.

    Raises:
        NotFound: there is none.
    """
    version = dataset.versions.filter(number=min(number, HIGHEST)).first()
    if version is None:
        raise NotFound(f"This dataset has no version {number}.")
    version.dataset = dataset
    return version


def export_of(version: Version, format: str) -> Export:
    """Find a version's export in a format.

    Raises:
        NotFound: nobody asked for it.
    """
    export = version.exports.filter(format=format).first()
    if export is None:
        raise NotFound(f"Version {version.number} has no export in the format '{format[:40]}'.")
    export.version = version
    return export


def latest_version(dataset: Dataset) -> Version:
    """Find the newest version that is done.

    Raises:
        NotFound: none is.
    """
    version = dataset.versions.filter(state=WorkState.DONE).order_by("-number").first()
    if version is None:
        raise NotFound("This dataset has no finished version yet; cut one first.")
    return version


def dataset_cards(user: User) -> list[Dataset]:
    """The datasets that this person may see, each with its newest version and its projects."""
    newest = Version.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    return list(
        datasets_of(user)
        .annotate(
            last_number=Subquery(newest.values("number")[:1]),
            last_state=Subquery(newest.values("state")[:1]),
        )
        .prefetch_related("projects")
    )
