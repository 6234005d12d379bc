import pytest

from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import Annotator, Comparison, Judgment
from annotation.services import aggregation, skills


@pytest.fixture
def judge(noon):
    """Have an annotator judge: judge(ann, comparison, [[0], [1]]), responses by position."""

    def judge(annotator, comparison, tiers=(), outcome=Outcome.RANKED, **fields):
        judgment = Judgment.objects.create(
            project_id=comparison.project_id,
            comparison=comparison,
            annotator=annotator,
            outcome=outcome,
            ranking=[[comparison.response_ids[place] for place in tier] for tier in tiers],
            judged_at=noon,
            **fields,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)
        return judgment

    return judge


@pytest.fixture
def make_crowd(noon):
    """Make pseudonyms of a project: make_crowd(project, 3)."""

    def make(project, size, kind=AnnotatorKind.HUMAN):
        return [
            Annotator.objects.create(
                kind=kind, name=f"{kind}-{n}", project=project, created_at=noon
            )
            for n in range(size)
        ]

    return make


@pytest.fixture
def come_to_rest(noon):
    """Drain a project until nothing changes."""

    def come_to_rest(project):
        is_learned = True
        while is_learned:
            while aggregation.refresh_next_stale(now=noon, project=project):
                pass
            is_learned = skills.refresh_skills(project=project, now=noon, at_once=True)

    return come_to_rest
