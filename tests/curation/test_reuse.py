"""Judgments of the very same texts, taken over from elsewhere."""

import pytest
from django.urls import reverse

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import Role
from annotation.models import Annotator, AuditEvent, Comparison, Judgment, Rationale, Span
from annotation.services import reuse
from curation.selectors.twins import twins_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita(make_user, join, project, client):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return user


@pytest.fixture
def elsewhere(make_project, join, rita):
    other = make_project(slug="other")
    join(rita, other, Role.RESEARCHER)
    return other


@pytest.fixture
def source(make_comparison, elsewhere, judge, ann, noon):
    """A comparison of another project, its responses the other way round, judged by two."""
    comparison = make_comparison(texts=("bad", "good"), project=elsewhere)
    worker = Annotator.objects.create(project=elsewhere, kind="human", name="w-17", created_at=noon)
    made = judge(ann, comparison, [[1], [0]], strength=2)
    why = Rationale.objects.create(judgment=made, text="It scans.", tags=["clearer"])
    best = comparison.response_ids[1]
    Span.objects.create(rationale=why, response_id=best, start=0, end=4, label="good")
    judge(worker, comparison, [[0, 1]])
    return comparison


@pytest.fixture
def target(make_comparison, source):
    return make_comparison(slots=2, texts=("good", "bad"))


class TestTwins:
    def test_are_found_by_their_texts_in_projects_that_may_be_read(
        self, source, target, rita, make_user, read_all
    ):
        read_all()

        (twin,) = twins_of(target, rita)

        good, bad = target.response_ids
        assert (twin.comparison, twin.n_judgments) == (source, 2)
        assert twin.responses == dict(zip(source.response_ids, (bad, good), strict=True))
        assert twins_of(target, make_user("eve")) == []


class TestReuse:
    @pytest.fixture
    def take_over(self, source, target, rita, read_all, noon):
        read_all()

        def take_over():
            (twin,) = twins_of(target, rita)
            return reuse.reuse_judgments(
                user=rita, source=source, target=target, responses=twin.responses, now=noon
            )

        return take_over

    def test_keeps_annotator_verdict_and_reasons(self, take_over, source, target, ann, project):
        assert take_over() == 2

        good, bad = target.response_ids
        copied = Judgment.objects.get(comparison=target, annotator=ann)
        assert (copied.ranking, copied.strength) == ([[good], [bad]], 2)
        assert copied.metadata["reused_from"]["project"] == "other"
        assert copied.rationale.text == "It scans."
        assert copied.rationale.spans.get().response_id == good
        other = Judgment.objects.exclude(annotator=ann).get(comparison=target)
        assert (other.annotator.name, other.annotator.project) == ("w-17", project)

    def test_fills_slots_and_asks_for_a_consensus(self, take_over, target):
        take_over()

        assert target.slots.filter(filled_at__isnull=False).count() == 2
        assert Comparison.objects.get(pk=target.pk).stale_since is not None
        assert AuditEvent.objects.get().action == "judgments_reused"

    def test_adds_nothing_when_it_is_repeated(self, take_over, target):
        take_over()

        assert take_over() == 0
        assert target.judgments.count() == 2

    def test_leaves_out_who_has_judged_already(self, take_over, target, judge, ann):
        judge(ann, target, [[1], [0]])

        assert take_over() == 1
        assert target.judgments.filter(annotator=ann).count() == 1

    def test_refuses_other_responses(self, source, target, rita, noon):
        with pytest.raises(InvalidField):
            reuse.reuse_judgments(user=rita, source=source, target=target, responses={}, now=noon)


class TestPage:
    def test_offers_and_takes_over(self, client, source, target, rita, read_all):
        read_all()
        page = reverse("curation:reuse", args=["haiku", target.pk])
        shown = client.get(page).content.decode()

        client.post(page, {"source": source.pk})

        assert "Reuse judgments" in shown
        assert "cannot be undone" in shown
        assert target.judgments.count() == 2
        assert client.post(page, {"source": target.pk}).status_code == 404

    def test_says_that_there_is_nothing(self, client, rita, make_comparison):
        page = reverse("curation:reuse", args=["haiku", make_comparison().pk])

        assert "Not judged elsewhere" in client.get(page).content.decode()
