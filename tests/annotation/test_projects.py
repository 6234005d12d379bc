from datetime import timedelta

import pytest

from annotation.domain.errors import InvalidField, NotAllowed
from annotation.domain.vocabulary import CriterionKind, ProjectState, Role
from annotation.models import AuditEvent, Judgment, Membership, Slot
from annotation.services import projects
from annotation.services.projects import CriterionDraft, FactsDepend, SlugTaken


@pytest.fixture
def operator(make_user):
    return make_user("olga", is_staff=True)


@pytest.fixture
def change(project, operator, noon):
    def change(**changes):
        return projects.change_settings(
            actor=operator, project_id=project.id, changes=changes, now=noon
        )

    return change


@pytest.fixture
def judged(make_comparison, ann, noon):
    """A comparison that ann has judged, strongly and with a criterion."""
    comparison = make_comparison(slots=2)
    first, second = comparison.response_ids
    Judgment.objects.create(
        project=comparison.project,
        comparison=comparison,
        annotator=ann,
        outcome="ranked",
        ranking=[[first], [second]],
        strength=3,
        criteria={"tone": {"ratings": {str(first): 4}}},
        judged_at=noon,
    )
    return comparison


class TestCreateProject:
    def test_makes_its_maker_the_admin(self, operator, noon):
        project = projects.create_project(actor=operator, slug="odes", name="Odes", now=noon)

        assert Membership.objects.get(project=project).role == Role.ADMIN
        assert AuditEvent.objects.get().subject == "project:odes"

    def test_is_not_for_everybody(self, make_user, noon):
        with pytest.raises(NotAllowed):
            projects.create_project(actor=make_user("eve"), slug="odes", name="Odes", now=noon)

    def test_refuses_a_slug_that_is_taken(self, project, operator, noon):
        with pytest.raises(SlugTaken):
            projects.create_project(actor=operator, slug=project.slug, name="Again", now=noon)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "no spaces"),
            ("name", "a\u202eb"),
            ("description", "a\x00b"),
            ("strength_levels", 9),
            ("overlap", 101),
            ("lease", timedelta(seconds=1)),
            ("response_format", "essay"),
            ("settle_probability", 1.5),
            ("rationale_min_chars", 10),
            ("is_secret", True),
        ],
    )
    def test_names_the_field_that_breaks_a_rule(self, operator, noon, field, value):
        settings = {"slug": "odes", "name": "Odes"} | {field: value}

        with pytest.raises(InvalidField) as refusal:
            projects.create_project(actor=operator, now=noon, **settings)

        # A rule of the table as a whole has no field of its own.
        assert refusal.value.field in (field, "")


class TestChangeSettings:
    def test_audits_what_was_and_what_is(self, change):
        change(overlap=3, name="Haiku")

        assert AuditEvent.objects.get().detail == {"from": {"overlap": 2}, "to": {"overlap": 3}}

    def test_leaves_no_trace_when_nothing_differs(self, change):
        change(overlap=2)

        assert not AuditEvent.objects.exists()

    def test_lets_a_list_be_empty(self, change):
        assert change(reason_tags=[]).reason_tags == []

    def test_keeps_the_response_format_once_comparisons_exist(self, change, make_comparison):
        make_comparison()

        with pytest.raises(FactsDepend):
            change(response_format="ranking")

    def test_keeps_the_degrees_that_judgments_use(self, change, judged):
        with pytest.raises(FactsDepend):
            change(strength_levels=2)

        assert change(strength_levels=4).strength_levels == 4

    def test_opens_the_slots_that_more_overlap_wants(self, change, make_comparison):
        comparison = make_comparison(slots=2)

        change(overlap=4)

        ordinals = Slot.objects.filter(comparison=comparison).values_list("ordinal", flat=True)
        assert sorted(ordinals) == [1, 2, 3, 4]

    def test_closes_only_slots_that_nobody_held(self, change, make_comparison, ann, noon):
        comparison = make_comparison(slots=2)
        held = Slot.objects.filter(comparison=comparison, ordinal=2)
        held.update(holder=ann, lease_ends_at=noon)

        change(overlap=1)

        assert Slot.objects.get(comparison=comparison).ordinal == 2

    def test_has_every_consensus_worked_out_again_by_new_rules(self, change, judged, noon):
        change(settle_min_votes=2)

        judged.refresh_from_db()
        assert judged.stale_since == noon


class TestSetState:
    def test_is_audited_once_however_often_it_is_repeated(self, project, operator, noon):
        for _ in range(2):
            projects.set_state(
                actor=operator, project_id=project.id, state=ProjectState.PAUSED, now=noon
            )

        project.refresh_from_db()
        assert project.state == ProjectState.PAUSED
        assert AuditEvent.objects.count() == 1


class TestPublishGuidelines:
    def test_makes_the_next_version_and_keeps_the_last(self, project, operator, noon):
        for text in ("one", "one", "two "):
            projects.publish_guidelines(actor=operator, project_id=project.id, text=text, now=noon)

        project.refresh_from_db()
        assert project.guidelines.text == "two "
        assert list(project.guidelines_versions.values_list("number", flat=True)) == [1, 2]


class TestSetCriteria:
    @pytest.fixture
    def set_criteria(self, project, operator, noon):
        def set_criteria(*drafts):
            return projects.set_criteria(
                actor=operator, project_id=project.id, criteria=list(drafts), now=noon
            )

        return set_criteria

    def test_asks_in_the_order_given(self, set_criteria):
        tone = CriterionDraft("tone", "Tone", CriterionKind.RATING)
        depth = CriterionDraft("depth", "Depth", CriterionKind.PREFERENCE)

        set_criteria(tone, depth)
        asked = set_criteria(depth, tone)

        assert [criterion.key for criterion in asked] == ["depth", "tone"]

    def test_keeps_one_that_is_left_out_but_asks_it_no_more(self, set_criteria, project):
        set_criteria(CriterionDraft("tone", "Tone", CriterionKind.RATING))

        assert set_criteria() == []
        assert project.criteria.get().is_asked is False

    def test_keeps_the_kind_of_one_that_was_judged(self, set_criteria, judged):
        set_criteria(CriterionDraft("tone", "Tone", CriterionKind.RATING))

        with pytest.raises(FactsDepend):
            set_criteria(CriterionDraft("tone", "Tone", CriterionKind.PREFERENCE))

    def test_refuses_a_key_given_twice(self, set_criteria):
        tone = CriterionDraft("tone", "Tone", CriterionKind.RATING)

        with pytest.raises(InvalidField):
            set_criteria(tone, tone)
