from datetime import timedelta

import pytest
from django.db import DataError

from annotation.domain.vocabulary import MOST_TRIES
from curation.domain.vocabulary import PolicyState
from curation.models import RoutingDecision, RoutingFigures, RoutingPolicy
from curation.selectors import routing_figures
from curation.services.routing import figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy(project, noon):
    return RoutingPolicy.objects.create(
        project=project,
        number=1,
        content={"default": {"route": "human"}},
        state=PolicyState.ACTIVE,
        created_at=noon,
        activated_at=noon,
    )


@pytest.fixture
def decide(policy, noon):
    def decide(comparison):
        return RoutingDecision.objects.create(
            project=policy.project, comparison=comparison, policy=policy, ordinal=1, route="human",
            slice="default", reason="It is so.", propensity=1, decided_at=noon,
        )  # fmt: skip

    return decide


class TestRefreshNext:
    def test_works_out_what_is_not_there_yet_and_then_rests(self, project, policy, noon):
        assert [figures.refresh_next(now=noon) for _ in range(2)] == [True, False]
        assert routing_figures.figures_of(project).as_of == noon

    def test_takes_a_decision_for_news_but_waits_a_little(
        self, project, policy, decide, make_comparison, noon
    ):
        figures.refresh_next(now=noon)
        decide(make_comparison())

        soon = figures.refresh_next(now=noon + timedelta(seconds=5))
        later = figures.refresh_next(now=noon + timedelta(minutes=1))

        assert (soon, later) == (False, True)
        assert routing_figures.figures_of(project).standing.n == 1

    def test_works_one_named_project_out_at_once(
        self, project, policy, decide, make_comparison, noon
    ):
        figures.refresh_next(now=noon)
        decide(make_comparison())

        assert figures.refresh_next(now=noon, project=project)
        assert not figures.refresh_next(now=noon, project=project)

    def test_passes_over_projects_without_a_policy(self, project, noon):
        assert not figures.refresh_next(now=noon)
        assert routing_figures.figures_of(project).as_of is None

    def test_sets_aside_what_cannot_be_worked_out_and_shows_why(
        self, project, policy, noon, monkeypatch
    ):
        def fail(_):
            raise DataError("no figure fits")

        monkeypatch.setattr(routing_figures, "fresh_figures", fail)

        worked = [
            figures.refresh_next(now=noon + timedelta(hours=n)) for n in range(MOST_TRIES + 1)
        ]

        assert worked == [True] * MOST_TRIES + [False]
        assert "no figure fits" in routing_figures.figures_of(project).error
        assert RoutingFigures.objects.get().tries == MOST_TRIES

    def test_tries_what_failed_again_when_there_is_other_news(
        self, project, policy, decide, make_comparison, noon, monkeypatch
    ):
        def fail(_):
            raise ValueError("no figure fits")

        with monkeypatch.context() as patched:
            patched.setattr(routing_figures, "fresh_figures", fail)
            for n in range(MOST_TRIES):
                figures.refresh_next(now=noon + timedelta(hours=n))
        decide(make_comparison())

        worked = [figures.refresh_next(now=noon + timedelta(hours=9)) for _ in range(2)]

        assert worked == [True, False]
        assert routing_figures.figures_of(project).error == ""
