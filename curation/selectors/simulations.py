"""What a dry run of a routing policy reads: the work there is, what it costs, whom to trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Avg

from annotation.domain.vocabulary import OrderPolicy, RequestState, WorkState
from annotation.models import Calibration, Comparison, Judge, JudgeRequest, Project, Skills
from curation.domain.routing.expected import Bools, Floats, Ints, Trust
from curation.domain.routing.facts import Facts
from curation.domain.routing.plans import CHARACTERS_PER_TOKEN, Price, Work, costs_of
from curation.domain.selection.costs import reading_minutes
from curation.models import RoutingPolicy, Simulation
from curation.selectors import routing, routing_labels

CHARACTERS = ("prompt_characters", "shortest_characters", "longest_characters")
CONFIDENCE = "judge_confidence"
RULES_BESIDE = 400  # tokens of Quorum's own rules and the schema in every request, about
ENOUGH_TOLD = 30  # verdicts whose mean confidence stands for comparisons that no judge has seen
SLOTS = """
    SELECT c.id, cardinality(c.response_ids),
           count(s.id) FILTER (WHERE s.holder_id IS NULL),
           count(s.id) FILTER (WHERE s.holder_id IS NOT NULL)
    FROM comparison c LEFT JOIN slot s ON s.comparison_id = c.id
    WHERE c.project_id = %s GROUP BY c.id ORDER BY c.id
"""
ASKED = """
    SELECT DISTINCT judge_id, comparison_id FROM judge_request
    WHERE project_id = %(project)s AND NOT is_trial AND state <> %(cancelled)s
      AND judge_id = ANY(%(judges)s)
"""
SETTLED = """
    SELECT comparison_id FROM consensus WHERE project_id = %s AND is_settled AND EXISTS (
        SELECT FROM judgment JOIN annotator ON annotator.id = annotator_id
        WHERE judgment.comparison_id = consensus.comparison_id AND annotator.kind = 'human'
    )
"""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an expected quality rests on: `trust`, and where its figures come from.

    `n_told` comparisons have a judge's verdict with a calibrated probability; `n_assumed` have none
    and are taken as the mean of those; of the rest nothing is known.
    """

    trust: Trust
    people_from: str
    n_told: int
    n_assumed: int


def latest_simulation(policy: RoutingPolicy) -> Simulation | None:
    return policy.simulations.order_by("-id").first()


def latest_result(policy: RoutingPolicy) -> Simulation | None:
    """The last dry run of a policy that is done; None without one."""
    done = policy.simulations.filter(state=WorkState.DONE).select_related("policy")
    return done.order_by("-id").first()


def judges_in_order(project: Project, names: Sequence[str]) -> list[Judge]:
    """The judges that policies name, those that exist, in the order of their names' first use."""
    found = routing.judges_named(project, names)
    return [found[name] for name in dict.fromkeys(names) if name in found]


def settled_by_people(project: Project) -> Ints:
    """Ids of comparisons that are left alone, as people have settled them."""
    with connection.cursor() as cursor:
        cursor.execute(SETTLED, [project.pk])
        return np.array([pk for (pk,) in cursor.fetchall()], dtype=np.int64)


def work_of(project: Project, facts: Facts, judges: Sequence[Judge]) -> Work:
    """Read what people and judges have done already, and what more of it costs.

    Args:
        facts: of all comparisons of the project, with the columns `CHARACTERS`.
    """
    with connection.cursor() as cursor:
        cursor.execute(SLOTS, [project.pk])
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
    rows = rows[np.searchsorted(rows[:, 0], facts.ids)]
    prompt, shortest, longest = (facts.columns[name] for name in CHARACTERS)
    # Of more than two responses only the shortest and the longest are known.
    n_chars = prompt + rows[:, 1] * (shortest + longest) / 2
    prices = [price_of(judge) for judge in judges]
    return Work(
        minutes=reading_minutes(n_chars),
        n_taken=rows[:, 3],
        n_free=rows[:, 2],
        is_asked=asked_already(project, facts.ids, judges),
        cost=costs_of(prices, n_chars),
        n_requests=np.array([price.n_requests for price in prices], dtype=np.int64),
    )


def price_of(judge: Judge) -> Price:
    """What one comparison costs a judge; its answers so far tell how long they are."""
    answered = JudgeRequest.objects.filter(judge=judge, answer__isnull=False)
    lately = answered.order_by("-id").values("answer__tokens_out")[:1_000]
    measured = lately.aggregate(mean=Avg("answer__tokens_out"))["mean"]
    orders = 2 if judge.order_policy == OrderPolicy.BOTH else 1
    return Price(
        n_requests=orders * judge.n_samples,
        price_in=float(judge.price_in),
        price_out=float(judge.price_out),
        tokens_beside=RULES_BESIDE + len(judge.template.instructions) / CHARACTERS_PER_TOKEN,
        tokens_out=float(measured) if measured is not None else float(judge.max_tokens),
    )


def asked_already(project: Project, ids: Ints, judges: Sequence[Judge]) -> Bools:
    """Which judges were asked about which of some comparisons, by ascending id, shape (n, J)."""
    asked = np.zeros((len(ids), len(judges)), dtype=np.bool_)
    columns = {judge.pk: place for place, judge in enumerate(judges)}
    if not columns:
        return asked
    with connection.cursor() as cursor:
        listed: dict[str, Any] = {
            "project": project.pk,
            "cancelled": RequestState.CANCELLED.value,
            "judges": list(columns),
        }
        cursor.execute(ASKED, listed)
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    rows = rows[np.isin(rows[:, 1], ids)]
    places = np.searchsorted(ids, rows[:, 1])
    for judge, column in columns.items():
        asked[places[rows[:, 0] == judge], column] = True
    return asked


def basis_of(project: Project, chances: Floats) -> Basis:
    """Whom to trust how far, and where that is from.

    Args:
        chances: (n,) probability that the judges' verdict is right, NaN without a verdict.
    """
    is_told = ~np.isnan(chances)
    n_told, judges, n_assumed = int(is_told.sum()), chances, 0
    if n_told >= ENOUGH_TOLD:
        judges = np.where(is_told, chances, chances[is_told].mean())
        n_assumed = len(chances) - n_told
    people, n_people, people_from = people_of(project)
    trust = Trust(people, n_people, judges, n_labelled(project))
    return Basis(trust, people_from, n_told, n_assumed)


def people_of(project: Project) -> tuple[float | None, int, str]:
    """How likely one person's label is right, from how many labels, and by what.

    Of the learned router's fit where there is one; else from the errors of annotators as Dawid and
    Skene's model has them, of one whom nobody knows yet.
    """
    fit = routing_labels.last_fit(project)
    if fit is not None and fit.human_quality is not None:
        return fit.human_quality, fit.evaluation.get("human_labels", fit.n_labelled), "router"
    skills = Skills.objects.filter(project=project).exclude(digest="").first()
    if skills is None:
        return None, 0, ""
    prior, pooled = np.array(skills.prior), np.array(skills.pooled)
    right = np.diagonal(pooled, axis1=1, axis2=2).mean(axis=0)
    return float(prior @ right), skills.n_votes, "skills"


def n_labelled(project: Project) -> int:
    """How many comparisons with labels of both tell how far judges are right."""
    fit = routing_labels.fit_in_force(project)
    if fit is not None:
        return fit.n_labelled
    found = Calibration.objects.filter(project=project).order_by("-n_labelled")
    return found.values_list("n_labelled", flat=True).first() or 0


def items_of(comparison_ids: Sequence[int]) -> dict[int, str]:
    """What each comparison's item is called, by comparison."""
    found = Comparison.objects.filter(pk__in=comparison_ids)
    return dict(found.values_list("pk", "item__external_id"))
