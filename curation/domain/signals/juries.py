"""The signals of what LLM judges hold together, by their calibrated probabilities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from annotation.domain.judges.calibrating import logits
from annotation.domain.judges.jury import jury_of
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE
from curation.domain.signals.pairs import rounded
from curation.domain.signals.signal import Values


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one judge holds of a comparison: a row of a calibrated `JudgeTable`."""

    annotator: int
    family: str
    p_first: float
    verdict: int
    confidence: float
    is_pair: bool


def jury_signals(opinions: Sequence[Opinion]) -> Values:
    """Let the judges of a comparison vote, one vote for each model family.

    Of a pair the jury leans to the response with the higher mean log-odds; its verdict is that
    response, unless most families say a tie, or that both are bad. Of more than two responses its
    verdict is the one that has the highest confidence over families.

    Returns:
        `judge_confidence`: probability of the side that the jury leans to, 0.5 to 1; of more than
        two responses the mean confidence in its verdict. `judge_agreement`: share of all judges,
        the undecided among them, whose verdict is the jury's; 0 where it has none. Null without
        judges.
    """
    if not opinions:
        return {"judge_confidence": None, "judge_agreement": None}
    verdict, confidence = of_pair(opinions) if opinions[0].is_pair else of_more(opinions)
    agreement = fmean(verdict not in (None, NO_VERDICT) and o.verdict == verdict for o in opinions)
    return {"judge_confidence": rounded(confidence), "judge_agreement": rounded(agreement)}


def of_pair(opinions: Sequence[Opinion]) -> tuple[int | None, float]:
    held = logits(np.array([[opinion.p_first for opinion in opinions]]))
    p = float(jury_of(held, [opinion.family for opinion in opinions]).p_first[0])
    verdict = None if p == 0.5 else (FIRST if p > 0.5 else SECOND)
    for kind in (TIE, BOTH_BAD):
        if share_of_families(opinions, kind) > 0.5:
            verdict = kind
    return verdict, max(p, 1 - p)


def share_of_families(opinions: Sequence[Opinion], verdict: int) -> float:
    """Share of the families' votes for a verdict, each divided among its judges."""
    by_family: dict[str, list[bool]] = defaultdict(list)
    for opinion in opinions:
        by_family[opinion.family].append(opinion.verdict == verdict)
    return fmean(fmean(said) for said in by_family.values())


def of_more(opinions: Sequence[Opinion]) -> tuple[int | None, float]:
    said = sorted({opinion.verdict for opinion in opinions} - {NO_VERDICT})
    if not said:
        return None, max(opinion.confidence for opinion in opinions)
    means = {verdict: confidence_in(opinions, verdict) for verdict in said}
    verdict = max(said, key=means.__getitem__)
    return verdict, means[verdict]


def confidence_in(opinions: Sequence[Opinion], verdict: int) -> float:
    """Mean over families of their judges' mean confidence in a verdict, 0 for other verdicts."""
    by_family: dict[str, list[float]] = defaultdict(list)
    for opinion in opinions:
        is_said = opinion.verdict == verdict
        by_family[opinion.family].append(opinion.confidence if is_said else 0.0)
    return fmean(fmean(held) for held in by_family.values())
