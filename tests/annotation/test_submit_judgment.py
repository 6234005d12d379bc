from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from annotation.domain.answers import Answer, RationaleAnswer, SpanAnswer
from annotation.domain.vocabulary import Outcome
from annotation.models import Draft, Judgment, Lapse, Slot, Span
from annotation.selectors.progress import last_judgment, progress_of
from annotation.services import drafts, judging, queue

KEY = UUID("12345678-1234-5678-1234-567812345678")
UNSURE = Answer(outcome=Outcome.UNSURE)
DAY = timedelta(days=1)


def in_parallel(n, task):
    def closing(number):
        try:
            return task(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(closing, range(n)))


@pytest.fixture
def claimed(project, make_comparison, ann, noon):
    make_comparison()
    return queue.claim_slot(project_id=project.id, annotator_id=ann.id, now=noon)


@pytest.fixture
def submit(ann, noon):
    def submit(slot, annotator=ann, answer=UNSURE, key=None, now=noon):
        return judging.submit_judgment(
            slot_id=slot.id,
            annotator_id=annotator.id,
            answer=answer,
            client_key=key or uuid4(),
            now=now,
        )

    return submit


class TestSubmitJudgment:
    def test_keeps_the_rationale_with_its_spans(self, claimed, submit):
        response = claimed.comparison.response_ids[0]
        said = RationaleAnswer("why", ("clearer",), (SpanAnswer(response, 0, 5, "error"),))

        judgment = submit(claimed, answer=Answer(outcome=Outcome.BOTH_BAD, rationale=said))

        assert judgment.rationale.tags == ["clearer"]
        assert Span.objects.get().response_id == response

    def test_in_time_after_the_lease_ran_out_while_nobody_took_the_slot(
        self, claimed, submit, noon
    ):
        assert not submit(claimed, now=noon + DAY).is_late

    def test_takes_back_a_slot_that_a_rival_had_and_gave_up(
        self, claimed, submit, project, bob, noon
    ):
        rivals = queue.claim_slot(project_id=project.id, annotator_id=bob.id, now=noon + DAY)
        queue.release_slot(slot_id=rivals.id, annotator_id=bob.id, now=noon + DAY)

        judgment = submit(claimed, now=noon + DAY)

        assert not judgment.is_late
        assert Slot.objects.get().holder_id == judgment.annotator_id

    @pytest.mark.parametrize("rival_submits_first", [True, False])
    def test_keeps_a_late_answer_whoever_is_first(
        self, claimed, submit, project, bob, noon, rival_submits_first
    ):
        rivals = queue.claim_slot(project_id=project.id, annotator_id=bob.id, now=noon + DAY)
        if rival_submits_first:
            submit(rivals, annotator=bob, now=noon + DAY)

        late = submit(claimed, now=noon + DAY)
        if not rival_submits_first:
            submit(rivals, annotator=bob, now=noon + DAY)

        assert late.is_late
        assert late.slot_id == claimed.id
        assert Slot.objects.get().holder_id == bob.id
        assert list(Judgment.objects.filter(is_late=False).values_list("annotator", flat=True)) == [
            bob.id
        ]

    def test_keeps_an_answer_whose_slot_an_import_filled(self, claimed, submit, bob, noon):
        Slot.objects.update(holder=bob, filled_at=noon)

        assert submit(claimed).is_late
        assert Lapse.objects.get().lease_epoch == 1

    def test_throws_the_draft_away(self, claimed, submit, ann, noon):
        drafts.save_draft(slot_id=claimed.id, annotator_id=ann.id, payload={"x": 1}, now=noon)

        submit(claimed)

        assert not Draft.objects.exists()

    def test_writes_nothing_when_a_part_of_it_fails(self, claimed, submit):
        said = RationaleAnswer("why", (), (SpanAnswer(1, 5, 5, "error"),))

        with pytest.raises(Exception, match="span_not_empty"):
            submit(claimed, answer=Answer(outcome=Outcome.UNSURE, rationale=said))

        assert not Judgment.objects.exists()

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_makes_one_judgment_of_a_hundred_parallel_repeats(self, claimed, submit):
        judgments = in_parallel(100, lambda _: submit(claimed, key=KEY).id)

        assert len(set(judgments)) == 1
        assert Judgment.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_lets_one_of_several_parallel_answers_win(self, claimed, submit):
        def attempt(_):
            try:
                return submit(claimed).id
            except judging.AlreadyJudged:
                return None

        assert len([won for won in in_parallel(12, attempt) if won]) == 1
        assert Judgment.objects.count() == 1


class TestCorrectJudgment:
    @pytest.mark.django_db(transaction=True)
    def test_lets_one_of_several_parallel_corrections_win(self, claimed, submit, ann, noon):
        first = submit(claimed)

        def attempt(_):
            try:
                return judging.correct_judgment(
                    judgment_id=first.id,
                    annotator_id=ann.id,
                    answer=UNSURE,
                    client_key=uuid4(),
                    now=noon,
                ).id
            except judging.NotInForce:
                return None

        assert len([won for won in in_parallel(8, attempt) if won]) == 1
        assert Judgment.objects.in_force().count() == 1


class TestProgressOf:
    def test_counts_own_comparisons_once_and_tells_the_pace(
        self, project, make_comparison, submit, ann, bob, noon
    ):
        for _ in range(4):
            make_comparison(slots=2)
        times = [noon - DAY, noon - timedelta(minutes=20), noon - timedelta(minutes=10)]
        for time in times:
            slot = queue.claim_slot(project_id=project.id, annotator_id=ann.id, now=time)
            judgment = submit(slot, now=time)
        judging.correct_judgment(
            judgment_id=judgment.id,
            annotator_id=ann.id,
            answer=UNSURE,
            client_key=uuid4(),
            now=noon,
        )

        progress = progress_of(ann.id, project.id, noon)

        assert (progress.judged_today, progress.judged) == (2, 3)
        assert progress.pace == pytest.approx(6.0)
        assert (progress.open_for_me, progress.is_more_open) == (1, False)
        assert progress_of(bob.id, project.id, noon).pace is None

    def test_undoes_what_is_in_force_on_the_comparison_judged_last(
        self, claimed, submit, ann, noon, project
    ):
        first = submit(claimed)
        correction = judging.correct_judgment(
            judgment_id=first.id,
            annotator_id=ann.id,
            answer=UNSURE,
            client_key=uuid4(),
            now=noon,
        )

        assert last_judgment(ann.id, project.id) == correction


class TestDrafts:
    def test_come_back_as_they_were_saved(self, claimed, ann, noon):
        entered = {"text": "  so far\n", "ranking": [[1], [2]]}
        who = {"slot_id": claimed.id, "annotator_id": ann.id}

        drafts.save_draft(**who, payload={"text": "first"}, now=noon)
        drafts.save_draft(**who, payload=entered, now=noon)

        assert Draft.objects.get(**who).payload == entered

    @pytest.mark.parametrize(
        "payload", ["text", {"a": "x" * 200_001}, {"a": ["\x00"]}, {"\ud800": 1}]
    )
    def test_are_refused_when_they_cannot_be_kept(self, claimed, ann, noon, payload):
        with pytest.raises(judging.DomainError):
            drafts.save_draft(slot_id=claimed.id, annotator_id=ann.id, payload=payload, now=noon)

    def test_are_kept_for_the_holder_only(self, claimed, bob, noon):
        with pytest.raises(queue.SlotLost):
            drafts.save_draft(slot_id=claimed.id, annotator_id=bob.id, payload={}, now=noon)


class TestOpenSlots:
    def test_numbers_new_slots_after_those_that_are_there(self, make_comparison):
        comparison = make_comparison(slots=2)

        opened = queue.open_slots(comparison_ids=[comparison.id], n_more=2)

        assert opened == 2
        assert sorted(comparison.slots.values_list("ordinal", flat=True)) == [1, 2, 3, 4]

    @pytest.mark.django_db(transaction=True)
    def test_opens_as_many_as_all_who_ask_at_once_want(self, make_comparison):
        comparison = make_comparison()

        in_parallel(6, lambda _: queue.open_slots(comparison_ids=[comparison.id]))

        assert comparison.slots.count() == 7
