"""Routes what waits: facts, a decision with its reason, then slots for people and requests to
judges."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import DataError, connection, transaction

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import Audience
from annotation.models import Consensus, Project
from annotation.services import routes
from annotation.services.judges import runs
from annotation.services.routes import NOBODY, Wanted
from curation.domain.routing.deciding import DEFAULT, Decisions, decide, threshold_under
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances
from curation.domain.routing.policy import Policy, facts_in, policy_from_json
from curation.domain.routing.telling import tell
from curation.domain.vocabulary import Route
from curation.models import RoutingDecision, RoutingPolicy
from curation.selectors import guards, routing, routing_labels
from curation.selectors.routing_facts import facts_of
from curation.services.routing import fitting, requests

BATCH = 1_000
PATIENCE = timedelta(minutes=10)  # for signals of a new comparison that do not come
BROKEN = (ArithmeticError, LookupError, TypeError, ValueError, DomainError, DataError)
N_PEOPLE = "n_people"
SLACK = 1e-9
# Whoever changes policies waits for this; where somebody does, nothing is decided now.
HOLD_POLICY = """
    SELECT id FROM routing_policy WHERE id = %s AND state = 'active' FOR SHARE SKIP LOCKED
"""
AUDIENCES = {Route.EXPERT: Audience.EXPERT}


def route_next(*, now: datetime, project: Project | None = None, limit: int = BATCH) -> int:
    """Decide on up to `limit` comparisons that wait for it, in one transaction.

    Rivals skip what another is deciding on. A decision is written where it differs from the one
    that holds; slots follow it, and judges are asked. What people have settled, or what as many
    have judged as were wanted, stays as it is; only where chance had asked them, and they would be
    asked more likely by now, is that put down. A comparison that cannot be decided on keeps its
    request with the error and is set aside after `MOST_TRIES`; the others are not held up.

    Returns:
        How many requests were taken; 0 when nothing is left to do. Safe to repeat.
    """
    return next(
        (
            taken
            for policy in routing.active_policies(project)
            if (taken := route_under(policy, now, limit))
        ),
        0,
    )


def route_under(policy: RoutingPolicy, now: datetime, limit: int) -> int:
    """Decide on up to `limit` comparisons that wait under one policy."""
    try:
        rules = policy_from_json(policy.content)
    except DomainError as error:
        return set_back_all(policy, error, now, limit)
    keep_threshold(policy, rules, now)
    with transaction.atomic():
        ids = take(policy, facts_in(rules), now, limit)
        if ids:
            route(policy, rules, ids, now)
    return len(ids)


def take(policy: RoutingPolicy, names: Collection[str], now: datetime, limit: int) -> list[int]:
    if not is_held(policy):
        return []
    return requests.take(project=policy.project, names=names, patience=now - PATIENCE, limit=limit)


def set_back_all(policy: RoutingPolicy, error: Exception, now: datetime, limit: int) -> int:
    """Count a try of all that waits under a policy that cannot be read any more, and say why."""
    with transaction.atomic():
        ids = take(policy, (), now, limit)
        requests.set_back(comparison_ids=ids, error=error)
    return len(ids)


def is_held(policy: RoutingPolicy) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(HOLD_POLICY, [policy.pk])
        return cursor.fetchone() is not None


def keep_threshold(policy: RoutingPolicy, rules: Policy, now: datetime) -> None:
    """Find the learned router's threshold on the whole project when there is a new fit, and have
    everything routed by it.

    A batch has its own mixture, so a threshold of its own would not keep to the policy's share.
    """
    fit = routing_labels.fit_in_force(policy.project) if rules.learned else None
    if fit is None or policy.threshold_fit == fit.number:
        return
    facts = facts_of(policy.project, facts_in(rules))
    if learned := chances(policy, rules, facts):
        policy.threshold = threshold_under(rules, facts, learned)
        policy.threshold_fit = fit.number
        with transaction.atomic():
            policy.save(update_fields=["threshold", "threshold_fit"])
            requests.ask_all(project=policy.project, now=now)


def chances(policy: RoutingPolicy, rules: Policy, facts: Facts) -> LearnedChances | None:
    """What the learned router expects; None without one, or before its first fit."""
    if rules.learned is None:
        return None
    price = rules.learned.cost_human - rules.learned.cost_judge
    return fitting.learned_chances(policy.project, facts, value=rules.learned.value, price=price)


def route(policy: RoutingPolicy, rules: Policy, ids: Sequence[int], now: datetime) -> None:
    """Decide on locked comparisons; where that fails, on halves of them, down to the one at
    fault."""
    try:
        with transaction.atomic():
            decide_on(policy, rules, ids, now)
            requests.finish(comparison_ids=ids)
    except BROKEN as error:
        if len(ids) == 1:
            requests.set_back(comparison_ids=ids, error=error)
            return
        half = len(ids) // 2
        for part in (ids[:half], ids[half:]):
            route(policy, rules, part, now)


def decide_on(policy: RoutingPolicy, rules: Policy, ids: Sequence[int], now: datetime) -> None:
    project = policy.project
    facts = facts_of(project, facts_in(rules) | {N_PEOPLE}, ids)
    latest = routing.latest_decisions(ids)
    over = is_over(facts, latest)
    is_news = ~over | was_drawn(facts, latest)
    facts, over = facts.at(is_news), over[is_news]
    if not len(facts):
        return
    learned = chances(policy, rules, facts)
    decisions = decide(
        rules,
        facts,
        seed=project.pk,
        turned_slices=guards.turned_slices(project),
        learned=learned,
        threshold=policy.threshold,
    )
    record(policy, decisions, facts, learned, latest, now, over)
    places = np.flatnonzero(~over).tolist()
    wanted = {int(facts.ids[place]): wanted_by(decisions, place) for place in places}
    routes.apply_routes(project=project, wanted=wanted)
    ask_judges(project, decisions, places, now)


def is_over(facts: Facts, latest: dict[int, RoutingDecision]) -> Any:
    """Whether people have done what there was to do, shape (n,): then nothing is decided anew."""
    settled = set(
        Consensus.objects.filter(comparison__in=facts.ids.tolist(), is_settled=True).values_list(
            "comparison_id", flat=True
        )
    )
    n_people = facts.columns[N_PEOPLE]
    wanted = [
        routing.settings_of(latest[pk])["overlap"] if pk in latest else np.inf
        for pk in facts.ids.tolist()
    ]
    is_settled = np.array([pk in settled for pk in facts.ids.tolist()], dtype=np.bool_)
    return (n_people > 0) & (is_settled | (n_people >= np.array(wanted)))


def was_drawn(facts: Facts, latest: dict[int, RoutingDecision]) -> Any:
    """Whether chance had asked people, shape (n,)."""
    held = [latest.get(pk) for pk in facts.ids.tolist()]
    return np.array([one is not None and 0 < one.propensity < 1 for one in held], dtype=np.bool_)


def record(
    policy: RoutingPolicy,
    decisions: Decisions,
    facts: Facts,
    learned: LearnedChances | None,
    latest: dict[int, RoutingDecision],
    now: datetime,
    over: Any,
) -> None:
    """Write the decisions that differ from those that hold; of what is over, where people would be
    asked more likely."""
    fresh, idle = [], routing.out_of_use(policy.project)
    for place, comparison in enumerate(decisions.ids.tolist()):
        before = latest.get(comparison)
        decision = decision_at(policy, decisions, place, now)
        if before and over[place]:
            if decision.propensity <= before.propensity + SLACK:
                continue
            # As many as were wanted have judged it: more are not wanted now.
            decision.settings["overlap"] = routing.settings_of(before)["overlap"]
        if before is None or told(before) != told(decision):
            decision.ordinal = before.ordinal + 1 if before else 1
            is_over = before is not None and bool(over[place])
            decision.reason = tell(decisions, facts, place, learned, idle, is_over=is_over)
            fresh.append(decision)
    RoutingDecision.objects.bulk_create(fresh)


def decision_at(
    policy: RoutingPolicy, decisions: Decisions, place: int, now: datetime
) -> RoutingDecision:
    to, rule = decisions.route_to(place), int(decisions.rule[place])
    wanted = wanted_by(decisions, place)
    return RoutingDecision(
        project_id=policy.project_id,
        comparison_id=int(decisions.ids[place]),
        policy=policy,
        rule=rule if rule > DEFAULT else None,
        route=to.route.value,
        settings={
            "overlap": wanted.overlap,
            "judges": list(to.judges),
            "expertise": to.expertise,
            "rank": wanted.rank,
        },
        slice=decisions.slice[place],
        propensity=float(decisions.propensity[place]),
        is_explored=bool(decisions.explored[place]),
        is_audited=bool(decisions.audited[place]),
        decided_at=now,
    )


def told(decision: RoutingDecision) -> tuple[Any, ...]:
    """What makes two decisions different."""
    return (
        decision.policy_id,
        decision.rule,
        decision.route,
        decision.settings,
        decision.slice,
        decision.is_explored,
        decision.is_audited,
        round(decision.propensity, 9),
    )


def wanted_by(decisions: Decisions, place: int) -> Wanted:
    to = decisions.route_to(place)
    if to.route in (Route.JUDGE, Route.SKIP):
        return NOBODY
    return Wanted(to.overlap, AUDIENCES.get(to.route, Audience.HUMAN), to.expertise, to.rank)


def ask_judges(
    project: Project, decisions: Decisions, places: Sequence[int], now: datetime
) -> None:
    asked: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in places:
        if judges := decisions.route_to(place).judges:
            asked[judges].append(int(decisions.ids[place]))
    named = routing.judges_named(project, {name for names in asked for name in names})
    runs.hold_runs(judge_ids=[judge.pk for judge in named.values()])
    for names, comparisons in asked.items():
        judge_ids: Collection[int] = [named[name].pk for name in names]
        runs.ask_judges(judge_ids=judge_ids, comparison_ids=comparisons, now=now)
