import pytest

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import JudgeState
from annotation.models import AuditEvent, Consensus
from curation.models import RoutingPolicy, RoutingRequest
from curation.selectors import routing
from curation.services.routing import policies

pytestmark = pytest.mark.django_db
TO_TWO = {"default": {"route": "human", "overlap": 2}}
TO_JUDGES = {"default": {"route": "judge", "judges": ["strict 1"]}}


@pytest.fixture
def draft(project, noon):
    def draft(content=None, **fields):
        return policies.draft_policy(
            project=project, user=None, content=content or TO_TWO, now=noon, **fields
        )

    return draft


@pytest.fixture
def activate(project, noon):
    def activate(number):
        return policies.activate_policy(project=project, user=None, number=number, now=noon)

    return activate


def states(project):
    rows = RoutingPolicy.objects.filter(project=project).order_by("number")
    return [(policy.number, policy.state) for policy in rows]


class TestDraftPolicy:
    def test_numbers_drafts_and_spells_out_every_default(self, project, draft):
        first, second = draft(note="to try"), draft()

        assert states(project) == [(1, "draft"), (2, "draft")]
        assert first.note == "to try"
        assert second.content["audit_share"] == 0.05
        assert not project.is_routed

    def test_refuses_judges_that_the_project_does_not_have(self, draft):
        with pytest.raises(InvalidField, match="no judge “strict 1”"):
            draft(TO_JUDGES)


class TestActivatePolicy:
    def test_queues_what_people_have_not_settled_and_routes_from_now_on(
        self, project, draft, activate, make_comparison, make_judge, ann, judge, noon
    ):
        fresh, by_people, by_judge, disputed = (make_comparison() for _ in range(4))
        llm = make_judge().annotator
        for one, who, is_settled in [
            (by_people, ann, True),
            (by_judge, llm, True),
            (disputed, ann, False),
        ]:
            judge(who, one, [[0], [1]])
            Consensus.objects.create(
                comparison=one,
                project=project,
                method="posterior_mean",
                version=1,
                posterior={},
                scores={},
                ranking=[],
                n_judgments=1,
                n_votes=1,
                is_settled=is_settled,
                computed_at=noon,
            )

        activate(draft().number)

        waiting = set(RoutingRequest.objects.values_list("comparison_id", flat=True))
        assert waiting == {fresh.pk, by_judge.pk, disputed.pk}
        project.refresh_from_db()
        assert project.is_routed
        event = AuditEvent.objects.latest("id")
        assert event.action == "routing_policy_activated"
        assert event.detail == {"number": 1, "former": None}

    def test_retires_the_former_and_is_undone_by_activating_it_again(
        self, project, draft, activate
    ):
        draft(), draft()
        activate(1)

        activate(2)
        assert states(project) == [(1, "retired"), (2, "active")]
        activate(1)

        assert states(project) == [(1, "active"), (2, "retired")]
        assert routing.active_policy(project).retired_at is None

    def test_refuses_what_decides_already(self, draft, activate):
        activate(draft().number)

        with pytest.raises(policies.PolicyActive):
            activate(1)

    def test_refuses_what_is_not_there(self, activate):
        with pytest.raises(NotFound):
            activate(7)

    def test_refuses_judges_that_are_not_asked_any_more(self, project, draft, activate, make_judge):
        strict = make_judge("strict")
        draft(TO_JUDGES)
        strict.state = JudgeState.RETIRED
        strict.save()

        with pytest.raises(InvalidField, match="is retired"):
            activate(1)

        project.refresh_from_db()
        assert not project.is_routed
        assert states(project) == [(1, "draft")]


class TestRetirePolicy:
    def test_gives_the_slots_back_to_the_overlap(
        self, project, draft, activate, make_comparison, noon
    ):
        comparison = make_comparison(slots=0)
        activate(draft().number)

        policies.retire_policy(project=project, user=None, now=noon)

        assert comparison.slots.count() == project.overlap
        assert not RoutingRequest.objects.exists()
        project.refresh_from_db()
        assert not project.is_routed
        assert states(project) == [(1, "retired")]

    def test_refuses_where_no_policy_decides(self, project, noon):
        with pytest.raises(policies.NoPolicyActive):
            policies.retire_policy(project=project, user=None, now=noon)
