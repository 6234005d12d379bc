"""What configured judges said of pairs in each display order, behind their combined judgments."""

import numpy as np

from annotation.domain.sides import Sides
from annotation.domain.verdicts import Ints
from annotation.models import Project
from annotation.selectors.votes import fetched

BY_ORDER = """
    SELECT v.judgment_id,
           CASE WHEN said.one ->> 'outcome' = 'both_bad' THEN 3
                WHEN said.one ->> 'outcome' <> 'ranked' THEN -1
                WHEN jsonb_array_length(said.one -> 'ranking') = 1 THEN 2
                WHEN (said.one -> 'ranking' -> 0 ->> 0)::bigint = c.response_ids[1] THEN 0
                ELSE 1 END,
           CASE WHEN (said.one -> 'shown' ->> 0)::bigint = c.response_ids[1] THEN 0 ELSE 1 END
    FROM judge_verdict v JOIN comparison c ON c.id = v.comparison_id,
         jsonb_array_elements(v.by_order) WITH ORDINALITY AS said(one, place)
    WHERE v.project_id = %(project)s AND v.judgment_id IS NOT NULL
      AND cardinality(c.response_ids) < 3
    ORDER BY v.judgment_id, said.place
"""


def sides_of(project: Project, judgments: Ints) -> Sides | None:
    """Read the sides behind some judgments on pairs.

    Args:
        judgments: (n,) ids, whose places are what `row` counts.
    Returns:
        None where no configured judge has given any of them.
    """
    rows = np.array(list(fetched(BY_ORDER, {"project": project.pk})), np.int64).reshape(-1, 3)
    order = np.argsort(judgments, kind="stable")
    place = np.searchsorted(judgments, rows[:, 0], sorter=order)
    place = order[np.minimum(place, len(order) - 1)] if len(order) else place
    known = judgments[place] == rows[:, 0] if len(order) else np.zeros(len(rows), bool)
    if not known.any():
        return None
    return Sides(place[known], rows[known, 1], rows[known, 2])
