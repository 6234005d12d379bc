"""Makes criteria for the aspects that imported votes carry; they are not asked of anybody."""

import math
from collections.abc import Sequence

from annotation.domain.importing.verdicts import Verdict, criterion_key, criterion_kind
from annotation.domain.importing.votes import VoteRecord
from annotation.domain.vocabulary import CriterionKind
from annotation.models import Criterion, Project

SCALE_LIMIT = 32_000  # a scale end is a small integer


def ensure_criteria(*, project: Project, answers: Sequence[tuple[VoteRecord, Verdict]]) -> None:
    """Make the criteria that are missing, and widen the scales of imported ones to their data."""
    used = [verdict for _, verdict in answers if verdict.criteria]
    if not used:
        return
    known = {criterion.key: criterion for criterion in project.criteria.all()}
    names = aspect_names(answers)
    for verdict in used:
        for key, answer in verdict.criteria.items():
            if key not in known:
                known[key] = new_criterion(project, key, names[key], criterion_kind(answer), known)
            widen(known[key], [float(n) for n in answer.get("ratings", {}).values()])
    for criterion in known.values():
        if not criterion.is_asked:
            criterion.save()


def aspect_names(answers: Sequence[tuple[VoteRecord, Verdict]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for vote, _ in answers:
        for aspect in [*vote.aspects, *(a for rated in vote.ratings.values() for a in rated)]:
            names.setdefault(criterion_key(aspect), aspect)
    return names


def new_criterion(
    project: Project, key: str, aspect: str, kind: CriterionKind, known: dict[str, Criterion]
) -> Criterion:
    return Criterion(
        project=project,
        key=key,
        name=aspect.replace("_", " ")[:100],
        kind=kind,
        scale_min=1,
        scale_max=5,
        position=len(known),
        is_asked=False,
    )


def widen(criterion: Criterion, ratings: Sequence[float]) -> None:
    if criterion.is_asked or not ratings:
        return
    low, high = math.floor(min(ratings)), math.ceil(max(ratings))
    criterion.scale_min = max(min(criterion.scale_min, low), -SCALE_LIMIT)
    criterion.scale_max = min(max(criterion.scale_max, high), SCALE_LIMIT)
