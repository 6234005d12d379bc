"""Profiles: one's own in full, others' expertise and languages, demographics in groups only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from annotation.domain.profiles import BY_KEY, shown_counts
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Judgment, Membership, Profile, Project, User

GroupCounts = dict[str, dict[str, int]]  # by question, as asked, and answer


@dataclass(frozen=True)
class Knowledge:
    """What may be known of a single member, for routing: no demographics."""

    expertise: list[str]
    languages: list[str]


def profile_of(user: User) -> Profile | None:
    """A person's own profile; None before they made one."""
    return Profile.objects.filter(annotator__user=user).first()


def knowledge_in(project: Project) -> dict[int, Knowledge]:
    """Expertise and languages of a project's members, by user id; members without are left out."""
    rows = Profile.objects.filter(annotator__user__memberships__project=project)
    told = rows.values_list("annotator__user_id", "expertise", "languages")
    return {user: Knowledge(expertise, languages) for user, expertise, languages in told}


def group_counts(project: Project) -> GroupCounts:
    """How many members of a project gave which answer, where at least ten did.

    Questions are asked one by one: no two answers of a person are ever shown together.
    """
    members = Membership.objects.filter(project=project, user=OuterRef("annotator__user"))
    return _counts(_consented().filter(Exists(members)))


def exported_counts(projects: Sequence[Project]) -> GroupCounts:
    """The same of the people who judged in some projects and let their answers be published."""
    judged = Judgment.objects.filter(project__in=projects, annotator=OuterRef("annotator"))
    rows = _consented().filter(may_export=True, annotator__kind=AnnotatorKind.HUMAN)
    return _counts(rows.filter(Exists(judged)))


def _consented() -> QuerySet[Profile]:
    return Profile.objects.filter(consented_at__isnull=False)


def _counts(profiles: QuerySet[Profile]) -> GroupCounts:
    answers: dict[str, list[str]] = defaultdict(list)
    for told in profiles.values_list("demographics", flat=True):
        for key, answer in told.items():
            if key in BY_KEY:
                answers[key].append(answer)
    counts = {one.label: shown_counts(answers[key]) for key, one in BY_KEY.items()}
    return {label: groups for label, groups in counts.items() if groups}
