"""Projects: made, changed, paused, their guidelines and criteria. Each change is audited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.domain.errors import DomainError, InvalidField, NotAllowed
from annotation.domain.naming import visible_name
from annotation.domain.vocabulary import CriterionKind, ProjectState, RationalePolicy, Role
from annotation.models import (
    Comparison,
    Criterion,
    GuidelinesVersion,
    Judgment,
    Membership,
    Project,
    User,
)
from annotation.selectors.access import may_create_projects
from annotation.services import aggregation, audit, slots

SETTINGS = frozenset(
    {
        "name",
        "description",
        "response_format",
        "strength_levels",
        "allows_tie",
        "allows_both_bad",
        "allows_skip",
        "rationale_policy",
        "rationale_min_chars",
        "reason_tags",
        "span_labels",
        "overlap",
        "max_overlap",
        "pair_strategy",
        "pair_budget",
        "lease",
        "consensus_method",
        "settle_min_votes",
        "settle_probability",
        "license",
        "attribution",
    }
)
SETTLING = frozenset(
    {
        "consensus_method",
        "settle_min_votes",
        "settle_probability",
        "allows_tie",
        "allows_both_bad",
    }
)
OVERLAPS = frozenset({"overlap", "max_overlap"})


class SlugTaken(DomainError):
    """Another project has this slug."""

    code, status = "slug_taken", 409


class FactsDepend(DomainError):
    """The setting cannot change any more: what was recorded under it would lose its meaning."""

    code, status = "facts_depend", 409


@dataclass(frozen=True)
class CriterionDraft:
    """What a criterion should be; its place in the list is its position."""

    key: str
    name: str
    kind: CriterionKind
    description: str = ""
    scale_min: int = 1
    scale_max: int = 5


def create_project(
    *, actor: User | None, slug: str, name: str, now: datetime, **settings: Any
) -> Project:
    """Make a project; whoever makes it becomes its admin. `actor` None is the system itself.

    Raises:
        NotAllowed: the actor is no operator.
        SlugTaken: another project has the slug.
        InvalidField: a setting is unknown or breaks a rule.
    """
    if actor and not may_create_projects(actor):
        raise NotAllowed("Only operators create projects; ask one to do it for you.")
    if Project.objects.filter(slug=slug).exists():
        raise SlugTaken(f"Another project is called “{slug}”; choose another slug.", field="slug")
    project = Project(slug=slug, created_at=now, **_known({"name": name, **settings}))
    _check(project)
    with transaction.atomic():
        project.save()
        if actor:
            Membership.objects.create(project=project, user=actor, role=Role.ADMIN, created_at=now)
        _record(actor, project, "project_created", {"name": name, "settings": _told(settings)}, now)
    return project


def change_settings(
    *, actor: User | None, project_id: int, changes: dict[str, Any], now: datetime
) -> Project:
    """Change settings of a project, all or none; what does not differ is left alone.

    Raises:
        InvalidField: a setting is unknown or breaks a rule.
        FactsDepend: judgments or comparisons were made under the old value.
    """
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        before = {key: getattr(project, key) for key in _known(changes)}
        differing = {key: value for key, value in changes.items() if value != before[key]}
        if not differing:
            return project
        for key, value in differing.items():
            setattr(project, key, value)
        _check(project)
        _protect_facts(project, differing)
        project.save(update_fields=list(differing))
        _follow(project, differing, now)
        detail = {"from": _told({key: before[key] for key in differing}), "to": _told(differing)}
        _record(actor, project, "project_changed", detail, now)
    return project


def set_state(
    *, actor: User | None, project_id: int, state: ProjectState, now: datetime
) -> Project:
    """Pause, archive or reactivate a project. Nothing is lost by either; safe to repeat."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        if project.state != state:
            detail = {"from": project.state, "to": state.value}
            project.state = state
            project.save(update_fields=["state"])
            _record(actor, project, "project_state_set", detail, now)
    return project


def publish_guidelines(
    *, actor: User | None, project_id: int, text: str, now: datetime
) -> GuidelinesVersion:
    """Make this text the next version of the guidelines; the same text again changes nothing.

    Raises:
        InvalidField: the text holds a NUL character, which cannot be stored.
    """
    if "\x00" in text:
        raise InvalidField("The text holds a NUL character; leave it out.", field="text")
    with transaction.atomic():
        project = Project.objects.select_for_update(of=("self",)).get(pk=project_id)
        current = project.guidelines
        if current and current.text == text:
            return current
        last = project.guidelines_versions.order_by("-number").first()
        version = GuidelinesVersion.objects.create(
            project=project,
            number=last.number + 1 if last else 1,
            text=text,
            created_by=actor,
            created_at=now,
        )
        project.guidelines = version
        project.save(update_fields=["guidelines"])
        _record(actor, project, "guidelines_published", {"version": version.number}, now)
    return version


def set_criteria(
    *, actor: User | None, project_id: int, criteria: list[CriterionDraft], now: datetime
) -> list[Criterion]:
    """Ask for exactly these criteria, in this order. One left out is kept, but asked no more.

    Raises:
        InvalidField: a key is given twice, or a draft breaks a rule.
        FactsDepend: judgments carry a criterion whose kind or scale would change.
    """
    keys = [draft.key for draft in criteria]
    if len(keys) != len(set(keys)):
        raise InvalidField("Two criteria have the same key; each needs its own.", field="key")
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        known = {criterion.key: criterion for criterion in project.criteria.all()}
        for position, draft in enumerate(criteria):
            _write_criterion(project, known.get(draft.key), draft, position)
        project.criteria.exclude(key__in=keys).update(is_asked=False)
        _record(actor, project, "criteria_set", {"asked": keys}, now)
    return list(project.criteria.filter(is_asked=True))


def _write_criterion(
    project: Project, known: Criterion | None, draft: CriterionDraft, position: int
) -> None:
    criterion = known or Criterion(project=project, key=draft.key)
    meaning = (draft.kind, draft.scale_min, draft.scale_max)
    if known and meaning != (known.kind, known.scale_min, known.scale_max):
        _protect_criterion(project, known)
    criterion.name = visible_name(draft.name, field="name", longest=100)
    criterion.description = draft.description
    criterion.kind, criterion.scale_min, criterion.scale_max = meaning
    criterion.position, criterion.is_asked = position, True
    _check(criterion)
    criterion.save()


def _protect_criterion(project: Project, criterion: Criterion) -> None:
    if Judgment.objects.filter(project=project, criteria__has_key=criterion.key).exists():
        raise FactsDepend(
            f"“{criterion.name}” has been judged, so its kind and scale stay as they are; "
            "remove it and add a new one under another key.",
            field="kind",
        )


def _known(settings: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(settings) - SETTINGS):
        raise InvalidField(f"There is no setting called “{unknown[0]}”.", field=unknown[0])
    return settings


def _check(row: Project | Criterion) -> None:
    """Check a row by its model's own rules; the first broken one is the refusal."""
    for field, value in vars(row).items():
        if isinstance(value, str) and "\x00" in value:
            raise InvalidField("The text holds a NUL character; leave it out.", field=field)
    if isinstance(row, Project):
        visible_name(row.name, field="name", longest=200)
        _check_rationale(row)
        _check_overlap(row)
    try:
        row.full_clean(validate_unique=False, exclude=_unchecked(row))
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise InvalidField(sentences[0], field="" if field == "__all__" else field) from error


def _unchecked(row: Project | Criterion) -> list[str]:
    if isinstance(row, Criterion):
        return ["project"]
    empty_lists = [name for name in ("reason_tags", "span_labels") if getattr(row, name) == []]
    return ["guidelines", *empty_lists]


def _check_rationale(project: Project) -> None:
    if project.rationale_min_chars and project.rationale_policy != RationalePolicy.REQUIRED:
        raise InvalidField(
            "A least length makes sense only where a rationale is required; set it to 0.",
            field="rationale_min_chars",
        )


def _check_overlap(project: Project) -> None:
    if project.max_overlap is not None and project.max_overlap < project.overlap:
        raise InvalidField(
            f"It cannot be less than the overlap, {project.overlap}; leave it empty for no more.",
            field="max_overlap",
        )


def _protect_facts(project: Project, changes: dict[str, Any]) -> None:
    if "response_format" in changes and Comparison.objects.filter(project=project).exists():
        raise FactsDepend(
            "Comparisons exist, so the response format stays; make a new project for another one.",
            field="response_format",
        )
    levels = changes.get("strength_levels")
    if levels and Judgment.objects.filter(project=project, strength__gt=levels).exists():
        raise FactsDepend(
            f"Judgments with a strength above {levels} exist; keep at least as many levels.",
            field="strength_levels",
        )


def _follow(project: Project, changes: dict[str, Any], now: datetime) -> None:
    """Bring what is derived from a setting in line with it: the slots, and what is settled."""
    if changes.keys() & OVERLAPS:
        slots.fit_slots(project=project)
    is_disputed_again = project.max_overlap is not None and changes.keys() & OVERLAPS
    if changes.keys() & SETTLING or is_disputed_again:
        aggregation.rebuild_consensus(project=project, now=now)


def _told(settings: dict[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, list, type(None))
    return {k: v if isinstance(v, plain) else str(v) for k, v in settings.items()}


def _record(
    actor: User | None, project: Project, action: str, detail: dict[str, Any], now: datetime
) -> None:
    audit.record_event(
        actor=actor, action=action, subject=f"project:{project.slug}", detail=detail, now=now
    )
