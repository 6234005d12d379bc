import pytest

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import Audience
from annotation.models import Slot
from annotation.services import projects, routes
from annotation.services.aggregation import refresh_next_stale
from annotation.services.routes import Wanted

FIRST, SECOND = [[0], [1]], [[1], [0]]


@pytest.fixture
def fill(judge, noon):
    """Have an annotator fill a comparison's first open slot."""

    def fill(annotator, comparison, tiers):
        slot = comparison.slots.open().order_by("ordinal").first()
        slot.holder, slot.filled_at = annotator, noon
        slot.save()
        judge(annotator, comparison, tiers, slot=slot)

    return fill


@pytest.fixture
def change(project, noon):
    def change(**changes):
        return projects.change_settings(
            actor=None, project_id=project.pk, changes=changes, now=noon
        )

    return change


class TestFurtherSlots:
    def test_opens_one_more_where_all_judgments_leave_it_undecided(
        self, make_comparison, change, fill, ann, bob, noon
    ):
        change(max_overlap=4)
        comparison = make_comparison(slots=2)
        fill(ann, comparison, FIRST)
        fill(bob, comparison, SECOND)

        refresh_next_stale(now=noon)

        assert list(comparison.slots.open().values_list("ordinal", flat=True)) == [3]

    def test_waits_for_the_judgments_that_are_still_wanted(
        self, make_comparison, change, fill, ann, noon
    ):
        change(max_overlap=4, settle_min_votes=2)
        comparison = make_comparison(slots=2)
        fill(ann, comparison, FIRST)

        refresh_next_stale(now=noon)

        assert comparison.slots.count() == 2

    def test_leaves_a_settled_comparison_alone(self, make_comparison, change, fill, ann, bob, noon):
        change(max_overlap=4)
        comparison = make_comparison(slots=2)
        for annotator in (ann, bob):
            fill(annotator, comparison, FIRST)

        refresh_next_stale(now=noon)

        assert not comparison.slots.open().exists()

    def test_stops_at_the_most_that_the_project_wants(
        self, make_comparison, make_crowd, project, change, fill, noon
    ):
        change(max_overlap=3, settle_probability=1.0)
        comparison = make_comparison(slots=2)
        for annotator in make_crowd(project, 3):
            fill(annotator, comparison, FIRST)
            refresh_next_stale(now=noon)

        assert Slot.objects.filter(comparison=comparison).count() == 3

    def test_opens_none_where_the_project_sets_no_maximum(
        self, make_comparison, fill, ann, bob, noon
    ):
        comparison = make_comparison(slots=2)
        fill(ann, comparison, FIRST)
        fill(bob, comparison, SECOND)

        refresh_next_stale(now=noon)

        assert comparison.slots.count() == 2

    def test_asks_about_what_is_disputed_already_when_the_maximum_is_raised(
        self, make_comparison, change, fill, ann, bob, noon
    ):
        comparison = make_comparison(slots=2)
        fill(ann, comparison, FIRST)
        fill(bob, comparison, SECOND)
        refresh_next_stale(now=noon)

        change(max_overlap=3)
        refresh_next_stale(now=noon)

        assert comparison.slots.open().count() == 1

    def test_keeps_to_experts_what_a_route_opened_for_them(
        self, make_comparison, project, change, fill, ann, bob, noon
    ):
        change(max_overlap=4)
        routes.begin_routing(project=project)
        comparison, other = make_comparison(slots=0), make_comparison(slots=0)
        to_experts = Wanted(2, Audience.EXPERT, "law", -5)
        wanted = {comparison.pk: to_experts, other.pk: Wanted(2)}
        routes.apply_routes(project=project, wanted=wanted)
        for one in (comparison, other):
            fill(ann, one, FIRST)
            fill(bob, one, SECOND)

        while refresh_next_stale(now=noon):
            pass

        found = comparison.slots.open().values_list("audience", "expertise", "rank")
        assert list(found) == [("expert", "law", -5)]
        assert [slot.audience for slot in other.slots.open()] == ["human"]

    def test_is_for_everybody_again_once_no_routes_decide(
        self, make_comparison, project, change, fill, ann, bob, noon
    ):
        change(max_overlap=4)
        routes.begin_routing(project=project)
        comparison = make_comparison(slots=0)
        wanted = {comparison.pk: Wanted(2, Audience.EXPERT, "law", -5)}
        routes.apply_routes(project=project, wanted=wanted)
        fill(ann, comparison, FIRST)
        fill(bob, comparison, SECOND)
        routes.end_routing(project=project)

        refresh_next_stale(now=noon)

        found = comparison.slots.open().values_list("audience", "expertise", "rank")
        assert list(found) == [("human", "", 0)]

    def test_refuses_a_maximum_below_the_overlap(self, change):
        with pytest.raises(InvalidField, match="less than the overlap"):
            change(max_overlap=1)
