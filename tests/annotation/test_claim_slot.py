from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from annotation.domain.vocabulary import Audience, ExclusionReason, ProjectState
from annotation.models import Bookmark, Exclusion, Judgment, Lapse, Membership, Profile, Slot
from annotation.selectors.queue import claimable_slots
from annotation.services.queue import MOST_HELD, claim_slot

HOUR = timedelta(hours=1)


@pytest.fixture
def claim(project, noon):
    def claim(annotator, now=noon, besides=()):
        return claim_slot(
            project_id=project.id, annotator_id=annotator.id, now=now, besides=besides
        )

    return claim


class TestClaimSlot:
    def test_leases_the_first_slot_by_rank_until_the_projects_deadline(
        self, claim, make_comparison, ann, noon, project
    ):
        make_comparison(rank=2)
        urgent = make_comparison(rank=1)

        slot = claim(ann)

        assert slot.comparison == urgent
        assert (slot.holder_id, slot.lease_ends_at) == (ann.id, noon + project.lease)
        assert slot.lease_epoch == 1

    def test_renews_what_is_held_instead_of_leasing_more(self, claim, make_comparison, ann, noon):
        make_comparison(), make_comparison()

        first = claim(ann)
        again = claim(ann, now=noon + timedelta(minutes=5))

        assert again == first
        assert again.lease_ends_at > first.lease_ends_at
        assert again.lease_epoch == first.lease_epoch

    def test_leases_up_to_three_besides_those_on_the_screen(self, claim, make_comparison, ann):
        for _ in range(5):
            make_comparison()

        held = []
        for _ in range(MOST_HELD):
            held.append(claim(ann, besides=held).id)

        assert len(set(held)) == MOST_HELD
        assert claim(ann, besides=held) is None
        assert claim(ann, besides=held[:2]).id == held[2]

    def test_never_leases_the_second_slot_of_a_comparison_that_is_held(
        self, claim, make_comparison, ann
    ):
        make_comparison(slots=2)

        slot = claim(ann)

        assert claim(ann, besides=[slot.id]) is None

    def test_gives_two_annotators_two_slots(self, claim, make_comparison, ann, bob):
        make_comparison(slots=2)

        assert claim(ann) != claim(bob)

    def test_gives_a_slot_away_when_its_lease_has_run_out_and_remembers_who_had_it(
        self, claim, make_comparison, ann, bob, noon
    ):
        make_comparison()
        claim(ann)

        assert claim(bob) is None
        slot = claim(bob, now=noon + HOUR)

        assert (slot.holder_id, slot.lease_epoch) == (bob.id, 2)
        assert Lapse.objects.get().annotator == ann

    @pytest.mark.parametrize("reason", ExclusionReason)
    def test_never_gives_what_an_annotator_skipped_or_wrote(
        self, claim, make_comparison, ann, noon, reason
    ):
        Exclusion.objects.create(
            comparison=make_comparison(), annotator=ann, reason=reason, created_at=noon
        )

        assert claim(ann) is None

    def test_gives_experts_slots_to_experts_only(self, claim, make_comparison, ann, bob):
        make_comparison()
        Slot.objects.update(audience=Audience.EXPERT)
        Membership.objects.filter(user=bob.user).update(is_expert=True)

        assert claim(ann) is None
        assert claim(bob) is not None

    @pytest.mark.parametrize("is_expert", [True, False])
    @pytest.mark.parametrize("known", [None, [], ["law"], ["medicine", "law"]])
    @pytest.mark.parametrize("audience", Audience)
    @pytest.mark.parametrize("wanted", ["", "law"])
    def test_gives_an_experts_slot_to_those_who_name_its_expertise(
        self, claim, make_comparison, ann, project, noon, is_expert, known, audience, wanted
    ):
        make_comparison()
        Slot.objects.update(audience=audience, expertise=wanted)
        Membership.objects.filter(user=ann.user).update(is_expert=is_expert)
        if known is not None:
            Profile.objects.create(annotator=ann, expertise=known, updated_at=noon)
        is_theirs = audience == Audience.HUMAN or (
            is_expert and (wanted == "" or wanted in (known or []))
        )

        listed = claimable_slots(ann.id, project.id, noon).exists()

        assert listed == is_theirs
        assert (claim(ann) is not None) == is_theirs

    def test_gives_nothing_in_a_paused_project(self, claim, make_comparison, ann, project):
        make_comparison()
        project.state = ProjectState.PAUSED
        project.save()

        assert claim(ann) is None

    @pytest.mark.django_db(transaction=True)
    def test_gives_two_tabs_of_one_annotator_the_same_slot(self, claim, make_comparison, ann):
        for _ in range(3):
            make_comparison(slots=3)

        def tab(_):
            try:
                return claim(ann).id
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as tabs:
            assert len(set(tabs.map(tab, range(8)))) == 1


class TestABookmark:
    def test_spares_the_walk_past_what_was_judged_and_loses_nothing(
        self, claim, make_comparison, ann, noon
    ):
        judged, following = make_comparison(slots=2), make_comparison()
        first = claim(ann)
        Judgment.objects.create(
            project=first.project,
            comparison=judged,
            annotator=ann,
            slot=first,
            outcome="unsure",
            judged_at=noon,
        )
        Slot.objects.filter(id=first.id).update(filled_at=noon)

        later = claim(ann, now=noon + HOUR)

        assert later.comparison == following
        assert Bookmark.objects.get().slot_id == later.id

    def test_counts_for_a_few_minutes_so_that_urgent_work_is_seen(
        self, claim, make_comparison, ann, noon
    ):
        make_comparison(rank=5), make_comparison(rank=5)
        held = [claim(ann).id]
        urgent = make_comparison(rank=1)

        assert claim(ann, besides=held).comparison != urgent
        held += [slot.id for slot in Slot.objects.filter(holder=ann)]
        assert claim(ann, now=noon + timedelta(minutes=6), besides=held).comparison == urgent

    def test_hides_nothing_when_nothing_lies_behind_it(self, claim, make_comparison, ann):
        make_comparison(rank=5)
        held = [claim(ann).id]
        urgent = make_comparison(rank=1)

        assert claim(ann, besides=held).comparison == urgent
