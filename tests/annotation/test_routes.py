from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from annotation.domain.vocabulary import Audience
from annotation.models import Comparison, Project, Slot
from annotation.services import aggregation, projects, queue, ranks, routes
from annotation.services.importing.items import create_items
from annotation.services.routes import NOBODY, Wanted

pytestmark = pytest.mark.django_db
ITEM = {"id": "one", "prompt": "Why?", "responses": [{"text": "So."}, {"text": "Thus."}]}


@pytest.fixture
def routed(project):
    routes.begin_routing(project=project)
    project.refresh_from_db()
    return project


@pytest.fixture
def apply(project):
    """Apply what is wanted of one comparison and give its slots."""

    def apply(comparison, wanted):
        routes.apply_routes(project=project, wanted={comparison.pk: wanted})
        return slots_of(comparison)

    return apply


def slots_of(comparison):
    rows = comparison.slots.order_by("ordinal")
    return [(slot.ordinal, slot.audience, slot.expertise, slot.rank) for slot in rows]


def plain(n, rank=0):
    return [(ordinal, "human", "", rank) for ordinal in range(1, n + 1)]


def lease(slot, annotator, now):
    slot.holder, slot.lease_ends_at = annotator, now
    slot.save()


def fill(slot, annotator, now):
    slot.holder, slot.filled_at = annotator, now
    slot.save()


class TestApplyRoutes:
    def test_opens_exactly_what_is_wanted(self, make_comparison, apply):
        comparison = make_comparison(slots=0)

        assert apply(comparison, Wanted(3)) == plain(3)
        assert apply(comparison, Wanted(3)) == plain(3)

    def test_closes_free_slots_beyond_it(self, make_comparison, apply):
        comparison = make_comparison(slots=4)

        assert apply(comparison, Wanted(1)) == plain(1)
        assert apply(comparison, NOBODY) == []

    def test_retargets_free_slots(self, make_comparison, apply):
        comparison = make_comparison(slots=2, rank=7)

        told = apply(comparison, Wanted(2, Audience.EXPERT, "law", -10))

        assert told == [(1, "expert", "law", -3), (2, "expert", "law", -3)]
        assert apply(comparison, Wanted(1)) == plain(1, rank=7)

    def test_counts_and_keeps_filled_slots_and_those_that_somebody_holds_or_held(
        self, make_comparison, apply, ann, bob, noon
    ):
        comparison = make_comparison(slots=4)
        filled, lapsed, *_ = comparison.slots.order_by("-ordinal")
        fill(filled, ann, noon)
        lease(lapsed, bob, noon - timedelta(hours=1))

        assert apply(comparison, Wanted(3, Audience.EXPERT)) == [
            (1, "expert", "", 0),
            (3, "human", "", 0),
            (4, "human", "", 0),
        ]
        assert apply(comparison, NOBODY) == [(3, "human", "", 0), (4, "human", "", 0)]

    def test_opens_nothing_more_where_enough_is_filled(
        self, make_comparison, apply, ann, bob, noon
    ):
        comparison = make_comparison(slots=2)
        for slot, who in zip(comparison.slots.all(), (ann, bob), strict=True):
            fill(slot, who, noon)

        assert apply(comparison, Wanted(1)) == plain(2)
        assert apply(comparison, Wanted(3)) == plain(3)

    def test_keeps_ranks_within_what_the_column_holds(self, make_comparison, apply):
        comparison = make_comparison(slots=0, rank=2**31 - 1)

        assert apply(comparison, Wanted(1, rank=5)) == [(1, "human", "", 2**31 - 1)]

    def test_passes_over_comparisons_of_other_projects(self, make_project, make_comparison, apply):
        elsewhere = make_comparison(slots=1, project=make_project())

        assert apply(elsewhere, Wanted(3)) == plain(1)

    @pytest.mark.django_db(transaction=True)
    def test_never_opens_too_many_beside_rivals_who_claim(
        self, project, make_comparison, make_annotator
    ):
        comparisons = [make_comparison(slots=1) for _ in range(12)]
        people = [make_annotator(f"person-{n}") for n in range(4)]
        now = project.created_at

        def route(overlap):
            try:
                wanted = {one.pk: Wanted(overlap) for one in comparisons}
                routes.apply_routes(project=project, wanted=wanted)
            finally:
                connection.close()

        def claim(person):
            try:
                for _ in range(6):
                    queue.claim_slot(project_id=project.pk, annotator_id=person.pk, now=now)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            work = [threads.submit(route, overlap) for overlap in (3, 2, 3, 2)]
            work += [threads.submit(claim, person) for person in people]
            for one in work:
                one.result()
        route(2)

        for one in comparisons:
            n_held = one.slots.filter(holder__isnull=False).count()
            assert one.slots.count() == max(2, n_held)


class TestRoutedProject:
    def test_opens_no_slots_for_what_is_imported(self, routed, noon):
        create_items(project=routed, records=[ITEM], now=noon)

        assert Comparison.objects.filter(project=routed).count() == 1
        assert not Slot.objects.exists()

    def test_opens_none_even_if_the_importer_read_the_project_before(self, project, noon):
        stale = Project.objects.get(pk=project.pk)
        routes.begin_routing(project=project)

        create_items(project=stale, records=[ITEM], now=noon)

        assert not Slot.objects.exists()

    def test_opens_none_for_comparisons_planned_later(self, routed, make_item, noon):
        item = make_item(texts=("a", "b", "c"))
        pair = tuple(sorted(item.responses.values_list("id", flat=True))[:2])

        ranks.plan_comparisons(project=routed, pairs=[(item.pk, pair)], now=noon)

        assert not Slot.objects.exists()

    def test_keeps_its_slots_when_the_overlap_changes(self, routed, make_comparison, noon):
        comparison = make_comparison(slots=1)

        projects.change_settings(actor=None, project_id=routed.pk, changes={"overlap": 5}, now=noon)

        assert comparison.slots.count() == 1

    def test_asks_nobody_further_about_what_no_people_are_to_judge(
        self, routed, make_comparison, noon
    ):
        projects.change_settings(
            actor=None, project_id=routed.pk, changes={"overlap": 0, "max_overlap": 3}, now=noon
        )
        comparison = make_comparison(slots=0)

        aggregation.slots.open_further(comparison_ids=[comparison.pk])

        assert not comparison.slots.exists()

    def test_asks_one_more_person_where_people_disagree(
        self, routed, make_comparison, ann, bob, noon
    ):
        projects.change_settings(
            actor=None, project_id=routed.pk, changes={"max_overlap": 3}, now=noon
        )
        comparison = make_comparison(slots=2)
        for slot, who in zip(comparison.slots.all(), (ann, bob), strict=True):
            fill(slot, who, noon)

        aggregation.slots.open_further(comparison_ids=[comparison.pk])

        assert comparison.slots.count() == 3

    def test_asks_one_more_of_those_whom_the_route_in_force_asks(
        self, routed, make_comparison, apply, ann, bob, noon
    ):
        projects.change_settings(
            actor=None, project_id=routed.pk, changes={"overlap": 2, "max_overlap": 3}, now=noon
        )
        comparison = make_comparison(slots=0)
        apply(comparison, Wanted(1, Audience.EXPERT, "law"))
        fill(comparison.slots.get(), ann, noon)
        apply(comparison, Wanted(2, rank=4))
        fill(comparison.slots.get(ordinal=2), bob, noon)

        aggregation.slots.open_further(comparison_ids=[comparison.pk])

        assert slots_of(comparison)[0] == (1, "expert", "law", 0)
        assert slots_of(comparison)[2] == (3, "human", "", 4)


class TestEndRouting:
    def test_gives_the_slots_back_to_the_overlap(self, routed, make_comparison, apply, noon):
        routed_to_experts, routed_to_none = make_comparison(slots=0, rank=4), make_comparison()
        apply(routed_to_experts, Wanted(5, Audience.EXPERT, "law", -3))
        apply(routed_to_none, NOBODY)

        routes.end_routing(project=routed)

        assert slots_of(routed_to_experts) == plain(2, rank=4)
        assert slots_of(routed_to_none) == plain(2)
        routed.refresh_from_db()
        assert not routed.is_routed
