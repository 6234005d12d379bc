from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Event

import numpy as np
import pytest
from django.db import connection

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, AuditEvent
from annotation.services import aggregation
from curation.domain.vocabulary import GuardState, PolicyState, Route
from curation.models import Guard, RoutingDecision, RoutingPolicy, RoutingRequest
from curation.selectors import guards, routing
from curation.services.routing import drain, guarding, policies

CONTENT = {
    "default": {"route": "judge", "judges": ["strict 1"]},
    "audit_share": 0.5,
    "error_limit": 0.2,
}


@pytest.fixture
def policy(project, noon):
    return RoutingPolicy.objects.create(
        project=project,
        number=1,
        content=CONTENT,
        state=PolicyState.ACTIVE,
        created_at=noon,
        activated_at=noon,
    )


@pytest.fixture
def strict(project, noon):
    return Annotator.objects.create(
        project=project, kind=AnnotatorKind.LLM, name="strict", created_at=noon
    )


@pytest.fixture
def decide(policy, noon):
    """Record a decision: decide(comparison, route="both", is_audited=True)."""

    def decide(comparison, slice="default", **fields):
        earlier = RoutingDecision.objects.filter(comparison=comparison).count()
        return RoutingDecision.objects.create(
            project=comparison.project,
            comparison=comparison,
            policy=fields.pop("policy", policy),
            ordinal=earlier + 1,
            slice=slice,
            reason="It is so.",
            decided_at=noon,
            **{"route": Route.BOTH, "propensity": 0.5, "is_audited": True} | fields,
        )

    return decide


@pytest.fixture
def audit(make_comparison, decide, judge, ann, strict):
    """Have the judge and ann judge audited comparisons: audit(10, wrong=3)."""

    def audit(n, wrong=0, **fields):
        made = [make_comparison() for _ in range(n)]
        for number, comparison in enumerate(made):
            decide(comparison, **fields)
            judge(strict, comparison, [[0], [1]])
            judge(ann, comparison, [[1], [0]] if number < wrong else [[0], [1]])
        RoutingRequest.objects.all().delete()  # the database asks for new comparisons by itself
        return made

    return audit


def guard_of(project, slice="default"):
    return Guard.objects.get(project=project, slice=slice)


class TestRecount:
    def test_counts_audits_in_which_people_say_otherwise(self, project, audit, noon):
        audit(8, wrong=2)

        assert guarding.recount_next(now=noon) == 1

        guard = guard_of(project)
        assert (guard.n_audited, guard.n_wrong, guard.rate) == (8, 2, 0.25)
        assert (guard.state, guard.limit) == (GuardState.WATCHING, 0.2)
        assert guard.bound == pytest.approx(0.5997, abs=1e-4)  # qbeta(0.95, 3, 6)

    def test_finds_nothing_new_the_second_time(self, audit, noon):
        audit(3)
        guarding.recount_next(now=noon)

        assert guarding.recount_next(now=noon) == 0

    def test_looks_at_no_label_without_news(
        self, audit, noon, django_assert_num_queries, monkeypatch
    ):
        for slice in "abc":
            audit(2, slice=slice)
        guarding.recount_next(now=noon)
        monkeypatch.setattr(guards, "agreement_on", None)

        with django_assert_num_queries(2):
            guarding.recount_next(now=noon)

    def test_looks_once_at_the_labels_of_all_slices(self, project, audit, noon, monkeypatch):
        for number, slice in enumerate("abc"):
            audit(4, wrong=number, slice=slice)
        looks, agreement_on = [], guards.agreement_on
        monkeypatch.setattr(
            guards, "agreement_on", lambda *given: looks.append(given) or agreement_on(*given)
        )

        guarding.recount_next(now=noon)

        assert len(looks) == 1
        found = Guard.objects.order_by("slice").values_list("slice", "n_audited", "n_wrong")
        assert list(found) == [("a", 4, 0), ("b", 4, 1), ("c", 4, 2)]

    def test_takes_a_judgment_for_news(self, project, audit, judge, bob, noon):
        [comparison] = audit(1)
        while aggregation.refresh_next_stale(now=noon):
            pass
        guarding.recount_next(now=noon)
        judge(bob, comparison, [[1], [0]])
        while aggregation.refresh_next_stale(now=noon):
            pass

        assert guarding.recount_next(now=noon) == 1
        assert guard_of(project).n_audited == 0  # people are divided now

    def test_waits_for_people_and_for_judges(
        self, project, make_comparison, decide, judge, ann, strict, noon
    ):
        unjudged, unaudited = make_comparison(), make_comparison()
        decide(unjudged)
        judge(ann, unjudged, [[0], [1]])
        decide(unaudited)
        judge(strict, unaudited, [[0], [1]])

        guarding.recount_next(now=noon)

        assert guard_of(project).n_audited == 0

    def test_counts_no_comparison_on_which_people_are_divided(
        self, project, audit, judge, bob, noon
    ):
        [comparison] = audit(1, wrong=1)
        judge(bob, comparison, [[0], [1]])

        guarding.recount_next(now=noon)

        assert guard_of(project).n_audited == 0

    def test_takes_a_tie_for_a_verdict_of_its_own(
        self, project, make_comparison, decide, judge, ann, strict, noon
    ):
        comparison = make_comparison()
        decide(comparison)
        judge(strict, comparison, [[0], [1]])
        judge(ann, comparison, [[0, 1]])

        guarding.recount_next(now=noon)

        assert guard_of(project).n_wrong == 1

    def test_counts_a_comparison_once_however_often_it_is_decided_on(
        self, project, audit, decide, noon
    ):
        [comparison] = audit(1)
        decide(comparison)

        guarding.recount_next(now=noon)

        assert guard_of(project).n_audited == 1

    def test_is_done_for_the_others_where_one_policy_cannot_be_read(
        self, project, make_project, noon
    ):
        broken, fine = (
            RoutingPolicy.objects.create(
                project=one,
                number=1,
                content=content,
                state=PolicyState.ACTIVE,
                created_at=noon,
                activated_at=noon,
            )
            for one, content in ((project, {"default": "?"}), (make_project(slug="b"), CONTENT))
        )

        with pytest.raises(DomainError):
            guarding.recount_next(now=noon)

        broken.refresh_from_db()
        fine.refresh_from_db()
        assert (bool(broken.counted_news), bool(fine.counted_news)) == (False, True)

    def test_passes_over_projects_without_an_active_policy(self, policy, audit, noon):
        audit(2)
        policy.state = PolicyState.RETIRED
        policy.save()

        assert guarding.recount_next(now=noon) == 0


class TestTurn:
    def test_gives_a_slice_to_people_and_tells_of_it(self, project, audit, noon):
        bad = audit(14, wrong=14, slice="hard")
        audit(14, slice="easy")

        guarding.recount_next(now=noon)

        hard, easy = guard_of(project, "hard"), guard_of(project, "easy")
        assert (hard.state, hard.turned_at) == (GuardState.TURNED, noon)
        assert easy.state == GuardState.WATCHING
        queued = RoutingRequest.objects.values_list("comparison", flat=True)
        assert set(queued) == {comparison.pk for comparison in bad}
        event = AuditEvent.objects.get(action="routing.slice_turned")
        assert event.detail == {"slice": "hard", "n_audited": 14, "n_wrong": 14, "limit": 0.2}
        assert guards.turned_slices(project) == ["hard"]

    def test_happens_once(self, audit, noon):
        audit(14, wrong=14)
        guarding.recount_next(now=noon)
        audit(1, wrong=1)

        guarding.recount_next(now=noon)

        assert AuditEvent.objects.filter(action="routing.slice_turned").count() == 1

    def test_waits_for_more_than_a_few_errors(self, project, audit, noon):
        audit(2, wrong=2)

        guarding.recount_next(now=noon)

        assert guard_of(project).state == GuardState.WATCHING


class TestTurnedSlice:
    def test_goes_to_people_and_comes_back_once_cleared(
        self, project, make_judge, make_comparison, judge, ann, strict, noon
    ):
        make_judge()
        drafted = policies.draft_policy(
            project=project, user=None, content=CONTENT | {"audit_share": 1}, now=noon
        )
        policies.activate_policy(project=project, user=None, number=drafted.number, now=noon)
        made = [make_comparison() for _ in range(14)]
        route_all(noon)
        for comparison in made:
            judge(strict, comparison, [[0], [1]])
            judge(ann, comparison, [[1], [0]])

        guarding.recount_next(now=noon)
        late = make_comparison()
        route_all(noon)
        turned = routing.latest_decision(late)
        guarding.clear_guard(guard=guard_of(project), user=None, now=noon)
        route_all(noon)
        cleared = routing.latest_decision(late)

        assert (turned.route, turned.is_audited) == (Route.HUMAN, False)
        assert "the guard gives this slice to people" in turned.reason
        assert (cleared.route, cleared.is_audited) == (Route.BOTH, True)


def route_all(noon):
    while drain.route_next(now=noon + timedelta(hours=1)):
        pass


class TestClear:
    @pytest.fixture
    def turned(self, project, audit, noon):
        audit(14, wrong=14)
        guarding.recount_next(now=noon)
        RoutingRequest.objects.all().delete()
        return guard_of(project)

    def test_lets_the_judges_label_again_and_counts_anew(self, project, turned, audit, ann, noon):
        guarding.clear_guard(guard=turned, user=ann.user, now=noon)
        queued = RoutingRequest.objects.count()
        audit(3)
        guarding.recount_next(now=noon)

        guard = guard_of(project)
        assert (guard.state, guard.cleared_by) == (GuardState.CLEARED, ann.user)
        assert (guard.n_audited, guard.n_wrong) == (3, 0)
        assert queued == 14
        assert AuditEvent.objects.filter(action="routing.slice_cleared").exists()

    def test_does_not_count_an_old_error_when_it_is_decided_on_again(
        self, project, turned, decide, noon
    ):
        guarding.clear_guard(guard=turned, user=None, now=noon)
        for decision in list(RoutingDecision.objects.all()):
            decide(decision.comparison)

        guarding.recount_next(now=noon)

        assert guard_of(project).n_audited == 0

    @pytest.mark.django_db(transaction=True)
    def test_is_not_undone_by_a_count_that_began_before(
        self, project, turned, audit, noon, monkeypatch
    ):
        audit(2)
        counted, is_counting, clearing = guards.agreement_on, Event(), []

        def slowly(*given):
            is_counting.set()
            for clear in clearing:
                wait([clear], timeout=1)  # it waits for this count, or is over at once
            return counted(*given)

        def clear():
            is_counting.wait(30)
            guarding.clear_guard(guard=turned, user=None, now=noon)
            connection.close()

        monkeypatch.setattr(guards, "agreement_on", slowly)
        with ThreadPoolExecutor(1) as admin:
            clearing.append(admin.submit(clear))
            guarding.recount_next(now=noon)

        clearing[0].result()
        assert guard_of(project).state == GuardState.CLEARED

    def test_is_harmless_where_nothing_is_turned(self, project, audit, noon):
        audit(2)
        guarding.recount_next(now=noon)

        guarding.clear_guard(guard=guard_of(project), user=None, now=noon)

        assert guard_of(project).n_audited == 2


class TestAccuracy:
    def test_weighs_each_label_by_how_likely_it_was(self, project, audit):
        audit(6, wrong=3, propensity=1.0, route=Route.HUMAN, is_audited=False)
        audit(2, wrong=0, propensity=0.1)

        found = guards.accuracy_of(project)

        assert found.value == pytest.approx((3 + 2 * 10) / (6 + 2 * 10))
        assert (found.n_observed, found.effective_n) == (8, pytest.approx(26**2 / 206))

    def test_weighs_no_label_of_a_turned_slice_more_than_another(
        self, project, make_judge, make_comparison, judge, ann, strict, noon
    ):
        make_judge()
        drafted = policies.draft_policy(project=project, user=None, content=CONTENT, now=noon)
        policies.activate_policy(project=project, user=None, number=drafted.number, now=noon)
        made = [make_comparison() for _ in range(24)]
        route_all(noon)
        audited = {one.comparison_id for one in RoutingDecision.objects.filter(is_audited=True)}
        for comparison in made:
            judge(strict, comparison, [[0], [1]])
            if comparison.pk in audited:
                judge(ann, comparison, [[1], [0]])
        guarding.recount_next(now=noon)
        early = guards.accuracy_of(project)
        route_all(noon)
        turned = {one: routing.latest_decision(one).propensity for one in made}
        for comparison in made:
            if comparison.pk not in audited:
                judge(ann, comparison, [[0], [1]])

        late = guards.accuracy_of(project)

        assert 8 <= len(audited) <= 16
        assert set(turned.values()) == {1.0}
        assert (early.value, early.n_observed) == (0, len(audited))
        assert late.value == pytest.approx(1 - len(audited) / 24)
        assert late.effective_n == pytest.approx(24)

    def test_tells_what_people_were_to_judge_in_any_case_from_what_was_turned(
        self, audit, decide, project, make_comparison, judge, strict
    ):
        audit(4, wrong=4, propensity=1.0, route=Route.HUMAN, is_audited=False)
        early, late = audit(1, propensity=0.25), [make_comparison() for _ in range(3)]
        for comparison in late:
            judge(strict, comparison, [[0], [1]])
            decide(comparison, propensity=0.25, route=Route.JUDGE, is_audited=False)
        for comparison in [*early, *late]:
            decide(comparison, propensity=1.0, route=Route.HUMAN, is_audited=False)

        assert guards.accuracy_of(project).value == pytest.approx(1 / 2)

    @pytest.mark.parametrize("lower", [0.5, 0.2])
    def test_lets_the_answered_stand_for_the_rest_that_a_later_policy_decided_on_again(
        self, lower, audit, decide, project, make_comparison, judge, strict
    ):
        audit(2, wrong=2, slice="old")
        audit(2, slice="easy")
        for _ in range(2):
            comparison = make_comparison()
            judge(strict, comparison, [[0], [1]])
            decide(comparison, slice="old")
            decide(comparison, slice="new", propensity=lower)

        found = guards.accuracy_of(project)

        assert found.value == pytest.approx(1 / 3)
        assert found.n_left_out == 0

    def test_says_how_many_it_leaves_out_as_nobody_answered(
        self, audit, decide, project, make_comparison, judge, strict
    ):
        audit(2, slice="easy")
        for _ in range(3):
            comparison = make_comparison()
            judge(strict, comparison, [[0], [1]])
            decide(comparison, slice="hard", propensity=0.1)

        found = guards.accuracy_of(project)

        assert (found.value, found.n_left_out) == (1, 30)

    def test_is_not_sure_of_a_few_that_are_all_alike(self, audit, project):
        audit(12)

        low, high = guards.interval_of(guards.accuracy_of(project))

        assert (low, high) == (pytest.approx(0.7575, abs=1e-4), 1)  # Wilson (1927)

    def test_passes_over_labels_that_no_decision_asked_for(self, project, audit):
        audit(4, propensity=0.5, route=Route.JUDGE, is_audited=False)

        assert guards.accuracy_of(project).value is None

    def test_knows_nothing_without_decisions(self, project):
        assert guards.accuracy_of(project).value is None


class TestAgreement:
    def test_gives_each_model_family_one_vote(
        self, project, make_comparison, judge, ann, strict, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        for name in ("gpt-4-0613", "gpt-4-1106"):
            other = Annotator.objects.create(
                project=project, kind=AnnotatorKind.LLM, name=name, model_name=name, created_at=noon
            )
            judge(other, comparison, [[1], [0]])
        judge(strict, comparison, [[0], [1]])

        _, is_known = guards.agreement_on(project, np.array([comparison.pk]))

        assert not is_known.any()  # one family each way

    def test_finds_the_best_of_more_than_two(
        self, make_project, make_comparison, make_item, judge, ann, noon
    ):
        ranks = make_project(response_format="ranking")
        strict = Annotator.objects.create(
            project=ranks, kind=AnnotatorKind.LLM, name="strict", created_at=noon
        )
        made = [
            make_comparison(item=make_item(("one", "two", "three"), project=ranks))
            for _ in range(2)
        ]
        for comparison, best in zip(made, (1, 2), strict=True):
            judge(strict, comparison, [[1], [0], [2]])
            judge(ann, comparison, [[best], [0]])

        right, is_known = guards.agreement_on(ranks, np.array([one.pk for one in made]))

        assert (right.tolist(), is_known.tolist()) == ([True, False], [True, True])
