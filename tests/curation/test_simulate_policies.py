from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation.domain.vocabulary import RunPurpose, WorkState
from annotation.models import JudgeRequest, JudgeRun, Skills, Slot
from annotation.services.aggregation import refresh_next_stale
from curation.domain.vocabulary import GuardState, PolicyState, SignalFamily
from curation.models import Guard, RoutingPolicy, Signals, Simulation
from curation.services import builds
from curation.services.routing import simulations

TO_JUDGES = {"default": {"route": "judge", "judges": ["strict 1"]}, "audit_share": 0}
HARD_TO_PEOPLE = TO_JUDGES | {
    "rules": [
        {
            "name": "hard",
            "when": {"fact": "difficulty", "is": ">=", "value": 0.5},
            "route": {"route": "human", "overlap": 3},
        }
    ]
}


@pytest.fixture
def make_policy(project, noon):
    def make(content=HARD_TO_PEOPLE, number=1, **fields):
        return RoutingPolicy.objects.create(
            project=project, number=number, content=content, created_at=noon, **fields
        )

    return make


@pytest.fixture
def put(project, noon):
    """Put signals down: put(comparison, SignalFamily.DIFFICULTY, difficulty=0.9)."""

    def put(comparison, family, **values):
        Signals.objects.create(
            project=project,
            comparison=comparison,
            family=family,
            version=1,
            values=values,
            computed_at=noon,
        )

    return put


@pytest.fixture
def ask(project, noon):
    """Have the project's judge asked about a comparison in both orders: ask(comparison)."""

    def ask(comparison):
        judge = project.judges.get()
        run = JudgeRun.objects.create(
            project=project, judge=judge, number=1, purpose=RunPurpose.ROUTING, created_at=noon
        )
        for order in (0, 1):
            JudgeRequest.objects.create(
                project=project,
                judge=judge,
                endpoint=judge.endpoint,
                run=run,
                comparison=comparison,
                order=order,
                shown_order=comparison.response_ids,
                due_at=noon,
                created_at=noon,
            )

    return ask


@pytest.fixture
def filled(make_judge, make_comparison, put):
    """Four comparisons with two slots each, the last two hard; three with a judge's verdict."""
    make_judge(budget=1_000)
    made = [make_comparison(slots=2) for _ in range(4)]
    for number, comparison in enumerate(made):
        put(comparison, SignalFamily.DIFFICULTY, difficulty=number / 4)
        put(
            comparison,
            SignalFamily.TEXT,
            prompt_characters=400,
            shortest_characters=300,
            longest_characters=500,
        )
    return made


@pytest.fixture
def simulated(noon):
    """Ask for a dry run and work it out."""

    def simulated(policy):
        asked = simulations.ask_for_simulation(policy=policy, user=None, now=noon)
        assert simulations.simulate_next(now=noon)
        asked.refresh_from_db()
        assert asked.error == ""
        return asked

    return simulated


def routes(told):
    return {row["route"]: row["n"] for row in told["routes"] if row["n"]}


class TestSimulateNext:
    def test_tells_what_a_policy_would_do_without_doing_it(self, filled, make_policy, simulated):
        n_slots = Slot.objects.count()

        done = simulated(make_policy())

        result = done.result
        assert (done.state, done.progress) == (WorkState.DONE, 1.0)
        assert (result["n"], routes(result)) == (4, {"human": 2, "judge": 2})
        assert result["people"]["still_wanted"] == 6
        assert (result["changes"]["opened"], result["changes"]["closed"]) == (2, 4)
        assert Slot.objects.count() == n_slots

    def test_compares_with_the_overlap_where_no_policy_is_active(
        self, filled, make_policy, simulated
    ):
        result = simulated(make_policy()).result

        assert result["active"] is None
        assert (routes(result["before"]), result["before"]["people"]["judgments"]) == (
            {"human": 4},
            8,
        )

    def test_compares_with_the_active_policy(self, filled, make_policy, simulated):
        make_policy(TO_JUDGES, number=1, state=PolicyState.ACTIVE)

        result = simulated(make_policy(number=2)).result

        assert (result["active"], routes(result["before"])) == (1, {"judge": 4})
        assert {"from": "judge", "to": "human", "n": 2} in result["changes"]["moves"]

    def test_reckons_what_the_judges_cost(self, filled, make_policy, simulated, project):
        judge = project.judges.get()

        [row] = simulated(make_policy()).result["judges"]

        beside = 400 + len(judge.template.instructions) / 4
        each = 2 * ((1200 / 4 + beside) * 1 + 512 * 2)
        assert (row["comparisons"], row["requests"]) == (2, 4)
        assert row["money"] == pytest.approx(2 * each, abs=1)

    def test_reckons_nothing_for_what_was_asked_already(self, filled, make_policy, simulated, ask):
        ask(filled[0])

        [row] = simulated(make_policy()).result["judges"]

        assert (row["comparisons"], row["still_wanted"], row["requests"]) == (2, 1, 2)

    @pytest.mark.parametrize("place", [0, 3])
    def test_leaves_out_what_was_asked_about_and_settled_since(
        self, filled, make_policy, simulated, ask, judge, ann, noon, place
    ):
        ask(filled[place])
        judge(ann, filled[place], [[0], [1]])
        while refresh_next_stale(now=noon):
            pass

        done = simulated(make_policy())

        assert (done.error, done.result["settled"], done.result["n"]) == ("", 1, 3)
        assert [row["comparisons"] - row["still_wanted"] for row in done.result["judges"]] == [0]

    def test_counts_judgments_that_people_gave_already(
        self, filled, make_policy, simulated, ann, noon
    ):
        slot = filled[3].slots.first()
        slot.holder, slot.filled_at = ann, noon
        slot.save()

        result = simulated(make_policy()).result

        assert result["people"]["still_wanted"] == 5

    def test_expects_what_judges_and_people_are_known_for(
        self, filled, make_policy, simulated, put, project, noon
    ):
        for comparison, confidence in zip(filled, (0.9, 0.7, 0.6), strict=False):
            put(comparison, SignalFamily.JUDGES, judge_confidence=confidence)
        right = [[0.8, 0.2], [0.2, 0.8]]
        Skills.objects.create(
            project=project,
            method="dawid_skene",
            digest="x",
            prior=[0.5, 0.5],
            pooled=[right] * 3,
            n_votes=100,
            computed_at=noon,
        )

        result = simulated(make_policy()).result

        majority = 0.8**3 + 3 * 0.8**2 * 0.2
        assert result["quality"]["mean"] == pytest.approx((0.9 + 0.7 + 2 * majority) / 4, abs=1e-4)
        assert result["quality"]["low"] < result["quality"]["mean"] < result["quality"]["high"]
        assert (result["basis"]["people_from"], result["basis"]["n_people"]) == ("skills", 100)

    def test_says_that_nothing_is_known_where_nothing_is(self, filled, make_policy, simulated):
        result = simulated(make_policy()).result

        assert (result["quality"]["mean"], result["quality"]["n_unknown"]) == (None, 4)

    def test_gives_examples_with_their_sentence(self, filled, make_policy, simulated):
        rules = simulated(make_policy()).result["rules"]

        assert [(row["name"], row["n"]) for row in rules] == [("hard", 2), ("default", 2)]
        example = rules[0]["examples"][0]
        assert (example["comparison"], example["item"]) == (
            filled[2].pk,
            filled[2].item.external_id,
        )
        assert "difficulty 0.5 is at least 0.5" in example["sentence"]

    def test_heeds_slices_that_the_guard_has_turned(
        self, filled, make_policy, simulated, project, noon
    ):
        Guard.objects.create(
            project=project, slice="default", state=GuardState.TURNED, limit=0.2, updated_at=noon
        )

        result = simulated(make_policy()).result

        assert (routes(result), result["people"]["turned"]) == ({"human": 4}, 2)

    def test_leaves_alone_what_people_have_settled(
        self, filled, make_policy, simulated, judge, ann, noon
    ):
        judge(ann, filled[0], [[0], [1]])
        while refresh_next_stale(now=noon):
            pass

        result = simulated(make_policy()).result

        assert (result["n"], result["settled"]) == (3, 1)

    def test_makes_do_with_an_empty_project(self, make_policy, simulated):
        assert simulated(make_policy()).result["n"] == 0

    def test_keeps_why_it_failed(self, filled, make_policy, monkeypatch, noon):
        def fails(*_, **__):
            raise ValueError("no columns")

        monkeypatch.setattr(simulations, "simulate", fails)
        asked = simulations.ask_for_simulation(policy=make_policy(), user=None, now=noon)

        simulations.simulate_next(now=noon)

        asked.refresh_from_db()
        assert (asked.state, asked.error) == (WorkState.FAILED, "ValueError: no columns")
        assert not simulations.simulate_next(now=noon)

    def test_takes_up_what_a_killed_worker_left(self, filled, make_policy, noon):
        asked = simulations.ask_for_simulation(policy=make_policy(), user=None, now=noon)
        Simulation.objects.update(state=WorkState.RUNNING, progress=0.6, tries=1)

        assert simulations.simulate_next(now=noon)

        asked.refresh_from_db()
        assert (asked.state, asked.tries) == (WorkState.DONE, 2)

    def test_gives_up_on_one_that_kills_every_worker(self, make_policy, noon):
        asked = simulations.ask_for_simulation(policy=make_policy(), user=None, now=noon)
        Simulation.objects.update(state=WorkState.RUNNING, tries=builds.MOST_TRIES)

        assert not simulations.simulate_next(now=noon)

        asked.refresh_from_db()
        assert asked.state == WorkState.FAILED

    def test_keeps_to_one_project(self, filled, make_policy, make_project, noon):
        simulations.ask_for_simulation(policy=make_policy(), user=None, now=noon)

        assert not simulations.simulate_next(now=noon, project=make_project())


class TestAskForSimulation:
    def test_takes_the_place_of_an_earlier_one(self, make_policy, noon):
        policy = make_policy()
        first = simulations.ask_for_simulation(policy=policy, user=None, now=noon)

        second = simulations.ask_for_simulation(policy=policy, user=None, now=noon)

        first.refresh_from_db()
        assert (first.state, second.state) == (WorkState.CANCELLED, WorkState.QUEUED)

    def test_leaves_those_of_other_policies(self, make_policy, noon):
        first = simulations.ask_for_simulation(policy=make_policy(), user=None, now=noon)

        simulations.ask_for_simulation(policy=make_policy(number=2), user=None, now=noon)

        first.refresh_from_db()
        assert first.state == WorkState.QUEUED

    def test_is_not_overwritten_by_the_one_that_it_replaces(
        self, filled, make_policy, monkeypatch, noon
    ):
        policy = make_policy()
        first = simulations.ask_for_simulation(policy=policy, user=None, now=noon)
        simulate = simulations.simulate

        def meanwhile(*values):
            simulations.ask_for_simulation(policy=policy, user=None, now=noon)
            return simulate(*values)

        monkeypatch.setattr(simulations, "simulate", meanwhile)

        simulations.run(simulation=first, now=noon)

        first.refresh_from_db()
        assert (first.state, first.result) == (WorkState.CANCELLED, {})


class TestInParallel:
    @pytest.mark.django_db(transaction=True)
    def test_works_out_each_dry_run_once(self, filled, make_policy, noon):
        for number in range(1, 4):
            policy = make_policy(number=number)
            simulations.ask_for_simulation(policy=policy, user=None, now=noon)

        def work(_):
            try:
                while simulations.simulate_next(now=noon):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(work, range(4)))

        rows = Simulation.objects.values_list("state", "tries")
        assert set(rows) == {(WorkState.DONE, 1)}
