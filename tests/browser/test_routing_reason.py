import pytest
from playwright.sync_api import expect

from annotation.domain.vocabulary import Role
from curation.models import RoutingDecision, RoutingPolicy

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestThePageOfAComparison:
    def test_says_in_one_sentence_who_judges_it_and_why(
        self, make_user, join, open_context, project, make_comparison, noon
    ):
        user = make_user("rita")
        join(user, project, Role.RESEARCHER)
        comparison = make_comparison()
        RoutingDecision.objects.create(
            project=project,
            comparison=comparison,
            policy=RoutingPolicy.objects.create(
                project=project, number=3, content={}, created_at=noon
            ),
            ordinal=1,
            route="human",
            reason="No rule applies, so one person judges it.",
            propensity=1,
            decided_at=noon,
        )
        page = open_context(user, width=360, height=740).new_page()

        page.goto(f"/projects/haiku/comparisons/{comparison.pk}/")

        expect(page.get_by_text("No rule applies, so one person judges it.")).to_be_visible()
        expect(page.get_by_role("link", name="3", exact=True)).to_be_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        page.get_by_role("link", name="Signals of this comparison").click()
        expect(page.get_by_role("heading", name="Routing", exact=True)).to_be_visible()
