from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from annotation.domain.judges.calibrating import Scale
from annotation.domain.vocabulary import AnnotatorKind, ProjectState
from annotation.models import Annotator, Consensus, JudgeRequest, Slot
from annotation.services import aggregation, projects
from annotation.services.importing.items import create_items
from curation import tasks
from curation.domain.routing.draws import draws_of
from curation.domain.routing.router_model import RouterModel
from curation.domain.vocabulary import DuplicateKind, GuardState, SignalFamily
from curation.models import (
    DuplicateGroup,
    DuplicateMember,
    Guard,
    Intake,
    RouterFit,
    RoutingDecision,
    RoutingPolicy,
    RoutingRequest,
    SignalRequest,
    Signals,
)
from curation.selectors import routing
from curation.services.retrying import retry_set_aside
from curation.services.routing import drain, policies
from curation.services.signals import refreshing

pytestmark = pytest.mark.django_db

EVEN_ODDS = RouterModel(
    names=("confidence",),
    mean=np.zeros(1),
    sd=np.ones(1),
    weights=np.zeros(1),
    missing=np.zeros(1),
    intercept=0.0,
    penalty=0.0,
    scale=Scale(),
)
HARD = {"fact": "difficulty", "is": ">=", "value": 0.6}
PEOPLE = {"route": "human", "overlap": 2}
ALONE = {"default": {"route": "judge", "judges": ["strict 1"]}, "audit_share": 0}


@pytest.fixture
def activate(project, noon):
    """Put a policy in force: activate(rules=[…], default=…)."""

    def activate(**content):
        drafted = policies.draft_policy(project=project, user=None, content=content, now=noon)
        policies.activate_policy(project=project, user=None, number=drafted.number, now=noon)
        project.refresh_from_db()
        return drafted

    return activate


@pytest.fixture
def route_all(project, noon):
    """Route all that waits and is ready, an hour later unless another time is given."""

    def route_all(now=None):
        while drain.route_next(now=now or noon + timedelta(hours=1), project=project):
            pass

    return route_all


@pytest.fixture
def strict(make_judge):
    return make_judge("strict")


@pytest.fixture
def note(noon):
    """Note signals of a comparison, as their drain does: note(comparison, difficulty=0.7)."""

    def note(comparison, family=SignalFamily.DIFFICULTY, **values):
        Signals.objects.update_or_create(
            comparison=comparison,
            family=family,
            defaults={
                "project_id": comparison.project_id,
                "version": 1,
                "values": values,
                "computed_at": noon,
            },
        )

    return note


def rule(name, when, **route):
    return {"name": name, "when": when, "route": route}


def decided(comparison):
    return [
        (one.ordinal, one.route, one.rule)
        for one in comparison.routing_decisions.order_by("ordinal")
    ]


def n_slots(comparison):
    return comparison.slots.count()


class TestRouteNext:
    def test_sends_each_comparison_where_the_policy_says(
        self, activate, route_all, make_comparison, strict, note
    ):
        hard, easy, dropped = (make_comparison(slots=1) for _ in range(3))
        note(hard, difficulty=0.7)
        note(dropped, SignalFamily.TEXT, prompt_language="xx")
        activate(
            rules=[
                rule("hard ones", HARD, route="expert", overlap=2, expertise="law", rank=-5),
                rule(
                    "unreadable",
                    {"fact": "prompt_language", "is": "is", "value": "xx"},
                    route="skip",
                ),
            ],
            **ALONE,
        )

        route_all()

        assert decided(hard) == [(1, "expert", 1)]
        assert decided(dropped) == [(1, "skip", 2)]
        assert decided(easy) == [(1, "judge", None)]
        assert (
            list(hard.slots.values_list("audience", "expertise", "rank"))
            == [("expert", "law", -5)] * 2
        )
        assert n_slots(easy) == n_slots(dropped) == 0
        asked = JudgeRequest.objects.values_list("judge", "comparison").distinct()
        assert list(asked) == [(strict.pk, easy.pk)]
        assert not RoutingRequest.objects.exists()
        decision = routing.latest_decision(hard)
        assert decision.propensity == 1
        assert decision.slice == "hard ones"
        assert decision.settings == {
            "overlap": 2,
            "judges": [],
            "expertise": "law",
            "rank": -5,
        }
        assert decision.reason == (
            "Rule 1 “hard ones”: difficulty 0.7 is at least 0.6, so two experts in law judge it."
        )

    def test_asks_a_judge_first_and_people_where_it_is_unsure(
        self, activate, route_all, make_comparison, strict, note
    ):
        unsure = {"fact": "judge_entropy", "is": ">", "value": 0.5}
        sure, doubtful = make_comparison(slots=0), make_comparison(slots=0)
        activate(rules=[rule("unsure judge", unsure, **PEOPLE)], **ALONE)
        route_all()
        assert decided(sure) == decided(doubtful) == [(1, "judge", None)]

        note(sure, SignalFamily.JUDGES, judge_entropy=0.1)
        note(doubtful, SignalFamily.JUDGES, judge_entropy=0.9)
        route_all()

        assert decided(sure) == [(1, "judge", None)]
        assert decided(doubtful) == [(1, "judge", None), (2, "human", 1)]
        assert (n_slots(sure), n_slots(doubtful)) == (0, 2)
        assert (
            JudgeRequest.objects.filter(judge=strict).values("comparison").distinct().count() == 2
        )

    def test_routes_again_through_the_whole_flow_of_a_verdict(
        self, activate, route_all, make_comparison, strict, judge, noon
    ):
        split = {"fact": "judge_probability", "is": "between", "value": [0.2, 0.8]}
        comparison = make_comparison(slots=0)
        activate(rules=[rule("unsure judge", split, **PEOPLE)], **ALONE)
        route_all()

        judge(strict.annotator, comparison, [[0, 1]])
        aggregation.refresh_next_stale(now=noon)
        while refreshing.refresh_next(now=noon):
            pass
        route_all()

        assert decided(comparison) == [(1, "judge", None), (2, "human", 1)]
        assert n_slots(comparison) == 2

    def test_audits_a_random_share_by_one_person_more(
        self, activate, route_all, make_comparison, project, strict
    ):
        comparisons = [make_comparison(slots=1) for _ in range(40)]
        activate(**ALONE | {"audit_share": 0.25})

        route_all()

        drawn = draws_of(np.array([one.pk for one in comparisons]), project.pk, "audit")
        for one, draw in zip(comparisons, drawn, strict=True):
            decision = routing.latest_decision(one)
            assert decision.is_audited == (draw < 0.25)
            assert decision.route == ("both" if draw < 0.25 else "judge")
            assert decision.propensity == 0.25
            assert n_slots(one) == decision.is_audited
        asked = JudgeRequest.objects.values("comparison").distinct().count()
        assert asked == len(comparisons)

    def test_gives_people_what_the_guard_turned(
        self, activate, route_all, make_comparison, project, strict, noon
    ):
        comparison = make_comparison(slots=0)
        activate(**ALONE)
        Guard.objects.create(
            project=project, slice="default", state=GuardState.TURNED, limit=0.25, updated_at=noon
        )

        route_all()

        assert decided(comparison) == [(1, "human", None)]
        assert "the guard gives this slice to people" in routing.latest_decision(comparison).reason

    def test_writes_no_decision_that_changes_nothing(
        self, activate, route_all, make_comparison, note
    ):
        comparison = make_comparison(slots=0)
        activate(rules=[rule("hard", HARD, **PEOPLE)])
        route_all()

        note(comparison, difficulty=0.1)
        route_all()
        note(comparison, difficulty=0.2)
        route_all()

        assert decided(comparison) == [(1, "human", None)]

    def test_leaves_alone_what_people_have_done(
        self, activate, route_all, make_comparison, ann, judge, note, noon
    ):
        settled, enough, begun = (make_comparison(slots=0) for _ in range(3))
        activate(rules=[rule("hard", HARD, **PEOPLE)], default={"route": "human", "overlap": 1})
        route_all()
        for one in (settled, enough, begun):
            judge(ann, one, [[0], [1]])
        aggregation.refresh_next_stale(now=noon)
        Consensus.objects.filter(pk__in=[enough.pk, begun.pk]).update(is_settled=False)
        RoutingDecision.objects.bulk_create(
            [
                RoutingDecision(
                    project_id=begun.project_id,
                    comparison=begun,
                    policy=routing.latest_decision(begun).policy,
                    ordinal=2,
                    route="human",
                    settings={"overlap": 3},
                    reason="by hand",
                    propensity=1,
                    decided_at=noon,
                )
            ]
        )

        for one in (settled, enough, begun):
            note(one, difficulty=0.9)
        route_all()

        assert len(decided(settled)) == len(decided(enough)) == 1
        assert decided(begun)[-1] == (3, "human", 1)

    def test_puts_down_where_people_would_by_now_be_asked_anyway(
        self, activate, route_all, make_comparison, strict, ann, judge, noon
    ):
        audited = make_comparison(slots=0)
        activate(default={"route": "judge", "judges": ["strict 1"]}, audit_share=0.999)
        route_all()
        judge(ann, audited, [[0], [1]])
        aggregation.refresh_next_stale(now=noon)
        n_asked = JudgeRequest.objects.count()
        activate(default={"route": "human", "overlap": 5})
        route_all()
        activate(**ALONE)
        route_all()

        first, second = audited.routing_decisions.order_by("ordinal")
        assert (first.route, first.propensity) == ("both", pytest.approx(0.999))
        assert (second.route, second.propensity, second.settings["overlap"]) == ("human", 1, 1)
        assert second.reason.endswith("people have judged it already, so nobody more is asked.")
        assert (n_slots(audited), JudgeRequest.objects.count()) == (1, n_asked)

    def test_sets_aside_what_cannot_be_decided_and_routes_the_rest(
        self, activate, route_all, make_comparison, note, noon
    ):
        fine, broken = [make_comparison(slots=0) for _ in range(6)], make_comparison(slots=0)
        note(broken, difficulty="high")
        activate(rules=[rule("hard", HARD, **PEOPLE)])

        route_all()

        assert all(len(decided(one)) == 1 for one in fine)
        left = RoutingRequest.objects.get()
        assert (left.comparison_id, left.tries) == (broken.pk, 5)
        assert "high" in left.error
        assert routing.requests_waiting(broken.project) == 0

    def test_waits_for_signals_of_new_comparisons_but_not_for_ever(
        self, activate, route_all, make_comparison, noon
    ):
        comparison = make_comparison(slots=0)
        activate(rules=[rule("hard", HARD, **PEOPLE)])
        assert SignalRequest.objects.filter(comparison=comparison, family="text").exists()

        route_all(now=noon + timedelta(minutes=1))
        assert decided(comparison) == []
        route_all(now=noon + timedelta(minutes=11))

        assert decided(comparison) == [(1, "human", None)]

    def test_waits_for_no_signal_that_the_policy_does_not_ask_for(
        self, activate, route_all, make_comparison, noon
    ):
        comparison = make_comparison(slots=0)
        activate(default=PEOPLE)

        route_all(now=noon)

        assert decided(comparison) == [(1, "human", None)]

    def test_waits_for_items_to_be_read_where_duplicates_count(
        self, activate, route_all, make_comparison, noon
    ):
        is_duplicate = {"fact": "is_duplicate", "is": "is", "value": True}
        comparison = make_comparison(slots=0)
        activate(rules=[rule("same", is_duplicate, route="skip")], default=PEOPLE)

        route_all(now=noon)
        assert decided(comparison) == []
        Intake.objects.all().delete()
        route_all(now=noon)

        assert decided(comparison) == [(1, "human", None)]

    def test_explores_until_a_fit_is_there_and_then_routes_by_it(
        self, activate, route_all, make_comparison, strict, judge, project, noon
    ):
        told, untold = make_comparison(slots=0), make_comparison(slots=0)
        policy = activate(**ALONE, learned={"human_share": 1.0, "explore": 0})
        route_all()
        assert "too few labels yet" in routing.latest_decision(told).reason
        assert routing.latest_decision(told).is_explored

        machine = Annotator.objects.create(
            project=project, kind=AnnotatorKind.LLM, name="imported", created_at=noon
        )
        judge(machine, told, [[0], [1]])
        RouterFit.objects.create(
            project=project,
            number=1,
            version=1,
            is_fitted=True,
            model={
                "router": EVEN_ODDS.to_json(),
                "judges": {str(machine.pk): 1.0},
                "models": {},
            },
            human_quality=0.9,
            n_labelled=200,
            fitted_at=noon,
        )
        route_all()
        assert not RoutingRequest.objects.exists()

        decision = routing.latest_decision(told)
        assert (decision.ordinal, decision.route, decision.propensity) == (2, "human", 1)
        assert "right with probability 0.50 and a person with 0.90" in decision.reason
        assert "no judge has answered yet" in routing.latest_decision(untold).reason
        policy.refresh_from_db()
        assert (policy.threshold, policy.threshold_fit) == (0, 1)

    def test_sets_aside_all_under_a_policy_that_cannot_be_read_any_more(
        self, activate, make_comparison, project, noon
    ):
        activate(default=PEOPLE)
        make_comparison(slots=0)
        RoutingPolicy.objects.filter(project=project).update(state="retired")
        RoutingPolicy.objects.create(
            project=project,
            number=2,
            content={"rules": [rule("old", {"fact": "gone", "is": "known"}, route="skip")]},
            state="active",
            created_at=noon,
        )

        n_taken = 0
        while taken := drain.route_next(now=noon + timedelta(hours=1), project=project):
            n_taken += taken

        assert n_taken == 5
        assert "there is no fact “gone”" in RoutingRequest.objects.get().error

    def test_leaves_archived_projects_alone(self, activate, project, make_comparison, noon):
        make_comparison(slots=0)
        activate(default=PEOPLE)
        projects.set_state(actor=None, project_id=project.pk, state=ProjectState.ARCHIVED, now=noon)

        assert drain.route_next(now=noon + timedelta(hours=1)) == 0


class TestRoutingRequests:
    def test_are_made_by_an_import_and_by_new_signals(
        self, activate, route_all, project, note, noon
    ):
        activate(default=PEOPLE)
        record = {"id": "a", "prompt": "Why?", "responses": [{"text": "x"}, {"text": "y"}]}

        create_items(project=project, records=[record], now=noon)

        comparison = project.comparisons.get()
        assert not Slot.objects.exists()
        assert RoutingRequest.objects.get().comparison_id == comparison.pk
        route_all()
        assert n_slots(comparison) == 2
        for difficulty, n_waiting in [(0.5, 1), (0.5, 0), (0.6, 1)]:
            note(comparison, difficulty=difficulty)
            assert RoutingRequest.objects.count() == n_waiting
            route_all()

    def test_are_made_where_duplicates_come_and_go(
        self, activate, route_all, project, make_comparison, noon
    ):
        first, second, other = (make_comparison(slots=0) for _ in range(3))
        activate(default=PEOPLE)
        route_all()
        group = DuplicateGroup.objects.create(
            project=project,
            kind=DuplicateKind.EXACT,
            key=b"k" * 32,
            representative=first.item,
            n_items=2,
            similarity=1,
            grouped_at=noon,
        )

        for one in (first, second):
            DuplicateMember.objects.create(group=group, item=one.item, kind=DuplicateKind.EXACT)

        assert RoutingRequest.objects.count() == 2
        route_all()
        group.delete()
        assert RoutingRequest.objects.count() == 2
        assert other.pk not in RoutingRequest.objects.values_list("pk", flat=True)

    def test_are_not_made_without_a_policy_that_decides(
        self, activate, make_project, make_comparison, note
    ):
        activate(default=PEOPLE)
        RoutingRequest.objects.all().delete()

        note(make_comparison(project=make_project()), difficulty=0.5)

        assert not RoutingRequest.objects.exists()


class TestTheBellAndTheCommand:
    def test_route_what_waits(self, activate, make_comparison, project, models):
        activate(default=PEOPLE)
        by_bell = make_comparison(slots=0)

        assert tasks.route_comparisons() == 1

        by_command = make_comparison(slots=0)
        call_command("curate", project.slug, stdout=StringIO())
        assert (n_slots(by_bell), n_slots(by_command)) == (2, 2)

    def test_take_up_again_what_was_set_aside(self, activate, make_comparison, project):
        comparison = make_comparison(slots=0)
        activate(default=PEOPLE)
        RoutingRequest.objects.update(tries=5, error="broken")

        assert retry_set_aside(project=project) >= 1

        assert RoutingRequest.objects.get(comparison=comparison).tries == 0


class TestRivals:
    @pytest.mark.django_db(transaction=True)
    def test_never_decide_twice_nor_open_too_many_slots(
        self, activate, project, make_comparison, strict, noon
    ):
        comparisons = [make_comparison(slots=1) for _ in range(60)]
        later = noon + timedelta(hours=1)
        activate(default={"route": "both", "overlap": 2, "judges": ["strict 1"]})

        def work(_):
            try:
                while drain.route_next(now=later, limit=7):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(work, range(6)))
        work(0)

        assert RoutingDecision.objects.count() == len(comparisons)
        assert not RoutingRequest.objects.exists()
        assert {n_slots(one) for one in comparisons} == {2}
        assert JudgeRequest.objects.count() == 2 * len(comparisons)

    @pytest.mark.django_db(transaction=True)
    def test_never_wait_for_each_other_whatever_judges_they_meet_first(
        self, activate, make_comparison, make_judge, note, noon
    ):
        names = [str(make_judge(name)) for name in ("one", "other")]
        comparisons = [make_comparison(slots=1) for _ in range(60)]
        for number, comparison in enumerate(comparisons):
            note(comparison, difficulty=number % 2)
        rules = [rule("hard", HARD, route="judge", judges=names[:1])]
        activate(rules=rules, default={"route": "judge", "judges": names[1:]}, audit_share=0)

        def work(_):
            try:
                while drain.route_next(now=noon + timedelta(hours=1), limit=3):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(work, range(6)))

        assert JudgeRequest.objects.count() == 2 * len(comparisons)

    @pytest.mark.django_db(transaction=True)
    def test_leave_every_comparison_to_the_policy_that_was_activated_last(
        self, project, make_comparison, noon
    ):
        comparisons = [make_comparison(slots=1) for _ in range(40)]
        later = noon + timedelta(hours=1)
        drafts = [
            policies.draft_policy(
                project=project,
                user=None,
                content={"default": {"route": "human", "overlap": overlap}},
                now=noon,
            )
            for overlap in (1, 3)
        ]

        def activate(number):
            try:
                policies.activate_policy(project=project, user=None, number=number, now=noon)
            finally:
                connection.close()

        def work(_):
            try:
                for _ in range(12):
                    drain.route_next(now=later, limit=5)
            finally:
                connection.close()

        activate(drafts[0].number)
        with ThreadPoolExecutor(4) as threads:
            rivals = [threads.submit(work, n) for n in range(3)]
            rivals.append(threads.submit(activate, drafts[1].number))
            for one in rivals:
                one.result()
        while drain.route_next(now=later):
            pass

        assert {routing.latest_decision(one).policy_id for one in comparisons} == {drafts[1].pk}
        assert {n_slots(one) for one in comparisons} == {3}
