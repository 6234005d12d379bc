"""Comparisons whose answer people settled, or that came with a known one: what judges are held to.

No vote of a judge has a part in it.
"""

import numpy as np
from django.db import connection

from annotation.domain.judges.opinions import BEST
from annotation.domain.judges.scaling import Labels
from annotation.domain.verdicts import NO_VERDICT, TIE, Floats, Ints
from annotation.models import Project
from annotation.selectors import rankings

CLEAR = 0.7  # the probability from which people's likeliest verdict counts as the answer

# `gold` is a response's position in its item, or "tie"; see the import of items.
COMPARED = """
    SELECT k.comparison_id, k.counts, cardinality(c.response_ids), md5(i.messages::text),
           CASE WHEN i.metadata -> 'gold' = '"tie"' THEN 2
                WHEN jsonb_typeof(i.metadata -> 'gold') = 'number' THEN coalesce((
                    SELECT 10 + array_position(c.response_ids, r.id) - 1 FROM response r
                    WHERE r.item_id = i.id AND r.id = ANY(c.response_ids)
                      AND r.position = (i.metadata ->> 'gold')::numeric
                ), -1)
                ELSE -1 END
    FROM consensus k JOIN comparison c ON c.id = k.comparison_id JOIN item i ON i.id = c.item_id
    WHERE k.project_id = %(project)s
    ORDER BY k.comparison_id
"""


def people_labels(project: Project) -> Labels:
    """Read the answers of a project's comparisons from its consensus rows.

    The label of a pair is people's likeliest verdict where its posterior mean is at least `CLEAR`,
    else the item's known answer; of more than two responses it is the best one. Comparisons with
    neither are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(COMPARED, {"project": project.pk})
        rows = cursor.fetchall()
    comparison = np.array([row[0] for row in rows], np.int64)
    is_pair = np.array([row[2] == 2 for row in rows], bool)
    known = np.array([row[4] for row in rows], np.int64)
    known = np.where(is_pair & (known >= BEST), known - BEST, known)
    counts = np.array([row[1] if len(row[1]) == 4 else (0, 0, 0, 0) for row in rows], np.int64)
    said = clear_verdicts(counts.reshape(-1, 4), project)
    of_more = best_of_more(project)
    ranked = np.array([of_more.get(pk, NO_VERDICT) for pk in comparison.tolist()], np.int64)
    said = np.where(is_pair, said, ranked)
    verdict = np.where(said == NO_VERDICT, known, said)
    _, prompt = np.unique(np.array([row[3] for row in rows], str), return_inverse=True)
    kept = verdict != NO_VERDICT
    return Labels(comparison[kept], verdict[kept], prompt[kept])


def clear_verdicts(counts: Ints, project: Project) -> Ints:
    """The verdict of each row of (n, 4) people's votes on a pair, where it is clear.

    The posterior mean is that of the consensus: a symmetric prior of mass one over the verdicts
    that the project offers or that somebody gave.
    """
    is_possible = counts > 0
    is_possible |= [True, True, project.allows_tie, project.allows_both_bad]
    prior = is_possible / is_possible.sum(axis=1, keepdims=True)
    posterior: Floats = (counts + prior) / (counts.sum(axis=1, keepdims=True) + 1)
    is_clear = (posterior.max(axis=1) >= CLEAR) & (counts.sum(axis=1) > 0)
    return np.where(is_clear, posterior.argmax(axis=1), NO_VERDICT)


def best_of_more(project: Project) -> dict[int, int]:
    """The clear best of each comparison of more than two responses, as a verdict code."""
    people = rankings.rankings_of(project)
    people = people.where(~people.is_judge)
    ids, row = np.unique(people.comparison, return_inverse=True)
    votes = votes_for_best(people.tiers, row, len(ids))
    is_possible = np.zeros(votes.shape, bool)
    is_possible[row, :-1] = people.responses > 0
    is_possible[:, -1] = True
    prior = is_possible / is_possible.sum(axis=1, keepdims=True)
    posterior = (votes + prior) / (votes.sum(axis=1, keepdims=True) + 1)
    best = posterior.argmax(axis=1)
    code = np.where(best == votes.shape[1] - 1, TIE, BEST + best)
    code = np.where(posterior.max(axis=1, initial=0.0) >= CLEAR, code, NO_VERDICT)
    return dict(zip(ids.tolist(), code.tolist(), strict=True))


def votes_for_best(tiers: Floats, row: Ints, n: int) -> Floats:
    """Count, for each of n comparisons, the votes for each response and, last, for a tie of all.

    Args:
        tiers: (m, K) tier of each response in m rankings, 0 best; NaN beyond the last response.
        row: (m,) number of the comparison.
    Returns:
        (n, K + 1); a shared top is shared out.
    """
    tops = tiers == 0
    is_tied = (tops | np.isnan(tiers)).all(axis=1)
    shares = tops / np.maximum(tops.sum(axis=1, keepdims=True), 1)
    cast = np.column_stack([np.where(is_tied[:, None], 0.0, shares), is_tied])
    votes = np.zeros((n, cast.shape[1]))
    np.add.at(votes, row, cast)
    return votes
