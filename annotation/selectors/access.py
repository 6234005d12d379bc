"""Who may do what. Every interface asks here; a project that is not theirs does not exist."""

from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.domain.errors import NotAllowed, NotFound
from annotation.domain.vocabulary import Role
from annotation.models import Membership, Project, User

JUDGES = frozenset(Role)
REVIEWS = frozenset({Role.ADMIN, Role.RESEARCHER, Role.REVIEWER})
READS = frozenset({Role.ADMIN, Role.RESEARCHER})
ADMINISTERS = frozenset({Role.ADMIN})


@dataclass(frozen=True)
class Seat:
    """A project as one of its members enters it."""

    project: Project
    role: Role

    @property
    def reviews(self) -> bool:
        return self.role in REVIEWS

    @property
    def reads(self) -> bool:
        return self.role in READS

    @property
    def administers(self) -> bool:
        return self.role in ADMINISTERS


def may_create_projects(user: User) -> bool:
    """Operators create projects; whoever creates one becomes its first admin."""
    return user.is_active and (user.is_staff or user.is_superuser)


def projects_of(user: User) -> QuerySet[Project]:
    """Projects that this person may know of: all for a superuser, else those with a membership."""
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user=user)


def role_in(user: User, project: Project) -> Role | None:
    """The person's role in a project; None where they have none."""
    if user.is_superuser:
        return Role.ADMIN
    found = Membership.objects.filter(user=user, project=project).values_list("role", flat=True)
    return next((Role(role) for role in found), None)


def seat_for(user: User, slug: str, roles: frozenset[Role]) -> Seat:
    """Find a project by its slug for somebody who acts in it, with the role they have there.

    Raises:
        NotFound: no such project, or not one of theirs: both look the same from outside.
        NotAllowed: it is theirs, but none of `roles` is.
    """
    project = Project.objects.filter(slug=slug).select_related("guidelines").first()
    role = role_in(user, project) if project else None
    if project is None or role is None:
        raise NotFound("There is no such project, or you are not a member of it.")
    if role not in roles:
        needed = " or ".join(sorted(roles))
        raise NotAllowed(f"Your role here is {role}; this needs {needed}.")
    return Seat(project, role)


def project_for(user: User, slug: str, roles: frozenset[Role]) -> Project:
    """Find a project by its slug for somebody who acts in it; refuses as `seat_for` does."""
    return seat_for(user, slug, roles).project
