"""Which models win in a project, by the votes of people and by those of judges."""

from dataclasses import asdict
from typing import Any

import numpy as np

from annotation.domain.leaderboard import JudgedPairs, Leaderboard, leaderboard
from annotation.domain.verdicts import FIRST, SECOND, TIE, Bools
from annotation.models import Project
from annotation.selectors import rankings
from annotation.selectors.rankings import Rankings
from annotation.selectors.votes import ProjectVotes

POINTS = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}


def leaderboards_of(
    project: Project, found: ProjectVotes, kept: Bools, ranked: Rankings
) -> dict[str, Any]:
    """Rank the models by people's votes ("human") and by judges' ("llm"); None without votes.

    A ranking of more than two responses counts as one judged pair for each two of them, all of one
    annotator, whose spread the intervals rest on.

    Args:
        kept: (n,) which of the votes count. ranked: the rankings that count.
    """
    authors = rankings.authors_of(project) if len(ranked.judgment) else {}
    models = sorted({*found.models, *(model for model, _ in authors.values())} - {""})
    number = {name: place for place, name in enumerate(models)}
    of_pairs, judges_pairs = _from_pairs(found, kept, number)
    of_rankings, judges_rankings = _from_rankings(ranked, authors, number)
    pairs = _together(of_pairs, of_rankings)
    is_judge = np.concatenate([judges_pairs, judges_rankings])
    return {
        kind: _as_json(leaderboard(pairs.where(is_judge == judges), models), kind)
        for kind, judges in (("human", False), ("llm", True))
    }


def _from_pairs(
    found: ProjectVotes, kept: Bools, number: dict[str, int]
) -> tuple[JudgedPairs, Bools]:
    votes = found.votes
    rows = np.flatnonzero(kept & np.isin(votes.choice, list(POINTS)))
    renumbered = np.array([*(number[name] for name in found.models), -1], np.int64)
    models = renumbered[found.model[votes.item[rows]]]
    lengths = votes.lengths[votes.item[rows]]
    points = np.array([POINTS[FIRST], POINTS[SECOND], POINTS[TIE]])
    pairs = JudgedPairs(
        models[:, 0],
        models[:, 1],
        points[votes.choice[rows]],
        found.ballots.annotator_ids[votes.annotator[rows]].astype(np.int64),
        (lengths[:, 0] - lengths[:, 1]).astype(float),
    )
    return pairs, votes.is_judge[votes.annotator[rows]]


def _from_rankings(
    ranked: Rankings, authors: dict[int, tuple[str, int]], number: dict[str, int]
) -> tuple[JudgedPairs, Bools]:
    left, right = np.triu_indices(ranked.tiers.shape[1], 1)
    better = ranked.tiers[:, right] - ranked.tiers[:, left]
    row, pair = np.nonzero(~np.isnan(better))
    ids, place = np.unique(ranked.responses, return_inverse=True)
    place = place.reshape(ranked.responses.shape)
    known = [authors.get(response, ("", 0)) for response in ids.tolist()]
    model = np.array([number.get(name, -1) for name, _ in known], np.int64)
    length = np.array([characters for _, characters in known], float)
    first, second = place[row, left[pair]], place[row, right[pair]]
    pairs = JudgedPairs(
        model[first],
        model[second],
        (np.sign(better[row, pair]) + 1) / 2,
        ranked.annotator[row].astype(np.int64),
        length[first] - length[second],
    )
    return pairs, ranked.is_judge[row]


def _together(*parts: JudgedPairs) -> JudgedPairs:
    names = JudgedPairs.__dataclass_fields__
    first, second, outcome, annotator, gap = (
        np.concatenate([getattr(part, name) for part in parts]) for name in names
    )
    _, who = np.unique(annotator, return_inverse=True)
    return JudgedPairs(first, second, outcome, who, gap)


def _as_json(board: Leaderboard | None, kind: str) -> dict[str, Any] | None:
    if board is None:
        return None
    plain = ("n_votes", "n_annotators", "tie_propensity", "n_components", "is_separable")
    return {name: getattr(board, name) for name in plain} | {
        "by": kind,
        "places": [asdict(place) for place in board.places],
        "intervals": str(board.spread),
        "n_left_out": board.n_left_out,
        "win_matrix": {
            "models": board.models,
            "wins": board.wins.tolist(),
            "ties": board.ties.tolist(),
        },
        "transitivity": asdict(board.transitivity),
    }
