"""Judges: configured, changed, paused, given money. Each change is audited.

What shapes a judge's answers never changes: another model, template or sampling is the next
number under the same name, with an annotator of its own, and the former number retires.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.judges.money import amount_of, plainly
from annotation.domain.naming import visible_name
from annotation.domain.vocabulary import (
    AnnotatorKind,
    JudgeState,
    RequestState,
)
from annotation.models import (
    Annotator,
    Judge,
    JudgeRequest,
    Project,
    User,
)
from annotation.services.judges import drafts, rows
from annotation.services.judges.drafts import JudgeDraft
from annotation.services.judges.endpoints import EndpointDraft, add_endpoint, change_endpoint
from annotation.services.judges.keys import key_of
from annotation.services.judges.rows import NameTaken
from annotation.services.judges.templates import TemplateDraft, add_template

__all__ = [
    "EndpointDraft",
    "JudgeDraft",
    "NameTaken",
    "Retired",
    "RunUnderWay",
    "TemplateDraft",
    "add_endpoint",
    "add_judge",
    "add_template",
    "change_endpoint",
    "change_judge",
    "key_of",
    "raise_budget",
    "set_judge_state",
]

UNCHECKED = ("project", "annotator", "endpoint", "template", "created_by", "budget")


class RunUnderWay(DomainError):
    """A run of the judge goes on, so it cannot retire yet."""

    code, status = "run_under_way", 409


class Retired(DomainError):
    """A newer number of this judge stands."""

    code, status = "retired", 409


def add_judge(*, project: Project, user: User | None, draft: JudgeDraft, now: datetime) -> Judge:
    """Configure a judge under a new name; its annotator is made with it.

    Raises:
        InvalidField: a field breaks a rule, or belongs to another project.
        NameTaken: the project has a judge of this name: change that one instead.
    """
    with transaction.atomic():
        rows.lock_project(project=project)
        if project.judges.filter(name=draft.name).exists():
            raise NameTaken(
                f"A judge is called “{draft.name}” already; change that one, or take another name.",
                field="name",
            )
        return _write_judge(project, user, draft, 1, now)


def change_judge(*, judge: Judge, user: User | None, draft: JudgeDraft, now: datetime) -> Judge:
    """Change a judge. Prices, family and budget change it; anything else makes its next number.

    Returns:
        The judge as it stands now: the same one, or the next number, which is another annotator.
    Raises:
        InvalidField: a field breaks a rule.
        Retired: a newer number stands.
        RunUnderWay: the next number is wanted while a run of this one goes on.
    """
    with transaction.atomic():
        project = judge.project
        rows.lock_project(project=project)
        former = Judge.objects.select_for_update(of=("self",)).get(pk=judge.pk)
        if former.state == JudgeState.RETIRED:
            raise Retired(f"{former} is retired; change the newest number of it.")
        if draft.name != former.name:
            raise InvalidField("A judge keeps its name; add another judge.", field="name")
        if all(getattr(former, name) == getattr(draft, name) for name in drafts.SHAPING):
            return _change_in_place(former, user, draft, now)
        _refuse_under_way(former)
        newest = project.judges.filter(name=former.name).aggregate(n=Max("number"))["n"]
        _retire(former, f"Followed by {former.name} {newest + 1}.")
        return _write_judge(project, user, draft, newest + 1, now)


def set_judge_state(*, judge: Judge, user: User | None, state: JudgeState, now: datetime) -> Judge:
    """Pause, activate or retire a judge; paused, its requests wait. Safe to repeat.

    Raises:
        Retired: a retired judge stays so.
        InvalidField: only a check with canaries suspends.
        RunUnderWay: it should retire while a run goes on.
    """
    if state == JudgeState.SUSPENDED:
        raise InvalidField("Only a check suspends judges; pause it instead.", field="state")
    with transaction.atomic():
        fresh = Judge.objects.select_for_update(of=("self",)).get(pk=judge.pk)
        if fresh.state == state:
            return fresh
        if fresh.state == JudgeState.RETIRED:
            raise Retired(f"{fresh} is retired for good; add a judge, or change its newest number.")
        detail = {"judge": str(fresh), "from": fresh.state, "to": state.value}
        if state == JudgeState.RETIRED:
            _refuse_under_way(fresh)
            _retire(fresh, "Retired by hand.")
        else:
            fresh.state, fresh.state_reason = state, ""
            fresh.save(update_fields=["state", "state_reason"])
        _record(user, fresh.project, "judge_state_set", detail, now)
    return fresh


def raise_budget(*, judge: Judge, user: User | None, budget: Decimal, now: datetime) -> Judge:
    """Set the total that a judge may spend, in units of currency; also down to what is spent.

    Raises:
        InvalidField: it is less than what is spent and reserved, or out of bounds.
    """
    with transaction.atomic():
        fresh = Judge.objects.select_for_update(of=("self",)).get(pk=judge.pk)
        return _set_budget(fresh, user, drafts.budget_of(amount=budget), now)


def _write_judge(
    project: Project, user: User | None, draft: JudgeDraft, number: int, now: datetime
) -> Judge:
    visible_name(draft.name, field="name", longest=100)
    visible_name(draft.model_name, field="model_name", longest=200)
    drafts.check_bounds(draft=draft)
    if draft.endpoint.project_id != project.pk:
        raise InvalidField("The project has no such endpoint.", field="endpoint")
    if draft.template.project_id != project.pk:
        raise InvalidField("The project has no such template.", field="template")
    judge = Judge(
        project=project,
        number=number,
        created_by=user,
        created_at=now,
        **drafts.plain(draft=draft),
        **drafts.priced(draft=draft),
        budget=drafts.budget_of(amount=draft.budget),
    )
    rows.check_row(row=judge, exclude=UNCHECKED)
    judge.annotator = Annotator.objects.create(
        project=project,
        kind=AnnotatorKind.LLM,
        name=_annotator_name(project, str(judge)),
        model_name=judge.model_name,
        created_at=now,
    )
    judge.save()
    _record(user, project, "judge_added", _told_judge(judge), now)
    return judge


def _change_in_place(judge: Judge, user: User | None, draft: JudgeDraft, now: datetime) -> Judge:
    drafts.check_bounds(draft=draft)
    before = _told_judge(judge)
    for name, value in drafts.priced(draft=draft).items():
        setattr(judge, name, value)
    rows.check_row(row=judge, exclude=UNCHECKED)
    after = _told_judge(judge)
    if before != after:
        judge.save(update_fields=["price_in", "price_out", "family"])
        _record(user, judge.project, "judge_changed", {"from": before, "to": after}, now)
    return _set_budget(judge, user, drafts.budget_of(amount=draft.budget), now)


def _set_budget(judge: Judge, user: User | None, budget: int, now: datetime) -> Judge:
    used = judge.spent + judge.reserved
    if budget < used:
        raise InvalidField(
            f"{plainly(amount_of(used))} is spent or set aside already; the budget cannot be less.",
            field="budget",
        )
    if budget != judge.budget:
        detail = {"judge": str(judge), "from": judge.budget, "to": budget}
        judge.budget = budget
        judge.save(update_fields=["budget"])
        _record(user, judge.project, "judge_budget_set", detail, now)
    return judge


def _retire(judge: Judge, reason: str) -> None:
    judge.state, judge.state_reason = JudgeState.RETIRED, reason
    judge.save(update_fields=["state", "state_reason"])


def _refuse_under_way(judge: Judge) -> None:
    open_states = (RequestState.QUEUED, RequestState.RUNNING)
    waiting = JudgeRequest.objects.filter(judge=judge, state__in=open_states)
    if found := waiting.select_related("run").first():
        raise RunUnderWay(
            f"Run {found.run.number} of {judge} is under way; let it finish or cancel it first."
        )


def _annotator_name(project: Project, name: str) -> str:
    """A free name among the project's LLM annotators: an imported one may be called the same."""
    taken = set(
        project.own_annotators.filter(
            kind=AnnotatorKind.LLM, name__startswith=name[:180]
        ).values_list("name", flat=True)
    )
    tried, n = name[:180], 1
    while tried in taken:
        n += 1
        tried = f"{name[:180]} ({n})"
    return tried


def _told_judge(judge: Judge) -> dict[str, Any]:
    plain = ("model_name", "family", "temperature", "max_tokens", "seed", "n_samples",
             "reads_logprobs", "order_policy", "budget")  # fmt: skip
    return {name: getattr(judge, name) for name in plain} | {
        "judge": str(judge),
        "endpoint": judge.endpoint.name,
        "template": str(judge.template),
        "price_in": plainly(judge.price_in),
        "price_out": plainly(judge.price_out),
    }


def _record(
    user: User | None, project: Project, action: str, detail: dict[str, Any], now: datetime
) -> None:
    rows.record_change(user=user, project=project, action=action, detail=detail, now=now)
