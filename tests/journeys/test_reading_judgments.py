from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from annotation.domain.vocabulary import Role
from annotation.models import Annotator, Comparison, Judgment, Rationale, Span
from annotation.services.aggregation import refresh_next_stale

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def judged(make_comparison, ann, bob, noon):
    """A comparison that ann and bob have judged, bob with a correction, spans and hostile words."""
    comparison = make_comparison(slots=2, texts=("first " + HOSTILE, "second answer"))
    first, second = comparison.response_ids
    common = {"project": comparison.project, "comparison": comparison, "judged_at": noon}
    common["outcome"] = "ranked"
    Judgment.objects.create(**common, annotator=ann, ranking=[[first], [second]], strength=1)
    wrong = Judgment.objects.create(**common, annotator=bob, ranking=[[first, second]], strength=0)
    corrected = Judgment.objects.create(
        **common, annotator=bob, ranking=[[second], [first]], strength=3, supersedes=wrong
    )
    why = Rationale.objects.create(judgment=corrected, text="Because " + HOSTILE, tags=["clearer"])
    Span.objects.create(rationale=why, response_id=first, start=0, end=5, label="error")
    Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)
    refresh_next_stale(now=noon)
    return comparison


@pytest.fixture
def read(client, project):
    def read(user, path):
        client.force_login(user)
        return client.get(f"/projects/{project.slug}/{path}")

    return read


@pytest.fixture
def rita(make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.REVIEWER)
    return user


class TestAReviewer:
    def test_sees_all_judgments_in_words_with_what_they_replace(self, read, rita, judged):
        page = read(rita, f"comparisons/{judged.id}/")

        said = {one.who: one for one in page.context["shown"].judgments}
        assert said["ann"].sentence == "A is slightly better than B"
        assert said["bob"].sentence == "B is much better than A"
        assert [one.sentence for one in said["bob"].earlier] == ["A and B are equally good"]
        assert [(quote.text, quote.label) for quote in said["bob"].quotes] == [("first", "error")]

    def test_judges_first_what_they_have_been_given(self, read, rita, make_comparison, noon):
        given = make_comparison(slots=1)
        me = Annotator.objects.create(user=rita, kind="human", name="rita", created_at=noon)
        given.slots.update(holder=me, lease_ends_at=now() + timedelta(minutes=5))

        assert read(rita, f"comparisons/{given.id}/").status_code == 409

        given.slots.update(lease_ends_at=now())

        assert read(rita, f"comparisons/{given.id}/").status_code == 200

    def test_sees_models_and_the_consensus(self, read, rita, judged):
        page = read(rita, f"comparisons/{judged.id}/")

        assert "model-0" in page.content.decode()
        assert page.context["shown"].consensus.n_votes == 2

    def test_may_ask_for_one_annotator_but_learns_no_name_from_elsewhere(
        self, read, rita, ann, judged, noon
    ):
        stranger = Annotator.objects.create(kind="llm", name="secret judge", created_at=noon)

        assert read(rita, f"judgments/?by={ann.id}").context["who"] == "ann"
        assert "secret judge" not in read(rita, f"judgments/?by={stranger.id}").content.decode()

    def test_reads_hostile_words_as_words(self, read, rita, judged):
        for path in (f"comparisons/{judged.id}/", f"items/{judged.item_id}/", "judgments/"):
            assert HOSTILE not in read(rita, path).content.decode()

    def test_asks_as_many_queries_for_many_judgments_as_for_few(
        self, client, project, rita, judged, bob, noon
    ):
        client.force_login(rita)
        address = f"/projects/{project.slug}/comparisons/{judged.id}/"

        def queries():
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            return len(asked)

        few = queries()
        for _ in range(5):
            said = Judgment.objects.create(
                project=project, comparison=judged, annotator=bob, outcome="unsure", judged_at=noon
            )
            Rationale.objects.create(judgment=said, text="Hm.")

        assert queries() == few


class TestAnAnnotator:
    def test_learns_nothing_before_judging(self, read, make_annotator, judged):
        newcomer = make_annotator("cleo")

        assert read(newcomer.user, f"comparisons/{judged.id}/").status_code == 404
        assert "is slightly better" not in read(newcomer.user, "judgments/").content.decode()

    def test_sees_only_the_own_answer_afterwards(self, read, ann, judged):
        page = read(ann.user, f"comparisons/{judged.id}/")

        shown = page.context["shown"]
        assert [one.who for one in shown.judgments] == ["ann"]
        assert shown.consensus is None
        text = page.content.decode()
        assert "bob" not in text
        assert "model-0" not in text
        assert judged.item.external_id not in text

    def test_cannot_ask_for_the_judgments_of_another(self, read, ann, bob, judged):
        page = read(ann.user, f"judgments/?by={bob.id}")

        assert {row.who for row in page.context["page"].rows} == {"ann"}
