"""What the LLM judges of a project say together about each comparison of two responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from annotation.domain.judges.calibrating import logits
from annotation.domain.judges.jury import jury_of
from annotation.domain.judges.opinions import (
    JudgeTable,
    confidence_of,
    shares_of,
    verdicts_of,
)
from annotation.domain.verdicts import BOTH_BAD, NO_VERDICT, TIE, Floats, Ints

NO_GROUP = -1


@dataclass(frozen=True, slots=True, eq=False)
class JuryVerdicts:
    """One for each comparison that a judge has answered about.

    Attributes:
        comparison: (n,) ids, ascending. verdict: (n,) codes, `NO_VERDICT` where undecided.
        confidence: (n,) probability of the verdict, not calibrated.
        p_first: (n,) how much the jury favours the first response, a tie counting half.
        agreement: (n,) share of the judges here that give the jury's verdict.
        is_flipped: (n,) share of the judges here whose winner changes with the order.
    """

    comparison: Ints
    verdict: Ints
    confidence: Floats
    p_first: Floats
    agreement: Floats
    is_flipped: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is right of I comparisons: ids, ascending, and verdict codes, `NO_VERDICT` unknown."""

    comparison: Ints
    right: Ints


def jury_verdicts(table: JudgeTable, weights: Mapping[int, float]) -> JuryVerdicts:
    """Put the judges' opinions on pairs together, one vote for each model family.

    Between the responses log-odds are averaged; the shares that judges give to a tie, or to both
    being bad, are averaged beside them.

    Args:
        table: opinions; those on more than two responses are passed over.
        weights: of judges within their family, by annotator; 1 for others. So that of two that
            contradict each other the better one decides.
    """
    pairs = table.where(table.is_pair)
    ids, place = np.unique(pairs.comparison, return_inverse=True)
    judges, column = np.unique(pairs.annotator, return_inverse=True)
    families = [table.families.get(int(judge), str(judge)) for judge in judges]
    weight = [weights.get(int(judge), 1.0) for judge in judges]
    if not len(ids):
        none = np.empty(0)
        return JuryVerdicts(ids, ids, none, none, none, none)

    def spread(values: Floats) -> Floats:
        rows = np.full((len(ids), len(judges)), np.nan)
        rows[place, column] = values
        return rows

    odds = jury_of(spread(logits(pairs.p_first)), families, weight).logit
    # The same mean over families serves shares: nothing in it is peculiar to log-odds.
    beside = [
        jury_of(
            spread(np.where(pairs.verdict == kind, pairs.confidence, 0.0)), families, weight
        ).logit
        for kind in (TIE, BOTH_BAD)
    ]
    shares = shares_of(odds, np.column_stack(beside))
    verdict = verdicts_of(shares)
    p_first = shares[:, 0] + shares[:, TIE] / 2 + shares[:, BOTH_BAD] / 2
    n_judges = np.bincount(place)
    agreement = np.bincount(place, pairs.verdict == verdict[place]) / n_judges
    flipped = np.bincount(place, pairs.is_flipped) / n_judges
    confidence = confidence_of(shares, verdict)
    return JuryVerdicts(ids, verdict, confidence, p_first, agreement, flipped)


def jury_without_own(table: JudgeTable, known: Known, groups: Mapping[int, int]) -> JuryVerdicts:
    """Put the judges' opinions together, each comparison by weights from other groups' labels only.

    Weights from all labels would know the very label that the verdict is then held against.

    Args:
        known: what is right. groups: number of the group, such as of one prompt or of several, by
            comparison; comparisons without one are passed over.
    Returns:
        As `jury_verdicts`.
    """
    of_row = np.array([groups.get(pk, NO_GROUP) for pk in table.comparison.tolist()], np.int64)
    of_label = np.array([groups.get(pk, NO_GROUP) for pk in known.comparison.tolist()], np.int64)
    parts = []
    for group in np.unique(of_row[of_row != NO_GROUP]):
        right = np.where(of_label == group, NO_VERDICT, known.right)
        weights = weights_of(table, known.comparison, right)
        parts.append(jury_verdicts(table.where(of_row == group), weights))
    return joined(parts) if parts else jury_verdicts(table.where(of_row != NO_GROUP), {})


def joined(parts: Sequence[JuryVerdicts]) -> JuryVerdicts:
    """One table of several on different comparisons."""
    order = np.argsort(np.concatenate([part.comparison for part in parts]))
    columns = [
        np.concatenate([getattr(part, field.name) for part in parts])[order]
        for field in fields(JuryVerdicts)
    ]
    return JuryVerdicts(*columns)


def weights_of(table: JudgeTable, comparison_ids: Ints, right: Ints) -> dict[int, float]:
    """Weigh each judge by how often it says what people agree on.

    Args:
        comparison_ids: (I,) ascending. right: (I,) verdict codes, `NO_VERDICT` unknown.
    Returns:
        By annotator (a + 1/2) / (n + 1) over the n comparisons that are known, in (0, 1).
    """
    place = np.searchsorted(comparison_ids, table.comparison)
    is_here = np.append(comparison_ids, -1)[place] == table.comparison
    known = np.append(right, NO_VERDICT)[np.where(is_here, place, len(right))]
    counted = table.is_pair & (known != NO_VERDICT)
    found = {}
    for judge in np.unique(table.annotator):
        rows = counted & (table.annotator == judge)
        hits = (table.verdict[rows] == known[rows]).sum()
        found[int(judge)] = float((hits + 0.5) / (rows.sum() + 1))
    return found
