from annotation.domain.differences import Line, lines_changed
from annotation.domain.errors import NotFound
from annotation.models import GuidelinesVersion, Project


def versions_of(project: Project) -> list[GuidelinesVersion]:
    """The versions of a project's guidelines, the newest first."""
    return list(project.guidelines_versions.select_related("created_by").order_by("-number"))


def version_numbered(project: Project, number: int) -> GuidelinesVersion:
    found = project.guidelines_versions.filter(number=number).first()
    if found is None:
        raise NotFound(f"These guidelines have no version {number}.")
    return found


def changes_in(project: Project, version: GuidelinesVersion) -> list[Line]:
    """What a version changed in the one before it; everything is new in the first."""
    before = project.guidelines_versions.filter(number__lt=version.number).order_by("-number")
    return lines_changed(before[0].text if before else "", version.text)
