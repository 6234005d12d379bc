"""Dry runs of routing policies: asked for, worked out in the background, never twice at once."""

from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from django.db import transaction

from annotation.domain.vocabulary import WorkState
from annotation.models import Judge, Project, User
from curation.domain.routing import telling
from curation.domain.routing.deciding import decide
from curation.domain.routing.expected import Floats, Ints
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances
from curation.domain.routing.plans import plan_of, unrouted
from curation.domain.routing.policy import Learned, Policy, facts_in, judges_in, policy_from_json
from curation.domain.routing.simulation import simulate
from curation.models import RoutingPolicy, Simulation
from curation.selectors import guards, routing, routing_facts
from curation.selectors import simulations as reading
from curation.selectors.simulations import Basis
from curation.services import builds
from curation.services.routing import fitting

UNFINISHED = (WorkState.QUEUED, WorkState.RUNNING)
BROKEN = (ArithmeticError, LookupError, TypeError, ValueError)
READ, DECIDED = 0.6, 0.8  # how far a dry run is then; most of the time goes into reading


def ask_for_simulation(*, policy: RoutingPolicy, user: User | None, now: datetime) -> Simulation:
    """Have a policy's dry run worked out at the next bell; it takes the place of an earlier one."""
    with transaction.atomic():
        RoutingPolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
        waiting = policy.simulations.filter(state__in=UNFINISHED)
        waiting.update(state=WorkState.CANCELLED, finished_at=now)
        return Simulation.objects.create(
            project=policy.project, policy=policy, created_by=user, created_at=now
        )


def simulate_next(*, now: datetime, project: Project | None = None) -> bool:
    """Work out one dry run that waits, or whose worker was killed; the oldest first.

    Safe to repeat and to run in parallel: what somebody else works on is left to them.

    Returns:
        Whether there was one.
    """
    waiting = Simulation.objects.filter(state__in=UNFINISHED).order_by("id")
    if project is not None:
        waiting = waiting.filter(project=project)
    return any(run(simulation=one, now=now) for one in waiting.select_related("policy__project"))


def run(*, simulation: Simulation, now: datetime) -> bool:
    """Work out one dry run; False where somebody else does, or it is finished already."""
    with builds.alone_with(simulation) as alone:
        if not alone or not builds.begin(simulation):
            return False
        Simulation.objects.filter(pk=simulation.pk).update(started_at=now, progress=0.0)
        try:
            outcome = {"state": WorkState.DONE, "result": result_of(simulation), "progress": 1.0}
        except BROKEN as error:
            outcome = {"state": WorkState.FAILED, "error": f"{type(error).__name__}: {error}"}
        # A dry run that was cancelled meanwhile stays so.
        running = Simulation.objects.filter(pk=simulation.pk, state=WorkState.RUNNING)
        running.update(finished_at=now, **outcome)
    return True


def result_of(simulation: Simulation) -> dict[str, Any]:
    """Everything that a dry run tells, as JSON, over all that people have not settled."""
    project = simulation.policy.project
    policy = policy_from_json(simulation.policy.content)
    active = routing.active_policy(project)
    former = policy_from_json(active.content) if active else None
    both = [policy, former] if former else [policy]
    names = set(reading.CHARACTERS).union(*map(facts_in, both))
    facts = routing_facts.facts_of(project, names | {reading.CONFIDENCE})
    is_settled = np.isin(facts.ids, reading.settled_by_people(project))
    places = np.flatnonzero(~is_settled)
    tell(simulation, READ)
    judges = reading.judges_in_order(project, list(chain(*map(judges_in, both))))
    columns = [str(judge) for judge in judges]
    decided = _Decided(project, policy, facts)
    before = unrouted(len(facts), project.overlap, len(judges))
    if former:
        before = plan_of(_Decided(project, former, facts).decisions, columns)
    tell(simulation, DECIDED)
    work = reading.work_of(project, facts.at(places), judges)
    basis = reading.basis_of(project, decided.chances()[places])
    plan = plan_of(decided.decisions, columns).at(places)
    found = simulate(plan, before.at(places), work, basis.trust)
    found["rules"] = decided.with_examples(found["rules"], places)
    found["asked"] = [named(judge) for judge in judges]
    found["basis"] = basis_json(basis)
    found["settled"] = int(is_settled.sum())
    found["active"] = active.number if active else None
    return found


class _Decided:
    """What a policy decides now about all comparisons of a project, and why."""

    def __init__(self, project: Project, policy: Policy, facts: Facts) -> None:
        self.project, self.policy, self.facts = project, policy, facts
        self.decisions = decide(
            policy,
            facts,
            seed=project.pk,
            turned_slices=guards.turned_slices(project),
            learned=self.learned if policy.learned else None,
        )

    @cached_property
    def idle(self) -> dict[str, str]:
        return routing.out_of_use(self.project)

    @cached_property
    def learned(self) -> LearnedChances | None:
        wish = self.policy.learned or Learned(0.0)
        price = wish.cost_human - wish.cost_judge
        return fitting.learned_chances(self.project, self.facts, value=wish.value, price=price)

    def chances(self) -> Floats:
        """How likely the judges are right: by the router's fit, else as they are calibrated."""
        told = self.facts.columns[reading.CONFIDENCE] if self.learned is None else self.learned.p
        return np.asarray(told, np.float64)

    def with_examples(self, rows: list[dict[str, Any]], places: Ints) -> list[dict[str, Any]]:
        """Put comparisons and sentences in the place of examples' places among some places."""
        chosen = [places[row.pop("places")].tolist() for row in rows]
        items = reading.items_of(self.facts.ids[list(chain(*chosen))].tolist())
        return [
            row | {"examples": [self.example(place, items) for place in listed]}
            for row, listed in zip(rows, chosen, strict=True)
        ]

    def example(self, place: int, items: dict[int, str]) -> dict[str, Any]:
        comparison = int(self.facts.ids[place])
        learned = self.learned if self.policy.learned else None
        return {
            "comparison": comparison,
            "item": items.get(comparison, ""),
            "sentence": telling.tell(self.decisions, self.facts, place, learned, self.idle),
        }


def tell(simulation: Simulation, progress: float) -> None:
    """Let readers see how far it is."""
    Simulation.objects.filter(pk=simulation.pk).update(progress=progress)


def named(judge: Judge) -> dict[str, Any]:
    """A judge that is to be asked; its state where it is out of use, so that it would not be."""
    left = judge.budget - judge.spent - judge.reserved
    state = judge.state if judge.state in routing.OUT_OF_USE else ""
    return {"judge": judge.pk, "name": str(judge), "left": left, "state": state}


def basis_json(basis: Basis) -> dict[str, Any]:
    """Where the expected quality is from."""
    return {
        "people": basis.trust.people,
        "n_people": basis.trust.n_people,
        "people_from": basis.people_from,
        "n_judges": basis.trust.n_judges,
        "n_told": basis.n_told,
        "n_assumed": basis.n_assumed,
    }
