import json

import pytest

from annotation.domain.vocabulary import AnnotatorKind, Role
from annotation.models import Annotator
from annotation.services import aggregation
from curation.domain.signals.registry import SIGNALS
from curation.selectors import signal_pages
from curation.services.signals import importing, refreshing

pytestmark = pytest.mark.django_db

PAGE = "/projects/haiku/curation/signals/"


@pytest.fixture
def drain(noon):
    def drain():
        while aggregation.refresh_next_stale(now=noon):
            pass
        while refreshing.refresh_next(now=noon):
            pass

    return drain


@pytest.fixture
def reader(client, make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return client


@pytest.fixture
def disputed(make_comparison, judge, ann, bob, drain):
    """Comparisons whose people agree exactly where the responses are of one length."""
    for place in range(24):
        is_even = place % 2 == 0
        comparison = make_comparison(texts=["abc", "abd" if is_even else "abc" * 20])
        judge(ann, comparison, [[0], [1]])
        judge(bob, comparison, [[0], [1]] if is_even else [[1], [0]])
    drain()


class TestSignalsPage:
    def test_says_what_to_do_while_there_is_nothing(self, reader):
        page = reader.get(PAGE).content.decode()

        assert "No comparison has this signal yet" in page
        assert "Nothing to tell yet" in page

    def test_shows_the_distribution_and_links_to_the_extremes(
        self, reader, make_comparison, drain, project
    ):
        short, long = make_comparison(texts=["a", "b"]), make_comparison(texts=["a", "b" * 99])
        drain()

        answer = reader.get(f"{PAGE}?name=longest_characters")

        page = answer.content.decode()
        assert SIGNALS["longest_characters"].meaning in page
        assert [one.comparison for one in answer.context["shown"].highest] == [long.pk, short.pk]
        assert f"/comparisons/{long.pk}/" in page
        assert (
            sum(one["comparisons"] for one in json.loads(answer.context["plot"])["data"]["values"])
            == 2
        )

    def test_can_show_any_signal(self, project, disputed):
        sampled = {
            name: signal_pages.overview_of(project, signal).n_sampled
            for name, signal in SIGNALS.items()
        }

        assert {sampled[signal.name] for signal in SIGNALS.values() if signal.family == "text"} == {
            24
        }
        assert {sampled["vote_entropy"], sampled["n_judges"]} == {24}
        assert sampled["novelty"] == 0

    def test_tells_what_goes_along_with_disagreement(self, reader, disputed):
        answer = reader.get(PAGE)

        rho = {one.name: one.rho for one in answer.context["correlations"]}
        assert rho["relative_length_gap"] == pytest.approx(1.0)
        assert rho["edit_similarity"] == pytest.approx(-1.0)
        assert "vote_entropy" not in rho

    def test_offers_what_was_imported(self, reader, make_comparison, drain, project, noon):
        row = {"item": make_comparison().item.external_id, "name": "ches", "value": 0.5}
        origin = importing.Origin("script")
        importing.import_rows(project=project, records=[row], origin=origin, now=noon)
        drain()

        answer = reader.get(f"{PAGE}?name=imported.ches")

        assert answer.context["shown"].signal.name == "imported.ches"
        assert answer.context["shown"].mean == 0.5

    def test_falls_back_to_the_first_signal_for_one_that_is_not_there(self, reader):
        assert reader.get(f"{PAGE}?name=beauty").status_code == 200

    def test_escapes_what_was_imported(self, reader, make_comparison, drain, project, noon):
        name = "<script>alert(1)</script>"
        row = {"item": make_comparison().item.external_id, "name": name, "value": 1}
        origin = importing.Origin("script")
        importing.import_rows(project=project, records=[row], origin=origin, now=noon)
        drain()

        assert name not in reader.get(PAGE).content.decode()


class TestComparisonPage:
    def test_shows_all_signals_in_plain_words(
        self, reader, make_comparison, judge, ann, drain, noon
    ):
        comparison = make_comparison()
        robot = Annotator.objects.create(kind=AnnotatorKind.LLM, name="robot", created_at=noon)
        judge(ann, comparison, [[0], [1]])
        judge(robot, comparison, [[0], [1]])
        drain()

        page = reader.get(f"/projects/haiku/curation/comparisons/{comparison.pk}/")

        text = page.content.decode()
        assert [family.title for family in page.context["families"]] == [
            "People’s votes",
            "LLM judges",
            "Texts",
        ]
        assert SIGNALS["vote_entropy"].meaning.replace("'", "&#x27;") in text
        assert "rouge l" in text

    def test_is_linked_from_the_comparison_for_those_who_read(
        self, reader, make_comparison, make_annotator, client
    ):
        comparison = make_comparison()
        address = f"/projects/haiku/curation/comparisons/{comparison.pk}/"
        of_comparison = f"/projects/haiku/comparisons/{comparison.pk}/"
        assert address in reader.get(of_comparison).content.decode()

        client.force_login(make_annotator("rex", Role.REVIEWER).user)
        assert address not in client.get(of_comparison).content.decode()

    def test_is_of_its_own_project_only(self, reader, make_comparison, make_item, make_project):
        other = make_comparison(item=make_item(project=make_project()))

        assert reader.get(f"/projects/haiku/curation/comparisons/{other.pk}/").status_code == 404
