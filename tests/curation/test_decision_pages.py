import html

import pytest

from annotation.domain.vocabulary import JudgeState, Role
from curation.models import RoutingDecision, RoutingPolicy

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return client


@pytest.fixture
def decide(project, noon):
    policy = RoutingPolicy.objects.create(project=project, number=3, content={}, created_at=noon)

    def decide(comparison, reason, **settings):
        return RoutingDecision.objects.create(
            project=project,
            comparison=comparison,
            policy=policy,
            ordinal=comparison.routing_decisions.count() + 1,
            route="human",
            settings=settings,
            reason=reason,
            propensity=0.25,
            decided_at=noon,
        )

    return decide


def page_of(client, comparison, **headers):
    address = f"/projects/haiku/curation/comparisons/{comparison.pk}/"
    return html.unescape(client.get(address, headers=headers).content.decode())


class TestDecisionsOnAComparison:
    def test_are_told_with_their_policy_and_time_the_latest_first(
        self, reader, make_comparison, decide
    ):
        comparison = make_comparison()
        decide(comparison, "No rule applies, so the judge strict 1 judges it.")
        decide(comparison, "Rule 1 “<b>hard</b>”: so one person judges it.")

        page = page_of(reader, comparison)

        assert page.index("Rule 1 “<b>hard</b>”") < page.index("No rule applies")
        assert "2026-03-01 12:00" in page
        assert "/curation/routing/3/" in page
        assert "0.250" in page

    def test_say_which_judge_went_out_of_use_since(
        self, reader, make_comparison, decide, make_judge
    ):
        comparison, other = make_comparison(), make_comparison()
        make_judge(state=JudgeState.RETIRED)
        decide(comparison, "No rule applies, so the judge strict 1 judges it.", judges=["strict 1"])
        decide(other, "No rule applies, so one person judges it.")

        assert "But strict 1 is retired, and not asked." in page_of(reader, comparison)
        assert "not asked" not in page_of(reader, other)

    def test_are_escaped(self, reader, make_comparison, decide):
        comparison = make_comparison()
        decide(comparison, "Rule 1 “<b>hard</b>”")

        raw = reader.get(f"/projects/haiku/curation/comparisons/{comparison.pk}/").content.decode()

        assert "<b>hard" not in raw

    def test_are_said_to_be_missing_where_no_policy_decided(self, reader, make_comparison):
        assert "No routing policy has decided on it" in page_of(reader, make_comparison())

    def test_come_alone_for_the_page_of_the_comparison(self, reader, make_comparison, decide):
        comparison = make_comparison()
        decide(comparison, "No rule applies.")

        fragment = page_of(reader, comparison, **{"HX-Request": "true"})

        assert fragment.strip().startswith('<div id="routed"><p>No rule applies.')
        assert "<h2" not in fragment
        own = reader.get(f"/projects/haiku/comparisons/{comparison.pk}/").content.decode()
        assert f'hx-get="/projects/haiku/curation/comparisons/{comparison.pk}/"' in own
        assert '<div id="routed"></div>' in own
