from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotation.domain.answers import Answer
from annotation.domain.vocabulary import Outcome
from annotation.models import Annotator, Comparison, Judgment, Slot
from annotation.selectors.queue import claimable_slots, why_nothing
from annotation.services import judging, queue

PEOPLE = st.integers(0, 2)
UNSURE = Answer(outcome=Outcome.UNSURE)


class Model:
    """What one slot should be, in the plainest words."""

    def __init__(self, comparison):
        self.comparison, self.holder, self.ends_at, self.is_filled = comparison, None, None, False
        self.past_holders = set()

    def is_free(self, now):
        return not self.is_filled and (self.ends_at is None or self.ends_at <= now)

    def is_held_by(self, person, now):
        return not self.is_filled and self.holder == person and self.ends_at > now


def queue_machine(project, people, make_comparison, noon):
    class Queue(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE draft, lapse, judgment, exclusion, slot, comparison CASCADE"
                )
            self.now = noon
            self.slots = {}
            for rank in (1, 0, 0):
                comparison = make_comparison(slots=2, rank=rank)
                for slot in comparison.slots.all():
                    self.slots[slot.id] = Model(comparison.id)
            self.done = set()  # (person, comparison) judged
            self.skipped = set()
            self.n_late = 0

        @rule(person=PEOPLE, n_besides=st.integers(0, 3))
        def claim(self, person, n_besides):
            me = people[person]
            held = sorted(i for i, s in self.slots.items() if self.is_held(s, person))
            besides = held[:n_besides]
            taken = {self.slots[i].comparison for i in held}
            claimable = claimable_slots(me.id, project.id, self.now).exclude(
                comparison_id__in=taken
            )
            expected = next((i for i in held if i not in besides), None)
            if expected is None and len(held) < queue.MOST_HELD:
                expected = claimable.values_list("id", flat=True).first()
                assert expected == self.next_free(person, taken)

            slot = queue.claim_slot(
                project_id=project.id, annotator_id=me.id, now=self.now, besides=besides
            )

            assert (slot.id if slot else None) == expected
            if slot is None:
                assert why_nothing(me.id, project.id, self.now).sentence
                return
            self.give(self.slots[slot.id], person)
            assert slot.lease_ends_at == self.now + project.lease

        @rule(person=PEOPLE, data=st.data())
        def submit(self, person, data):
            slot_id = data.draw(st.sampled_from(sorted(self.slots)))
            slot = self.slots[slot_id]
            try:
                judgment = judging.submit_judgment(
                    slot_id=slot_id,
                    annotator_id=people[person].id,
                    answer=UNSURE,
                    client_key=uuid4(),
                    now=self.now,
                )
            except judging.AlreadyJudged:
                assert (person, slot.comparison) in self.done
                return
            except queue.SlotLost:
                assert slot.holder != person
                assert person not in slot.past_holders
                return
            in_time = slot.holder == person or slot.is_free(self.now)
            assert judgment.is_late == (not in_time)
            assert slot.holder == person or person in slot.past_holders
            self.done.add((person, slot.comparison))
            if in_time:
                self.give(slot, person)
                slot.is_filled = True
            else:
                self.n_late += 1

        @rule(person=PEOPLE, data=st.data())
        def renew(self, person, data):
            slot_id = data.draw(st.sampled_from(sorted(self.slots)))
            try:
                queue.renew_lease(slot_id=slot_id, annotator_id=people[person].id, now=self.now)
            except queue.SlotLost:
                return
            assert not self.slots[slot_id].is_filled
            assert self.slots[slot_id].holder == person
            self.slots[slot_id].ends_at = self.now + project.lease

        @rule(person=PEOPLE, data=st.data())
        def release(self, person, data):
            slot_id = data.draw(st.sampled_from(sorted(self.slots)))
            slot = self.slots[slot_id]
            try:
                queue.release_slot(slot_id=slot_id, annotator_id=people[person].id, now=self.now)
            except queue.SlotLost:
                assert slot.holder != person
                return
            if slot.is_held_by(person, self.now):
                slot.ends_at = self.now

        @rule(person=PEOPLE, data=st.data())
        @precondition(lambda self: len(self.skipped) < 2)
        def skip(self, person, data):
            slot_id = data.draw(st.sampled_from(sorted(self.slots)))
            slot = self.slots[slot_id]
            try:
                queue.skip_comparison(slot_id=slot_id, annotator_id=people[person].id, now=self.now)
            except queue.SlotLost:
                assert slot.holder != person or slot.is_filled
                return
            if (person, slot.comparison) not in self.skipped:
                slot.ends_at = self.now
                self.skipped.add((person, slot.comparison))

        @rule(minutes=st.sampled_from([1, 10, 30]))
        def wait(self, minutes):
            self.now += timedelta(minutes=minutes)

        @invariant()
        def never_more_in_time_than_slots_and_none_lost(self):
            in_time = Judgment.objects.filter(is_late=False)
            assert in_time.count() == sum(slot.is_filled for slot in self.slots.values())
            assert Judgment.objects.filter(is_late=True).count() == self.n_late
            assert Judgment.objects.count() == len(self.done)

        @invariant()
        def slots_are_as_the_model_says(self):
            for slot in Slot.objects.all():
                model = self.slots[slot.id]
                names = {people[p].id: p for p in range(3)}
                assert names.get(slot.holder_id) == model.holder
                assert (slot.filled_at is not None) == model.is_filled

        def is_held(self, slot, person):
            return (
                slot.is_held_by(person, self.now) and (person, slot.comparison) not in self.barred
            )

        @property
        def barred(self):
            return self.done

        def next_free(self, person, taken):
            ranks = dict(Comparison.objects.values_list("id", "rank"))
            free = [
                (ranks[slot.comparison], i)
                for i, slot in self.slots.items()
                if slot.is_free(self.now)
                and slot.comparison not in taken
                and (person, slot.comparison) not in self.done | self.skipped
            ]
            return min(free)[1] if free else None

        def give(self, slot, person):
            if slot.holder is not None and slot.holder != person:
                slot.past_holders.add(slot.holder)
            slot.holder, slot.ends_at = person, self.now + project.lease

    return Queue


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTheQueue:
    def test_does_what_a_plain_model_says_whatever_people_do(
        self, project, ann, bob, make_annotator, make_comparison, noon
    ):
        people = [ann, bob, make_annotator("cleo")]

        run_state_machine_as_test(
            lambda: queue_machine(project, people, make_comparison, noon)(),
            settings=settings(
                max_examples=12,
                stateful_step_count=25,
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert Annotator.objects.count() == 3
