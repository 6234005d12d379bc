"""Policies and decisions as they stand."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import MOST_TRIES, JudgeState, ProjectState
from annotation.models import Comparison, Judge, Project
from curation.domain.routing.telling import unasked
from curation.domain.vocabulary import PolicyState
from curation.models import RoutingDecision, RoutingPolicy, RoutingRequest

OUT_OF_USE = (JudgeState.SUSPENDED, JudgeState.RETIRED)


def active_policy(project: Project) -> RoutingPolicy | None:
    """The policy that decides now; None where the project's overlap does."""
    found = RoutingPolicy.objects.filter(project=project, state=PolicyState.ACTIVE)
    return found.select_related("project").first()


def active_policies(project: Project | None = None) -> list[RoutingPolicy]:
    """All policies that decide now, with their projects."""
    found = RoutingPolicy.objects.filter(state=PolicyState.ACTIVE)
    if project is not None:
        found = found.filter(project=project)
    archived = ProjectState.ARCHIVED
    return list(found.exclude(project__state=archived).select_related("project").order_by("id"))


def policies_of(project: Project) -> QuerySet[RoutingPolicy]:
    found = RoutingPolicy.objects.filter(project=project)
    return found.select_related("project", "created_by")


def policy_of(project: Project, number: int) -> RoutingPolicy:
    """One policy of a project.

    Raises:
        NotFound: no such policy.
    """
    if found := policies_of(project).filter(number=number).first():
        return found
    raise NotFound("There is no such routing policy in this project.")


def judges_named(project: Project, names: Iterable[str]) -> dict[str, Judge]:
    """Judges of a project by "name number"; names that nobody has are left out."""
    wanted = set(names)
    judges = Judge.objects.filter(project=project).order_by("id")
    return {str(judge): judge for judge in judges if str(judge) in wanted}


def out_of_use(project: Project) -> dict[str, str]:
    """The state of each judge of a project that is not asked any more, by "name number"."""
    judges = Judge.objects.filter(project=project, state__in=OUT_OF_USE).order_by("id")
    return {str(judge): judge.state for judge in judges}


def paused_among(project: Project, names: Iterable[str]) -> list[str]:
    """Which of some judges are asked only when they go on."""
    found = judges_named(project, names)
    return [name for name, judge in found.items() if judge.state == JudgeState.PAUSED]


def unasked_by(decision: RoutingDecision) -> str:
    """A sentence on judges that a decision names and that went out of use since; "" without any."""
    named = settings_of(decision)["judges"]
    idle = out_of_use(decision.project) if named else {}
    now, then = unasked(named, idle), unasked(named, idle, then=True)
    return "" if now in decision.reason or then in decision.reason else now


def refuse_unknown_judges(
    project: Project, names: Iterable[str], *, must_answer: bool = False
) -> None:
    """Make sure that every judge exists, and, with `must_answer`, is in use.

    Raises:
        InvalidField: one does not.
    """
    found = judges_named(project, names)
    for name in names:
        judge = found.get(name)
        if judge is None:
            raise InvalidField(
                f"There is no judge “{name}”; name one of the project with its number, such as "
                "“strict 1”.",
                field="judges",
            )
        if must_answer and judge.state in OUT_OF_USE:
            raise InvalidField(
                f"The judge “{name}” is {judge.state} and would not be asked; name another one.",
                field="judges",
            )


def latest_decision(comparison: Comparison) -> RoutingDecision | None:
    """The decision that holds for a comparison; None where no policy has decided."""
    return decisions_on(comparison).first()


def decisions_on(comparison: Comparison) -> QuerySet[RoutingDecision]:
    """All decisions on a comparison, the one that holds first."""
    return comparison.routing_decisions.select_related("policy").order_by("-ordinal")


def latest_decisions(comparison_ids: Collection[int]) -> dict[int, RoutingDecision]:
    """The decision that holds for each comparison; one without any is left out."""
    found = RoutingDecision.objects.filter(comparison__in=comparison_ids)
    latest = found.order_by("comparison_id", "-ordinal").distinct("comparison_id")
    return {decision.comparison_id: decision for decision in latest}


def decisions_of(project: Project) -> QuerySet[RoutingDecision]:
    """All decisions of a project, to be paged by key."""
    return RoutingDecision.objects.filter(project=project).select_related("policy")


def settings_of(decision: RoutingDecision) -> dict[str, Any]:
    """What the route asks for: overlap (of people, 0 for none), judges, expertise and rank."""
    return {"overlap": 0, "judges": [], "expertise": "", "rank": 0} | decision.settings


def requests_waiting(project: Project) -> int:
    """How many comparisons wait to be routed, poison left out."""
    return RoutingRequest.objects.filter(project=project, tries__lt=MOST_TRIES).count()
