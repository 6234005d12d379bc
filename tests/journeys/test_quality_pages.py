"""Researchers, reviewers and annotators look at the quality of a project, and of themselves."""

from datetime import timedelta
from itertools import product

import pytest
from django.test import Client
from django.urls import reverse

from annotation.domain.vocabulary import AnnotatorKind, Role
from annotation.models import Annotator, Comparison, Judgment
from annotation.services import aggregation, quality

pytestmark = pytest.mark.django_db

N_COMPARISONS = 60
HOUR = timedelta(hours=1)
ROLES = ("anonymous", "outsider", "annotator", "reviewer", "researcher", "admin")
MEMBERS = (302, 404, 200, 200, 200, 200)
REVIEWERS = (302, 404, 403, 200, 200, 200)


@pytest.fixture
def count(noon):
    """Do what the drains do: count(now) brings tallies and reports up to date."""

    def count(now=noon):
        while aggregation.refresh_next_stale(now=now):
            pass
        while quality.refresh_next_report(now=now):
            pass

    return count


@pytest.fixture
def vote(project, noon):
    def vote(*votes):
        """Judge: vote((comparison, annotator, 0, minute), …), the best response by position."""
        Judgment.objects.bulk_create(judgment_of(*one) for one in votes)
        judged = {comparison.pk for comparison, *_ in votes}
        Comparison.objects.filter(pk__in=judged).update(stale_since=noon)

    def judgment_of(comparison, annotator, best, minute=0):
        a, b = comparison.response_ids
        return Judgment(
            project=project,
            comparison=comparison,
            annotator=annotator,
            outcome="ranked",
            ranking=[[a], [b]] if best == 0 else [[b], [a]],
            strength=1,
            shown_order=[a, b],
            active_seconds=20.0,
            judged_at=noon + timedelta(minutes=minute),
        )

    return vote


@pytest.fixture
def judge(project, noon):
    return Annotator.objects.create(
        project=project,
        kind=AnnotatorKind.LLM,
        name="the judge",
        model_name="model-9",
        created_at=noon,
    )


@pytest.fixture
def judged(project, make_comparison, ann, bob, judge, vote, count):
    """Sixty comparisons: ann and bob agree on all but the first six, the judge likes the first."""
    comparisons = [make_comparison() for _ in range(N_COMPARISONS)]
    bobs = [place % 2 if place >= 6 else 1 - place % 2 for place in range(N_COMPARISONS)]
    vote(*((one, ann, place % 2, place) for place, one in enumerate(comparisons)))
    vote(*((one, bob, bobs[place], place) for place, one in enumerate(comparisons)))
    vote(*((one, judge, 0, place) for place, one in enumerate(comparisons)))
    count()
    return comparisons


@pytest.fixture
def seat(make_user, join, project):
    """A client of somebody with a role: seat("researcher")."""

    def seat(role):
        client = Client()
        if role != "anonymous":
            user = make_user(f"a-{role}")
            if role != "outsider":
                join(user, project, Role(role))
            client.force_login(user)
        return client

    return seat


@pytest.fixture
def researcher(seat):
    return seat("researcher")


def shown(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


class TestRoles:
    @pytest.mark.parametrize(
        ("name", "statuses"),
        {
            "annotation:quality": REVIEWERS,
            "annotation:judges": REVIEWERS,
            "annotation:leaderboard": REVIEWERS,
            "annotation:my_quality": MEMBERS,
        }.items(),
    )
    def test_see_what_is_theirs(self, judged, project, seat, name, statuses):
        address = reverse(name, args=[project.slug])

        assert tuple(seat(role).get(address).status_code for role in ROLES) == statuses

    def test_see_other_people_only_as_researchers_and_judges_as_reviewers(
        self, judged, project, seat, ann, judge
    ):
        clients = [seat(role) for role in ROLES]

        def statuses(annotator):
            address = reverse("annotation:annotator", args=[project.slug, annotator.id])
            return tuple(client.get(address).status_code for client in clients)

        assert statuses(ann) == (302, 404, 404, 404, 200, 200)
        assert statuses(judge) == (302, 404, 404, 200, 200, 200)

    def test_do_not_learn_of_annotators_of_other_projects(
        self, researcher, project, make_user, noon
    ):
        eve = Annotator.objects.create(
            user=make_user("eve"), kind="human", name="eve", created_at=noon
        )

        assert researcher.get(f"/projects/haiku/annotators/{eve.id}/").status_code == 404

    def test_find_a_tab_of_their_own(self, judged, client, seat, ann):
        client.force_login(ann.user)

        assert "My quality</a>" in shown(client, "/projects/haiku/")
        assert "Quality</a>" in shown(seat("reviewer"), "/projects/haiku/")


class TestQualityPage:
    def test_shows_agreement_with_its_interval(self, judged, researcher):
        page = researcher.get("/projects/haiku/quality/")

        pairwise = page.context["live"].overall.figures[0]
        assert (pairwise.value, pairwise.n) == (0.9, N_COMPARISONS)
        assert pairwise.low < 0.9 < pairwise.high
        assert "90%" in page.content.decode()

    def test_says_what_is_missing_below_the_minimum_instead_of_a_number(
        self, make_comparison, ann, bob, vote, count, researcher
    ):
        for best in (0, 1):
            comparison = make_comparison()
            vote((comparison, ann, best), (comparison, bob, best))
        count()

        page = shown(researcher, "/projects/haiku/quality/")

        assert "not enough data: have 2, need 50" in page
        assert "a point of this plot needs 50 comparisons" in page
        assert "100%" not in page.split('id="disputed-title"')[0].split("Verdicts")[0]

    def test_lists_disputed_comparisons_first_and_links_to_them(
        self, judged, project, researcher, count, noon
    ):
        project.settle_min_votes, project.settle_probability = 2, 0.6
        project.save()
        aggregation.rebuild_consensus(project=project, now=noon)
        count()

        page = researcher.get("/projects/haiku/quality/")

        rows = page.context["disputed"]
        assert {row.id for row in rows[:6]} == {one.id for one in judged[:6]}
        assert [row.agreement for row in rows] == sorted(row.agreement for row in rows)
        assert f"/projects/haiku/comparisons/{rows[0].id}/" in page.content.decode()

    def test_says_how_old_its_figures_are(self, judged, researcher):
        assert "2026-03-01 12:00:00" in shown(researcher, "/projects/haiku/quality/")

    def test_waits_for_its_first_report(self, researcher, project):
        page = shown(researcher, "/projects/haiku/quality/")

        assert "Nobody has judged a pair here yet" in page
        assert "within a minute" in page

    def test_puts_a_table_behind_every_plot(self, judged, researcher):
        page = shown(researcher, "/projects/haiku/quality/")

        for label in ("Agreement over time", "Who agrees with whom", "What pulls the verdicts"):
            assert f'aria-label="{label}"' in page
        assert "Votes of People by the verdict" in page
        assert "Votes of Judges by the verdict" in page


class TestLiveAgreement:
    def poll(self, client, live):
        return client.get(
            "/projects/haiku/quality/", {"seen": live.version}, headers={"HX-Request": "true"}
        )

    def test_is_silent_while_nothing_changes(self, judged, researcher):
        live = researcher.get("/projects/haiku/quality/").context["live"]

        assert self.poll(researcher, live).status_code == 204

    def test_is_right_after_the_next_judgment(
        self, judged, researcher, vote, count, make_annotator
    ):
        live = researcher.get("/projects/haiku/quality/").context["live"]
        vote((judged[0], make_annotator("carl"), 0))
        count()

        answer = self.poll(researcher, live)

        assert answer.status_code == 200
        assert answer.content.lstrip().startswith(b'<section id="live"')
        assert "88.7%" in answer.content.decode()  # (54 + 1) of (60 + 2) pairs of votes

    def test_reads_no_votes(self, judged, researcher, django_assert_max_num_queries):
        live = researcher.get("/projects/haiku/quality/").context["live"]

        with django_assert_max_num_queries(5) as queries:
            self.poll(researcher, live)

        assert not any('FROM "judgment"' in one["sql"] for one in queries.captured_queries)


class TestPeopleAndJudges:
    def test_stand_on_the_same_axes(self, judged, researcher):
        page = researcher.get("/projects/haiku/judges/")

        rows = {row.name: row for row in page.context["rows"]}
        assert set(rows) == {"ann", "bob", "the judge"}
        assert rows["the judge"].is_judge
        assert rows["the judge"].first_shown.value == 1
        assert rows["the judge"].first_shown.is_off
        assert rows["ann"].agreement.value == 0.9
        assert "the judge" in page.context["plots"]["agreement"]
        assert "ann" in page.context["plots"]["agreement"]

    def test_hide_people_from_reviewers(self, judged, seat):
        page = seat("reviewer").get("/projects/haiku/judges/")

        assert [row.name for row in page.context["rows"]] == ["the judge"]
        assert "ann" not in page.context["plots"]["agreement"]

    def test_keep_those_with_few_votes_apart(
        self, judged, researcher, vote, count, make_annotator, noon
    ):
        vote((judged[0], make_annotator("carl"), 0))
        count(noon + HOUR)

        page = researcher.get("/projects/haiku/judges/")

        assert [one.name for one in page.context["few"]] == ["carl"]
        assert "1 person has too few votes" in page.content.decode()


class TestAnnotatorPage:
    def test_shows_an_annotator_their_own_figures(self, judged, client, ann):
        client.force_login(ann.user)

        page = client.get("/projects/haiku/annotators/me/")

        assert page.context["shown"].person.agreement.value == 0.9
        assert "Where I differ" in page.content.decode()

    def test_compares_with_everybody_where_that_gives_nobody_away(
        self, judged, client, ann, vote, count, make_annotator, noon
    ):
        client.force_login(ann.user)
        of_two = client.get("/projects/haiku/annotators/me/").context["shown"].compared
        carl = make_annotator("carl")
        for comparison in judged[-20:]:
            vote((comparison, carl, 0))
        count(noon + HOUR)

        of_three = client.get("/projects/haiku/annotators/me/").context["shown"].compared

        assert [one.name for one in of_two] == ["You"]
        assert [one.name for one in of_three] == ["You", "Everybody"]

    def test_never_tells_annotators_how_they_did_on_gold(self, judged, client, researcher, ann):
        client.force_login(ann.user)

        own = shown(client, f"/projects/haiku/annotators/{ann.id}/")
        theirs = shown(researcher, f"/projects/haiku/annotators/{ann.id}/")

        assert "gold" not in own.lower()
        assert "Right on gold" in theirs

    def test_greets_somebody_who_has_not_judged_yet(self, judged, seat):
        page = shown(seat("annotator"), "/projects/haiku/annotators/me/")

        assert "You have not judged here yet" in page


class TestLeaderboard:
    def test_ranks_models_by_people_and_by_judges(self, judged, researcher):
        by_people = researcher.get("/projects/haiku/leaderboard/")
        by_judges = researcher.get("/projects/haiku/leaderboard/", {"by": "llm"})

        assert [place["n"] for place in by_people.context["board"]["places"]] == [120, 120]
        assert by_judges.context["board"]["places"][0]["model"] == "model-0"
        text = by_judges.content.decode()
        assert "never lost" in text
        assert "100% <small>of 60</small>" in text

    def test_gives_every_model_an_interval_and_a_range_of_ranks(self, judged, researcher):
        board = researcher.get("/projects/haiku/leaderboard/").context["board"]

        for place in board["places"]:
            assert place["low"] < place["score"] < place["high"]
            assert (place["rank_low"], place["rank_high"]) == (1, 2)

    def test_does_not_test_the_order_of_two_models(self, judged, researcher):
        assert "Not enough data: this needs three models" in shown(
            researcher, "/projects/haiku/leaderboard/"
        )

    def test_says_so_where_nothing_can_be_ranked(
        self, make_item, make_comparison, ann, vote, count, researcher
    ):
        item = make_item()
        item.responses.update(model_name="")
        vote((make_comparison(item=item), ann, 0))
        count()

        assert "nothing to rank" in shown(researcher, "/projects/haiku/leaderboard/")

    @pytest.mark.parametrize("by", ["", "nobody", "human"])
    def test_falls_back_to_people(self, judged, researcher, by):
        page = researcher.get("/projects/haiku/leaderboard/", {"by": by})

        assert page.context["by"] == "human"


class TestPlots:
    def test_have_no_expression_to_compile(self, judged, researcher):
        for address, word in product(("quality", "judges", "leaderboard"), ("expr", "signal")):
            assert f"&quot;{word}&quot;" not in shown(researcher, f"/projects/haiku/{address}/")
