"""How annotators err, as last learned: read for one batch of comparisons."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np
from django.db.models import F, Q

from annotation.domain.skills import KnownSkills
from annotation.models import AnnotatorSkill, Skills, VoteTally

SkillsByProject = dict[int, KnownSkills]


def known_skills(project_ids: Collection[int], annotator_ids: Collection[int]) -> SkillsByProject:
    """Read the skills of some annotators in some projects; a project without is left out.

    The name of the skills is read before they are. If they change in between, what is computed
    from them carries the old name, and so is computed again.
    """
    learned = list(Skills.objects.filter(project__in=project_ids).exclude(digest=""))
    by_side: dict[int, dict[int, Any]] = defaultdict(dict)
    if learned:
        found = AnnotatorSkill.objects.filter(
            project__in=[row.pk for row in learned], annotator__in=annotator_ids
        )
        for project, annotator, matrices in found.values_list(
            "project_id", "annotator_id", "by_side"
        ):
            by_side[project][annotator] = np.array(matrices)
    return {
        row.pk: KnownSkills(np.array(row.prior), np.array(row.pooled), by_side[row.pk], row.digest)
        for row in learned
    }


def projects_with_news() -> list[int]:
    """Find the projects whose judgments have changed since their skills were learned."""
    seen = Q(project__skills__n_changes=F("n_changes"))
    missing = Q(project__skills__isnull=True)
    overall = VoteTally.objects.filter(criterion__isnull=True)
    return list(
        overall.filter(missing | ~seen).order_by("project_id").values_list("project_id", flat=True)
    )
