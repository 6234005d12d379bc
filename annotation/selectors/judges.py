"""What is configured: endpoints, templates and judges of a project, and their money."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, QuerySet

from annotation.domain.errors import NotFound
from annotation.domain.judges.money import amount_of
from annotation.domain.vocabulary import JudgeState, Role, RunState
from annotation.models import Endpoint, Judge, JudgeRun, Project, PromptTemplate, User
from annotation.selectors import access

UNDER_WAY = (RunState.RUNNING, RunState.PAUSED)


@dataclass(frozen=True)
class Money:
    """A judge's money in units of currency; shares of the budget are in [0, 1], 0 without one."""

    budget: Decimal
    spent: Decimal
    reserved: Decimal

    @property
    def left(self) -> Decimal:
        return self.budget - self.spent - self.reserved

    @property
    def share_spent(self) -> float:
        return float(self.spent / self.budget) if self.budget else 0.0

    @property
    def share_used(self) -> float:
        return float((self.spent + self.reserved) / self.budget) if self.budget else 0.0


def money_of(judge: Judge) -> Money:
    return Money(amount_of(judge.budget), amount_of(judge.spent), amount_of(judge.reserved))


@dataclass(frozen=True)
class JudgeRow:
    judge: Judge
    money: Money
    is_under_way: bool


def configured_judges(project: Project) -> list[JudgeRow]:
    """The judges of a project, those in use first, each name's newest number first."""
    open_runs = JudgeRun.objects.filter(judge=OuterRef("pk"), state__in=UNDER_WAY)
    found = project.judges.select_related("endpoint", "template").annotate(
        is_under_way=Exists(open_runs)
    )
    rows = [JudgeRow(one, money_of(one), one.is_under_way) for one in found]
    rows.sort(
        key=lambda row: (
            row.judge.state == JudgeState.RETIRED,
            row.judge.name.lower(),
            -row.judge.number,
        )
    )
    return rows


def judges_of(project: Project) -> QuerySet[Judge]:
    return project.judges.select_related("project", "endpoint", "template", "annotator")


def judge_of(project: Project, judge_id: int) -> Judge:
    """One judge of a project.

    Raises:
        NotFound: no such judge here.
    """
    if found := judges_of(project).filter(pk=judge_id).first():
        return found
    raise NotFound("There is no such judge in this project.")


def endpoint_of(project: Project, endpoint_id: int) -> Endpoint:
    """One endpoint of a project.

    Raises:
        NotFound: no such endpoint here.
    """
    if found := project.endpoints.select_related("project").filter(pk=endpoint_id).first():
        return found
    raise NotFound("There is no such endpoint in this project.")


def template_of(project: Project, template_id: int) -> PromptTemplate:
    """One number of a prompt template of a project.

    Raises:
        NotFound: no such template here.
    """
    if found := project.prompt_templates.filter(pk=template_id).first():
        return found
    raise NotFound("There is no such prompt template in this project.")


def run_of(judge: Judge, number: int) -> JudgeRun:
    """One run of a judge.

    Raises:
        NotFound: it has no such run.
    """
    if found := JudgeRun.objects.filter(judge=judge, number=number).first():
        return found
    raise NotFound("This judge has no such run.")


def runs_of(judge: Judge) -> QuerySet[JudgeRun]:
    return JudgeRun.objects.filter(judge=judge).select_related("created_by")


def newest_templates(project: Project) -> list[PromptTemplate]:
    """The highest number of each template's name, by name."""
    rows = project.prompt_templates
    newest = rows.order_by().values("name").annotate(number=Max("number"))
    by_name = {row["name"]: row["number"] for row in newest}
    return [one for one in rows.order_by("name", "number") if one.number == by_name[one.name]]


def other_numbers(judge: Judge) -> Sequence[Judge]:
    """The judge's other numbers, the newest first."""
    others = Judge.objects.filter(project=judge.project_id, name=judge.name).exclude(pk=judge.pk)
    return list(others.order_by("-number"))


def judge_for(user: User, judge_id: int, roles: frozenset[Role]) -> Judge:
    """Find a judge by its number for somebody who acts in its project.

    Raises:
        NotFound: no such judge, or of a project that is not theirs.
        NotAllowed: the project is theirs, but none of `roles` is.
    """
    related = Judge.objects.select_related("project", "endpoint", "template", "annotator")
    judge = related.filter(pk=judge_id).first()
    if judge is None or access.role_in(user, judge.project) is None:
        raise NotFound("There is no such judge, or its project is not yours.")
    access.seat_for(user, judge.project.slug, roles)
    return judge
