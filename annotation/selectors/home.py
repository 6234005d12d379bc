"""What awaits a person in each of their projects."""

from dataclasses import dataclass
from datetime import datetime

from annotation.domain.vocabulary import Role
from annotation.models import Draft, Membership, Project, User
from annotation.selectors import access, people, progress, totals
from annotation.selectors.access import Seat
from annotation.selectors.progress import Progress
from annotation.selectors.totals import ProjectTotals, Total

MOST_CARDS = 60  # each costs a few queries


@dataclass(frozen=True)
class ProjectCard:
    """A project on the home page. What a role may not see is None."""

    seat: Seat
    progress: Progress
    n_drafts: int
    disputed: Total | None
    totals: ProjectTotals | None

    @property
    def project(self) -> Project:
        return self.seat.project


def project_cards(user: User, now: datetime) -> list[ProjectCard]:
    """The projects of a person, active ones first, with what awaits them."""
    projects = access.projects_of(user).order_by("state", "name")[:MOST_CARDS]
    roles = dict(Membership.objects.filter(user=user).values_list("project_id", "role"))
    me = people.annotator_id_of(user)
    return [
        _card(Seat(project, _role(user, roles.get(project.id))), me, now) for project in projects
    ]


def _role(user: User, role: str | None) -> Role:
    return Role.ADMIN if user.is_superuser or role is None else Role(role)


def _card(seat: Seat, me: int, now: datetime) -> ProjectCard:
    project = seat.project
    return ProjectCard(
        seat=seat,
        progress=progress.progress_of(me, project.id, now),
        n_drafts=Draft.objects.filter(annotator_id=me, slot__project=project).count(),
        disputed=totals.disputed_total(project) if seat.reviews else None,
        totals=totals.project_totals(project) if seat.reads else None,
    )
