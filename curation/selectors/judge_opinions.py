"""What judges hold of a batch of comparisons, calibrated, as signals read it."""

from collections import defaultdict
from collections.abc import Sequence

from annotation.models import Comparison, Judge, Project
from annotation.selectors import judge_chances
from curation.domain.signals.judges import Configured
from curation.domain.signals.juries import Opinion


def opinions_of(comparisons: Sequence[Comparison]) -> dict[int, list[Opinion]]:
    """The opinions on each comparison, in order of annotator; one without is left out."""
    by_project: dict[int, list[int]] = defaultdict(list)
    for comparison in comparisons:
        by_project[comparison.project_id].append(comparison.pk)
    found: dict[int, list[Opinion]] = defaultdict(list)
    for project_id, ids in by_project.items():
        project = Project(pk=project_id)
        known = judge_chances.calibrations_of(project)
        table = judge_chances.calibrated(judge_chances.chances_on(project, ids), known)
        columns = (table.comparison, table.annotator, table.p_first, table.verdict)
        for comparison, annotator, p_first, verdict, confidence, is_pair in zip(
            *(column.tolist() for column in (*columns, table.confidence, table.is_pair)),
            strict=True,
        ):
            family = table.families[annotator]
            opinion = Opinion(annotator, family, p_first, verdict, confidence, is_pair)
            found[comparison].append(opinion)
    return found


def configured_of(
    comparisons: Sequence[Comparison], opinions: dict[int, list[Opinion]]
) -> dict[int, Configured]:
    """What configured judges hold of each pair; other comparisons are left out."""
    projects = {comparison.project_id for comparison in comparisons}
    asked = set(Judge.objects.filter(project__in=projects).values_list("annotator_id", flat=True))
    if not asked:
        return {}
    flips = judge_chances.flips_on([comparison.pk for comparison in comparisons])
    return {
        comparison.pk: Configured(
            {o.annotator: o.p_first for o in opinions[comparison.pk] if o.annotator in asked},
            flips.get(comparison.pk, {}),
        )
        for comparison in comparisons
        if len(comparison.response_ids) == 2 and comparison.pk in opinions
    }
