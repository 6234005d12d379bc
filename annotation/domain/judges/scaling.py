"""The scales of judges, put to what the judges hold of comparisons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotation.domain.judges.calibrating import Calibrated, Scale, calibrate, scale_from
from annotation.domain.judges.opinions import JudgeTable
from annotation.domain.verdicts import NO_VERDICT, Bools, Floats, Ints, is_decisive


@dataclass(frozen=True)
class Labels:
    """n comparisons of known answer.

    Attributes:
        comparison: (n,) ids, ascending. verdict: (n,) codes as in `JudgeTable`.
        prompt: (n,) numbers of what belongs together.
    """

    comparison: Ints
    verdict: Ints
    prompt: Ints

    def __len__(self) -> int:
        return len(self.comparison)


@dataclass(frozen=True)
class Scales:
    """How to read one judge: its verdicts, and its leaning between two responses.

    `verdict` maps the probability of the verdict to how often that is the label, ties included.
    `side` maps that of the likelier of two responses to how often it is the better one where the
    label names one: what a jury adds up.
    """

    verdict: Scale = Scale()
    side: Scale = Scale()

    def as_json(self) -> dict[str, Any]:
        return {"verdict": self.verdict.as_json(), "side": self.side.as_json()}


def scales_from(stored: Mapping[str, Any]) -> Scales:
    return Scales(scale_from(stored.get("verdict", {})), scale_from(stored.get("side", {})))


def distance(scales: Scales, others: Scales) -> float:
    """The greatest difference that it makes to any probability which of two is used, 0 to 1."""
    p = np.linspace(0.0, 1.0, 101)
    pairs = ((scales.verdict, others.verdict), (scales.side, others.side))
    return max(float(np.abs(one(p) - other(p)).max()) for one, other in pairs)


@dataclass(frozen=True)
class CalibratedJudge:
    """Both scales of a judge with what was measured."""

    verdict: Calibrated
    side: Calibrated

    @property
    def scales(self) -> Scales:
        return Scales(self.verdict.scale, self.side.scale)

    @property
    def evaluation(self) -> dict[str, Any]:
        """Of the verdicts, and under `side` of the leaning."""
        return self.verdict.evaluation | {"side": self.side.evaluation}


def calibrate_judge(table: JudgeTable, labels: Labels) -> CalibratedJudge:
    """Fit and measure the scales of one judge.

    Args:
        table: its opinions. labels: of any comparisons; those in both count.
    """
    place = np.searchsorted(labels.comparison, table.comparison)
    place = np.minimum(place, max(len(labels) - 1, 0))
    is_known = np.zeros(len(table), bool)
    if len(labels):
        is_known = labels.comparison[place] == table.comparison
    table, place = table.where(is_known), place[is_known]
    label, prompt = labels.verdict[place], labels.prompt[place]
    has_verdict = table.verdict != NO_VERDICT
    leans = table.is_pair & (table.p_first != 0.5) & is_decisive(label)
    leaning = (table.p_first < 0.5).astype(np.int64)
    return CalibratedJudge(
        verdict=_calibrate(table.confidence, table.verdict == label, prompt, has_verdict),
        side=_calibrate(likelier(table.p_first), leaning == label, prompt, leans),
    )


def _calibrate(p: Floats, is_right: Bools, prompt: Ints, kept: Bools) -> Calibrated:
    return calibrate(p[kept], is_right[kept], prompt[kept])


def likelier(p_first: Floats) -> Floats:
    """The probability of the likelier of two responses, 0.5 to 1."""
    return np.maximum(p_first, 1 - p_first)


def scaled(table: JudgeTable, scales: Mapping[int, Scales]) -> JudgeTable:
    """Put each judge's scales to its opinions; a judge without stays as it is.

    The confidence of what has no verdict, being of no verdict, becomes that of the leaning.
    """
    p_first, confidence = table.p_first.copy(), table.confidence.copy()
    for annotator in np.unique(table.annotator).tolist():
        own = table.annotator == annotator
        known = scales.get(annotator, Scales())
        lean = known.side(likelier(table.p_first[own]))
        lean = np.where(table.p_first[own] == 0.5, 0.5, lean)
        first = np.where(table.p_first[own] >= 0.5, lean, 1 - lean)
        sure = known.verdict(table.confidence[own])
        is_pair, is_silent = table.is_pair[own], table.verdict[own] == NO_VERDICT
        confidence[own] = np.where(is_pair & is_silent, lean, sure)
        p_first[own] = np.where(is_pair, first, sure)
    return replace(table, p_first=p_first, confidence=confidence)
