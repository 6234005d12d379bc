"""Rankings of more than two responses, and ratings, as arrays for statistics."""

import json
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import Bools, Floats, Ints
from annotation.models import Project
from annotation.selectors.votes import fetched

RANKINGS = """
    SELECT j.id, j.comparison_id, j.annotator_id, a.kind = 'llm', c.response_ids, j.ranking
    FROM judgment j JOIN comparison c ON c.id = j.comparison_id
         JOIN annotator a ON a.id = j.annotator_id
    WHERE j.project_id = %(project)s AND cardinality(c.response_ids) > 2 AND j.outcome = 'ranked'
      AND a.kind <> 'user'
      AND NOT EXISTS (SELECT 1 FROM judgment later WHERE later.supersedes_id = j.id)
    ORDER BY j.judged_at, j.id
"""
RATINGS = """
    SELECT j.id, answer.key, rated.key::bigint, rated.value::float8, a.kind = 'llm'
    FROM judgment j JOIN annotator a ON a.id = j.annotator_id,
         jsonb_each(j.criteria) answer, jsonb_each(answer.value -> 'ratings') rated
    WHERE j.project_id = %(project)s AND j.criteria <> '{}' AND answer.value ? 'ratings'
      AND a.kind <> 'user'
      AND NOT EXISTS (SELECT 1 FROM judgment later WHERE later.supersedes_id = j.id)
    ORDER BY j.judged_at, j.id, answer.key, rated.key
"""
AUTHORS = """
    SELECT r.id, r.model_name,
           (SELECT sum(length(part ->> 'text')) FROM jsonb_array_elements(r.content) part)
    FROM response r
    WHERE r.id IN (
        SELECT unnest(c.response_ids) FROM comparison c
        WHERE c.project_id = %(project)s AND cardinality(c.response_ids) > 2
    )
"""


@dataclass(frozen=True)
class Rankings:
    """n rankings of up to K responses, oldest first.

    Attributes:
        judgment, comparison, annotator: (n,) database ids. is_judge: (n,).
        responses: (n, K) ids in stored order, 0 beyond the last. tiers: (n, K) tier of each
            response, 0 best; NaN beyond the last.
    """

    judgment: Ints
    comparison: Ints
    annotator: Ints
    is_judge: Bools
    responses: Ints
    tiers: Floats

    def where(self, kept: Bools) -> "Rankings":
        return Rankings(**{name: column[kept] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Ratings:
    """n ratings on one criterion. judgment, response: (n,) database ids. value: (n,)."""

    judgment: Ints
    response: Ints
    value: Floats
    is_judge: Bools

    def where(self, kept: Bools) -> "Ratings":
        return Ratings(**{name: column[kept] for name, column in vars(self).items()})


def rankings_of(project: Project) -> Rankings:
    """Read a project's rankings of more than two responses."""
    facts, responses, tiers = [], [], []
    for *row, compared, ranking in fetched(RANKINGS, {"project": project.pk}):
        tier = {
            response: place for place, tied in enumerate(json.loads(ranking)) for response in tied
        }
        facts.append(row)
        responses.append(compared)
        tiers.append([float(tier.get(response, np.nan)) for response in compared])
    width = max(map(len, responses), default=3)
    judgment, comparison, annotator, is_judge = np.array(facts, np.int64).reshape(-1, 4).T
    return Rankings(
        judgment,
        comparison,
        annotator,
        is_judge.astype(bool),
        np.array([row + [0] * (width - len(row)) for row in responses], np.int64).reshape(
            -1, width
        ),
        np.array([row + [np.nan] * (width - len(row)) for row in tiers], float).reshape(-1, width),
    )


def authors_of(project: Project) -> dict[int, tuple[str, int]]:
    """Model and length in characters of each response in a comparison of more than two."""
    return {
        response: (model, length or 0)
        for response, model, length in fetched(AUTHORS, {"project": project.pk})
    }


def ratings_of(project: Project) -> dict[str, Ratings]:
    """Read a project's ratings of responses, by the criterion's key."""
    rows = defaultdict(list)
    for judgment, key, response, value, is_judge in fetched(RATINGS, {"project": project.pk}):
        rows[key].append((judgment, response, value, is_judge))
    return {key: _ratings(found) for key, found in sorted(rows.items())}


def _ratings(rows: list[tuple[int, int, float, bool]]) -> Ratings:
    judgment, response, value, is_judge = zip(*rows, strict=True)
    return Ratings(
        np.array(judgment), np.array(response), np.array(value, float), np.array(is_judge, bool)
    )
