"""What audits say of judges: which comparisons were audited, and whose labels agree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import numpy as np
from django.db import connection

from annotation.domain.errors import NotFound
from annotation.domain.judges.opinions import BEST
from annotation.domain.rates import wilson
from annotation.domain.verdicts import NO_VERDICT, Bools, Floats, Ints
from annotation.models import Project
from annotation.selectors import judge_chances
from curation.domain.routing.expected import Z
from curation.domain.routing.off_policy import Estimate, chances_of_labels, snips
from curation.domain.vocabulary import GuardState
from curation.models import Guard, RoutingPolicy

# A comparison is an audit once, of the slice in which it was drawn first: decided on again after
# an admin cleared the slice, its old error is no news.
AUDITS = """
    SELECT DISTINCT ON (slice, comparison_id) slice, comparison_id, id FROM routing_decision
    WHERE project_id = %s AND policy_id = %s AND is_audited ORDER BY slice, comparison_id, id
"""
# Draws are the same at each decision, so that any of them asks people at least as likely as the
# likeliest alone. It is more where one policy audits more and another one explores more, as those
# draws have nothing to do with each other: such labels weigh a little too much. All is as it was at
# the first of the likeliest decisions: what is answered is decided on again only where that rises,
# so that later decisions would set it apart from what is not.
ASKED = """
    SELECT comparison_id, min(slice) FILTER (WHERE ordinal = likeliest), max(chance),
           min(chance) FILTER (WHERE chance > 0 AND ordinal <= likeliest)
    FROM (
        SELECT *, first_value(ordinal) OVER (
            PARTITION BY comparison_id ORDER BY chance DESC, ordinal
        ) AS likeliest
        FROM (
            SELECT comparison_id, slice, route, ordinal,
                   round(propensity::numeric, 9)::float8 AS chance
            FROM routing_decision WHERE project_id = %s
        ) decided
    ) ordered
    GROUP BY 1
    HAVING bool_or(route IN ('human', 'expert', 'both') AND chance > 0) ORDER BY 1
"""
# The codes are those of `annotation.selectors.judge_chances`.
PEOPLE = """
    SELECT said.comparison_id, said.verdict, count(*) FROM (
        SELECT j.comparison_id,
               CASE WHEN j.outcome = 'both_bad' THEN 3
                    WHEN jsonb_array_length(j.ranking) = 1 THEN 2
                    WHEN jsonb_array_length(j.ranking -> 0) > 1 THEN -1
                    ELSE CASE WHEN cardinality(c.response_ids) > 2 THEN %(best)s ELSE 0 END
                         + array_position(c.response_ids, (j.ranking -> 0 ->> 0)::bigint) - 1
                    END AS verdict
        FROM judgment j
        JOIN annotator a ON a.id = j.annotator_id AND a.kind = 'human'
        JOIN comparison c ON c.id = j.comparison_id
        WHERE j.project_id = %(project)s AND j.comparison_id = ANY(%(ids)s)
          AND j.outcome IN ('ranked', 'both_bad')
          AND NOT EXISTS (SELECT 1 FROM judgment later WHERE later.supersedes_id = j.id)
    ) said WHERE said.verdict >= 0 GROUP BY 1, 2
"""
TINY = 1e-9
# A few thousand comparisons are found one by one; of very many, all that there is is read once.
PART, MOST_IN_PARTS = 2_500, 20_000


@dataclass(frozen=True, slots=True)
class Audited:
    """The audits of one slice: which comparisons, by which decision each, in no order."""

    slice: str
    comparisons: Ints
    decisions: Ints


@dataclass(frozen=True, slots=True)
class Counted:
    """How many audits of one slice people and judges have judged, and how many not alike."""

    slice: str
    n_audited: int
    n_wrong: int


def guard_for(project: Project, guard_id: int) -> Guard:
    """Find what the guard knows of a slice.

    Raises:
        NotFound: the project has no such slice.
    """
    found = Guard.objects.filter(project=project, pk=guard_id).select_related("project").first()
    if found is None:
        raise NotFound("There is no such slice here.")
    return found


def turned_slices(project: Project) -> list[str]:
    """Names of the slices that the guard has turned to people."""
    turned = Guard.objects.filter(project=project, state=GuardState.TURNED)
    return list(turned.order_by("slice").values_list("slice", flat=True))


def audits_of(policy: RoutingPolicy) -> list[Audited]:
    """The audits that were drawn under a policy, by slice."""
    with connection.cursor() as cursor:
        cursor.execute(AUDITS, [policy.project_id, policy.pk])
        rows = cursor.fetchall()
    # The rows come slice by slice.
    return [
        Audited(name, *np.array([row[1:] for row in part], dtype=np.int64).T)
        for name, part in groupby(rows, key=itemgetter(0))
    ]


def counts_of(policy: RoutingPolicy, since: Mapping[str, int]) -> list[Counted]:
    """Count the audits of each slice, all by one look at the labels.

    Args:
        since: by slice, the decision from which on its audits count; 0 where it is left out.
    """
    listed = [
        (one.slice, one.comparisons[one.decisions > since.get(one.slice, 0)])
        for one in audits_of(policy)
    ]
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *(chosen for _, chosen in listed)]))
    right, is_known = agreement_on(policy.project, ids)
    found = []
    for name, chosen in listed:
        places = np.searchsorted(ids, chosen)
        n_audited = int(is_known[places].sum())
        found.append(Counted(name, n_audited, n_audited - int(right[places].sum())))
    return found


def accuracy_of(project: Project) -> Estimate:
    """How often judges agree with people, over all comparisons decided on that judges have judged.

    A label of people counts where a decision had asked for it, and for as many comparisons as were
    as likely to have one; labels from before do not count, as no chance drew them. Those of
    which no like has a label are left out, and counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [project.pk])
        rows = cursor.fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    judges = judges_on(project, ids)
    is_judged = judges != NO_VERDICT
    ids, judges = ids[is_judged], judges[is_judged]
    slices = np.array([row[1] for row in rows], dtype=str)[is_judged]
    chances = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, 2)
    propensity, lowest = chances[is_judged].T
    people = people_on(project, ids)
    is_known = people != NO_VERDICT
    strata = np.unique(slices, return_inverse=True)[1].reshape(-1)
    chance = chances_of_labels(propensity, lowest, strata, is_known)
    found = snips((people == judges).astype(np.float64), chance, is_known)
    return replace(found, n_left_out=round(float((1 / propensity[chance == 0]).sum())))


def interval_of(estimate: Estimate) -> tuple[float, float] | None:
    """A 95 % interval of a share, within [0, 1]; None where nothing is known of it.

    Wilson's for as many labels as the estimate tells, where all are alike: their spread says
    nothing of how far off they may be.
    """
    if estimate.value is None or estimate.se is None:
        return None
    if estimate.value in (0, 1):
        return wilson(estimate.value * estimate.effective_n, estimate.effective_n)
    half = Z * estimate.se
    return max(estimate.value - half, 0.0), min(estimate.value + half, 1.0)


def agreement_on(project: Project, ids: Ints) -> tuple[Bools, Bools]:
    """Whether judges and people say the same about comparisons, and whether both say something.

    Args:
        ids: (n,) of comparisons, each once.
    Returns:
        Both (n,); the first is False where the second is.
    """
    people, judges = people_on(project, ids), judges_on(project, ids)
    is_known = (people != NO_VERDICT) & (judges != NO_VERDICT)
    return is_known & (people == judges), is_known


def people_on(project: Project, ids: Ints) -> Ints:
    """The verdict that most people gave of each comparison, (n,), `NO_VERDICT` where none leads."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"project": project.pk, "ids": ids.tolist(), "best": BEST})
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 3)
    return leading(ids, rows[:, 0], rows[:, 1], rows[:, 2].astype(np.float64))


def judges_on(project: Project, ids: Ints) -> Ints:
    """The verdict of the LLM judges on each comparison, (n,), `NO_VERDICT` where none leads.

    Each model family has one vote, shared by its judges by how sure they are.
    """
    n_parts = -(-len(ids) // PART) if len(ids) <= MOST_IN_PARTS else 1
    parts = np.array_split(ids, max(n_parts, 1))
    return np.concatenate([jury_on(project, part) for part in parts])


def jury_on(project: Project, ids: Ints) -> Ints:
    table = judge_chances.chances_on(project, ids.tolist())
    table = table.where(table.verdict != NO_VERDICT)
    families = np.array([table.families[one] for one in table.annotator.tolist()], dtype=str)
    keys = np.column_stack([np.unique(families, return_inverse=True)[1], table.comparison])
    _, votes = np.unique(keys.reshape(-1, 2), axis=0, return_inverse=True)
    votes = votes.reshape(-1)
    sizes = np.bincount(votes, minlength=1)[votes] if len(votes) else np.ones(0)
    return leading(ids, table.comparison, table.verdict, table.confidence / sizes)


def leading(ids: Ints, comparison: Ints, verdict: Ints, weight: Floats) -> Ints:
    """The verdict with most weight of each comparison, `NO_VERDICT` where two lead or none is.

    Args:
        ids: (n,) ascending. comparison, verdict, weight: (m,) votes, of the comparisons in `ids`.
    """
    kinds, column = np.unique(verdict, return_inverse=True)
    totals = np.zeros((len(ids), len(kinds) + 2))
    np.add.at(totals, (np.searchsorted(ids, comparison), column.reshape(-1)), weight)
    ordered = np.sort(totals, axis=1)
    is_led = ordered[:, -1] > ordered[:, -2] + TINY
    named = np.append(kinds, [NO_VERDICT, NO_VERDICT])
    return np.where(is_led, named[totals.argmax(axis=1)], NO_VERDICT)
