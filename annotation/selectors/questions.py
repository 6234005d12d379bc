"""What a comparison asks of an annotator: the facts that answers are checked against."""

from annotation.domain.answers import CriterionAsked, Question
from annotation.domain.content import text_of
from annotation.models import Comparison, Criterion, Project, Response

RESPONSES = "SELECT * FROM response WHERE id = ANY(%s) ORDER BY id"


def responses_of(comparison: Comparison) -> list[Response]:
    """The compared responses, by ascending id."""
    return list(Response.objects.raw(RESPONSES, [comparison.response_ids]))


def criteria_asked(project_id: int) -> list[Criterion]:
    """The criteria that annotators are asked about, in their order."""
    return list(Criterion.objects.filter(project_id=project_id, is_asked=True))


def question_of(project: Project, responses: list[Response], criteria: list[Criterion]) -> Question:
    """Gather what decides which answers are possible. No query."""
    return Question(
        text_lengths={response.id: len(text_of(response.content)) for response in responses},
        response_format=project.response_format,
        strength_levels=project.strength_levels,
        allows_tie=project.allows_tie,
        allows_both_bad=project.allows_both_bad,
        rationale_policy=project.rationale_policy,
        rationale_min_chars=project.rationale_min_chars,
        criteria=[CriterionAsked(c.key, c.kind, c.scale_min, c.scale_max) for c in criteria],
        reason_tags=project.reason_tags,
        span_labels=project.span_labels,
        guidelines_id=project.guidelines_id,
    )


def question_on(comparison: Comparison) -> Question:
    """The question of one comparison, with its project, responses and criteria read."""
    return question_of(
        comparison.project, responses_of(comparison), criteria_asked(comparison.project_id)
    )
