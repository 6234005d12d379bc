from uuid import uuid4

import pytest
from django.db import Error, transaction

from annotation.models import ApiToken, Draft, Exclusion, Judgment, Lapse, Slot, Span
from annotation.models.judgments import Rationale


@pytest.fixture
def comparison(make_comparison):
    return make_comparison(slots=1)


@pytest.fixture
def judge(comparison, ann, noon):
    def judge(**fields):
        first, second = comparison.response_ids
        plain = {
            "project": comparison.project,
            "comparison": comparison,
            "annotator": ann,
            "slot": comparison.slots.first(),
            "outcome": "ranked",
            "ranking": [[first], [second]],
            "strength": 1,
            "judged_at": noon,
        }
        return Judgment.objects.create(**plain | fields)

    return judge


def refuses(name):
    return pytest.raises(Error, match=name)


class TestTheDatabaseRefusesAJudgment:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"outcome": "maybe", "ranking": []}, "judgment_outcome_known"),
            ({"ranking": []}, "judgment_ranking_iff_ranked"),
            ({"outcome": "unsure", "strength": None}, "judgment_ranking_iff_ranked"),
            ({"reason": "other"}, "judgment_reason_iff_cannot_judge"),
            (
                {"outcome": "cannot_judge", "ranking": [], "strength": None},
                "judgment_reason_iff_cannot_judge",
            ),
            ({"strength": 5}, "judgment_strength_0_to_4_of_a_ranking"),
            (
                {"outcome": "unsure", "ranking": [], "strength": 1},
                "judgment_strength_0_to_4_of_a_ranking",
            ),
            ({"confidence": 6}, "judgment_confidence_1_to_5"),
            ({"active_seconds": -1}, "judgment_seconds_not_negative"),
        ],
    )
    def test_that_says_what_cannot_be(self, judge, fields, constraint):
        with refuses(constraint):
            judge(**fields)

    def test_that_is_the_second_of_one_annotator(self, judge):
        judge()

        with refuses("judgment_once_per_annotator"):
            judge(is_late=True)

    def test_that_is_the_second_in_time_for_one_slot(self, judge, bob):
        judge()

        with refuses("judgment_one_in_time_per_slot"):
            judge(annotator=bob)

    def test_that_repeats_a_client_key(self, judge):
        key = uuid4()
        judge(client_key=key)

        with refuses("judgment_client_key_once"):
            judge(client_key=key, slot=None)

    def test_that_supersedes_what_is_superseded(self, judge):
        first = judge()
        judge(supersedes=first)

        with refuses("judgment_supersedes_id"):
            judge(supersedes=first)

    @pytest.mark.parametrize("change", ["update", "delete"])
    def test_to_change_or_to_go(self, judge, change):
        row = Judgment.objects.filter(id=judge().id)

        with refuses("Cannot"), transaction.atomic():
            row.update(strength=2) if change == "update" else row._raw_delete("default")

        assert row.get().strength == 1


class TestTheDatabaseRefusesASlot:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"ordinal": 1}, "slot_ordinal_once_per_comparison"),
            ({"ordinal": 101}, "slot_ordinal_1_to_100"),
            ({"ordinal": 2, "audience": "robots"}, "slot_audience_known"),
            ({"ordinal": 2, "filled_at": True}, "slot_filled_by_somebody"),
            ({"ordinal": 2, "lease_ends_at": True}, "slot_leased_to_somebody"),
        ],
    )
    def test_that_cannot_be(self, comparison, noon, fields, constraint):
        moments = {name: noon for name, value in fields.items() if value is True}

        with refuses(constraint):
            Slot.objects.create(
                project=comparison.project, comparison=comparison, **fields | moments
            )


class TestTheDatabaseRefuses:
    def test_two_exclusions_of_one_annotator_from_one_comparison(self, comparison, ann, noon):
        rows = [
            Exclusion(comparison=comparison, annotator=ann, reason="skipped", created_at=noon)
            for _ in range(2)
        ]

        with refuses("exclusion_once_per_annotator"):
            Exclusion.objects.bulk_create(rows)

    def test_two_drafts_of_one_annotator_on_one_slot(self, comparison, ann, noon):
        slot = comparison.slots.get()
        rows = [Draft(slot=slot, annotator=ann, payload={}, saved_at=noon) for _ in range(2)]

        with refuses("draft_once_per_slot_and_annotator"):
            Draft.objects.bulk_create(rows)

    def test_two_lapses_of_one_annotator_on_one_slot(self, comparison, ann):
        slot = comparison.slots.get()

        with refuses("lapse_once_per_annotator_and_slot"):
            Lapse.objects.bulk_create(
                Lapse(slot=slot, annotator=ann, lease_epoch=1) for _ in range(2)
            )

    def test_an_empty_span(self, judge, comparison):
        rationale = Rationale.objects.create(judgment=judge(), text="why")

        with refuses("span_not_empty"):
            Span.objects.create(
                rationale=rationale,
                response_id=comparison.response_ids[0],
                start=3,
                end=3,
                label="error",
            )

    def test_a_token_with_a_scope_of_its_own(self, ann, noon):
        with refuses("api_token_scope_known"):
            ApiToken.objects.create(
                user=ann.user, name="x", prefix="x", digest=b"x", scope="all", created_at=noon
            )
