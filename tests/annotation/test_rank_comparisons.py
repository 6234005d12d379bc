from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from annotation.models import Bookmark, Comparison, Exclusion, Slot
from annotation.services import queue, ranks


def claimed(project, annotator, now):
    slot = queue.claim_slot(project_id=project.id, annotator_id=annotator.id, now=now)
    return slot.comparison_id


class TestRankComparisons:
    def test_puts_a_comparison_before_all_others(self, project, make_comparison, ann, noon):
        make_comparison(slots=2)
        urgent = make_comparison(slots=2)

        before = ranks.rank_comparisons(project=project, ranks={urgent.id: -1})

        assert before == {urgent.id: 0}
        assert claimed(project, ann, noon) == urgent.id
        assert set(urgent.slots.values_list("rank", flat=True)) == {-1}

    def test_is_seen_by_those_who_search_from_a_bookmark(self, project, make_comparison, ann, noon):
        earlier, *_ = [make_comparison(slots=2) for _ in range(3)]
        first = queue.claim_slot(project_id=project.id, annotator_id=ann.id, now=noon)
        queue.release_slot(slot_id=first.id, annotator_id=ann.id, now=noon)
        Bookmark.objects.update(rank=5, slot_id=first.id + 1000)

        ranks.rank_comparisons(project=project, ranks={earlier.id: -7})

        assert not Bookmark.objects.filter(project=project).exists()
        assert claimed(project, ann, noon + timedelta(seconds=1)) == earlier.id

    def test_leaves_filled_slots_and_other_projects_alone(
        self, project, make_project, make_comparison, ann, noon
    ):
        judged = make_comparison(slots=1)
        Slot.objects.filter(comparison=judged).update(filled_at=noon, holder=ann)
        foreign = make_comparison(project=make_project())

        before = ranks.rank_comparisons(project=project, ranks={judged.id: -3, foreign.id: -3})

        foreign.refresh_from_db()
        assert before == {judged.id: 0}
        assert judged.slots.get().rank == 0
        assert foreign.rank == 0

    def test_is_safe_to_repeat(self, project, make_comparison):
        comparison = make_comparison(slots=1)

        for _ in range(2):
            last = ranks.rank_comparisons(project=project, ranks={comparison.id: 4})

        comparison.refresh_from_db()
        assert last == {comparison.id: 4}
        assert comparison.rank == comparison.slots.get().rank == 4

    @pytest.mark.django_db(transaction=True)
    def test_leaves_no_bookmark_of_the_old_order_behind(
        self, project, make_comparison, make_annotator, noon
    ):
        """Whoever claims while the order changes finds the new order at the next claim."""
        people = [make_annotator(f"p{n}") for n in range(6)]
        comparisons = [make_comparison(slots=6) for _ in range(12)]

        def claim(person):
            try:
                for step in range(5):
                    now = noon + timedelta(minutes=30 * step)
                    queue.claim_slot(project_id=project.id, annotator_id=person.id, now=now)
            finally:
                connection.close()

        def rerank(rank):
            try:
                pk = comparisons[rank % 12].id
                ranks.rank_comparisons(project=project, ranks={pk: -rank})
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            work = [pool.submit(claim, person) for person in people]
            work += [pool.submit(rerank, rank) for rank in range(1, 12)]
            for one in work:
                one.result()

        lowest = Slot.objects.open().order_by("rank", "id").first()
        for mark in Bookmark.objects.filter(project=project):
            assert (mark.rank, mark.slot_id) <= (lowest.rank, lowest.id)
        assert not Slot.objects.exclude(rank=F("comparison__rank")).exists()


class TestOpenFirstSlots:
    def test_opens_one_where_none_is_open(self, make_comparison, ann, noon):
        bare, full, free = (make_comparison(slots=n) for n in (0, 1, 1))
        full.slots.update(filled_at=noon, holder=ann)
        ids = [bare.id, full.id, free.id]

        opened = ranks.open_first_slots(comparison_ids=ids)

        assert sorted(Slot.objects.filter(id__in=opened).values_list("comparison", flat=True)) == [
            bare.id,
            full.id,
        ]
        assert ranks.open_first_slots(comparison_ids=ids) == []

    def test_can_be_taken_back_until_somebody_holds_them(self, project, make_comparison, ann, noon):
        opened = ranks.open_first_slots(
            comparison_ids=[make_comparison(slots=0).id, make_comparison(slots=0).id]
        )
        held = queue.claim_slot(project_id=project.id, annotator_id=ann.id, now=noon)

        assert ranks.close_slots(slot_ids=opened) == 1
        assert list(Slot.objects.values_list("id", flat=True)) == [held.id]


class TestPlanComparisons:
    def test_makes_only_what_is_not_planned(self, project, make_item, make_comparison, noon):
        item = make_item(texts=("a", "b", "c"))
        a, b, c = item.responses.order_by("position").values_list("id", flat=True)
        known = Comparison.objects.create(
            project=project, item=item, response_ids=[a, b], created_at=noon
        )

        found = ranks.plan_comparisons(
            project=project, pairs=[(item.id, (a, b)), (item.id, (a, c))], now=noon
        )

        assert found[item.id, (a, b)] == known.id
        made = Comparison.objects.get(id=found[item.id, (a, c)])
        assert made.response_ids == [a, c]
        assert made.slots.count() == project.overlap
        assert Comparison.objects.filter(item=item).count() == 2

    def test_asks_nobody_about_their_own_answer(self, project, make_item, ann, noon):
        item = make_item(texts=("a", "b"))
        item.responses.filter(position=0).update(author=ann)
        pair = tuple(item.responses.order_by("id").values_list("id", flat=True))

        found = ranks.plan_comparisons(project=project, pairs=[(item.id, pair)], now=noon)

        assert Exclusion.objects.get().comparison_id == found[item.id, pair]
