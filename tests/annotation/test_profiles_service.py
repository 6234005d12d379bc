import pytest
from django.db import IntegrityError, connection, transaction

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import Audience, Outcome
from annotation.models import AuditEvent, Judgment, Membership, Profile, Slot
from annotation.selectors import profiles as selected
from annotation.services import profiles, routes
from annotation.services.queue import claim_slot


@pytest.fixture
def people(make_annotator, noon):
    """Members who told their region: people(12, "Asia", may_export=True)."""
    made = []

    def people(n, region, may_export=False):
        for _ in range(n):
            one = make_annotator(f"p{len(made)}")
            profiles.give_consent(
                user=one.user, demographics={"region": region}, may_export=may_export, now=noon
            )
            made.append(one)
        return made[-n:]

    return people


class TestAProfile:
    def test_opens_experts_slots_at_once(self, make_comparison, ann, project, noon):
        Membership.objects.update(is_expert=True)
        make_comparison()
        Slot.objects.update(audience=Audience.EXPERT, expertise="tax law")
        assert claim_slot(project_id=project.id, annotator_id=ann.id, now=noon) is None

        profiles.save_profile(user=ann.user, expertise=["Tax  LAW"], languages=["de"], now=noon)

        assert claim_slot(project_id=project.id, annotator_id=ann.id, now=noon) is not None

    def test_names_a_field_in_any_spelling(self, make_comparison, ann, project, noon):
        Membership.objects.update(is_expert=True)
        comparison = make_comparison(slots=0)
        routes.apply_routes(
            project=project,
            wanted={comparison.id: routes.Wanted(1, Audience.EXPERT, " Tax  LAW")},
        )

        profiles.save_profile(user=ann.user, expertise=["tax Law"], languages=[], now=noon)

        assert claim_slot(project_id=project.id, annotator_id=ann.id, now=noon) is not None

    def test_may_have_its_expertise_set_by_an_admin_of_the_project(self, ann, bob, project, noon):
        profiles.set_expertise(
            actor=bob.user, project=project, user_id=ann.user_id, expertise=["Law"], now=noon
        )

        assert selected.knowledge_in(project)[ann.user_id].expertise == ["law"]
        event = AuditEvent.objects.get(action="expertise_changed")
        assert event.detail == {"user": "ann", "to": ["law"]}

    def test_is_none_of_the_business_of_other_projects_admins(self, ann, bob, make_project, noon):
        with pytest.raises(NotFound):
            profiles.set_expertise(
                actor=bob.user, project=make_project(), user_id=ann.user_id, expertise=[], now=noon
            )


class TestConsent:
    def test_is_told_to_the_audit_without_the_answers(self, ann, noon):
        profiles.give_consent(
            user=ann.user, demographics={"region": "Oceania"}, may_export=False, now=noon
        )

        event = AuditEvent.objects.get(action="profile_consent_given")
        assert event.detail == {"may_export": False}

    def test_to_nothing_is_refused(self, ann, noon):
        with pytest.raises(InvalidField):
            profiles.give_consent(user=ann.user, demographics={}, may_export=True, now=noon)
        assert not Profile.objects.exists()

    def test_withdrawn_deletes_the_answers_everywhere_at_once(self, ann, noon):
        profiles.save_profile(user=ann.user, expertise=["law"], languages=[], now=noon)
        profiles.give_consent(
            user=ann.user, demographics={"region": "Oceania"}, may_export=True, now=noon
        )

        profiles.withdraw_consent(user=ann.user, now=noon)

        profile = Profile.objects.get()
        assert (profile.demographics, profile.consented_at, profile.may_export) == ({}, None, False)
        assert profile.expertise == ["law"]
        event = AuditEvent.objects.get(action="profile_consent_withdrawn")
        assert event.detail == {}
        with connection.cursor() as cursor:
            for table in ("profile", "audit_event"):
                cursor.execute(f"select count(*) from {table} t where t::text like '%Oceania%'")
                assert cursor.fetchone() == (0,)

    @pytest.mark.parametrize("fields", [{"demographics": {"age": "18-24"}}, {"may_export": True}])
    def test_is_demanded_by_the_database_itself(self, ann, noon, fields):
        with pytest.raises(IntegrityError), transaction.atomic():
            Profile.objects.create(annotator=ann, updated_at=noon, **fields)


class TestGroupCounts:
    def test_show_no_group_of_fewer_than_ten(self, people, project):
        people(11, "Asia"), people(10, "Europe"), people(9, "Oceania"), people(2, "Africa")

        counts = selected.group_counts(project)

        assert counts == {"Region you live in": {"Asia": 11, "Europe": 10}}

    def test_count_members_only(self, people, project, make_project):
        people(12, "Asia")
        Membership.objects.update(project=make_project())

        assert selected.group_counts(project) == {}

    def test_lose_who_withdraws(self, people, project, noon):
        told = people(10, "Asia")
        assert selected.group_counts(project)

        profiles.withdraw_consent(user=told[0].user, now=noon)

        assert selected.group_counts(project) == {}


class TestExportedCounts:
    @pytest.fixture
    def judged(self, make_comparison, project, noon):
        def judged(annotators):
            comparison = make_comparison()
            for one in annotators:
                Judgment.objects.create(
                    project=project, comparison=comparison, annotator=one,
                    outcome=Outcome.UNSURE, judged_at=noon,
                )  # fmt: skip

        return judged

    def test_are_of_those_who_judged_and_allowed_it(self, people, judged, project):
        judged(people(10, "Asia", may_export=True))
        judged(people(15, "Europe"))  # agreed, but not to be published
        people(15, "Oceania", may_export=True)  # never judged

        assert selected.exported_counts([project]) == {"Region you live in": {"Asia": 10}}

    def test_are_nothing_where_fewer_than_ten_allowed_it(self, people, judged, project):
        judged(people(9, "Asia", may_export=True))
        judged(people(9, "Asia"))

        assert selected.exported_counts([project]) == {}
