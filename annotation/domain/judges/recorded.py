"""From an answer as it is kept, which speaks of places, to what it says about responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.domain.consensus import BOTH_BAD, TIE
from annotation.domain.judges.combining import Answered
from annotation.domain.ranking import Ranking
from annotation.domain.vocabulary import Outcome

Recorded = Mapping[str, Any]


@dataclass(frozen=True)
class Explained:
    """A usable answer with all that it says beside the overall verdict.

    Attributes:
        rankings, ratings: by criterion, tiers of responses and ratings by response.
        why: its words, "" where it gave none.
    """

    answered: Answered
    rankings: dict[str, Ranking]
    ratings: dict[str, dict[int, float]]
    why: str


def explained(
    *, order: int, shown: Sequence[int], verdict: Recorded, chances: Mapping[str, float] | None
) -> Explained:
    """Read a kept answer.

    Args:
        order: number of the display order. shown: the responses as displayed.
        verdict: `{"outcome", "tiers", "criteria", "why"}` as `annotation.domain.judges.reading`
            reads it: tiers of places from 0, also within `{"ranking": tiers}` of a criterion, and
            `{"ratings": {place: number}}`.
        chances: keyed by place as text, "tie" and "both_bad"; None where none were told.
    Raises:
        LookupError, TypeError, ValueError: the record is not of this form.
    """
    tiers = verdict.get("tiers") or []
    outcome = str(verdict["outcome"])
    ranking = named(tiers, shown) if outcome == Outcome.RANKED else []
    said = verdict.get("criteria") or {}
    return Explained(
        answered=Answered(order, tuple(shown), outcome, ranking, named_chances(chances, shown)),
        rankings={
            key: named(one["ranking"], shown) for key, one in said.items() if "ranking" in one
        },
        ratings={
            key: {shown[int(place)]: float(number) for place, number in one["ratings"].items()}
            for key, one in said.items()
            if "ratings" in one
        },
        why=str(verdict.get("why") or ""),
    )


def named(tiers: Sequence[Sequence[int]], shown: Sequence[int]) -> Ranking:
    """Put response ids for places, ascending in each tier."""
    return [sorted(shown[int(place)] for place in tier) for tier in tiers]


def named_chances(
    chances: Mapping[str, float] | None, shown: Sequence[int]
) -> dict[Any, float] | None:
    """Put response ids for places; None where nothing has any probability."""
    if not chances or not any(share > 0 for share in chances.values()):
        return None
    beside = {kind: float(chances[kind]) for kind in (TIE, BOTH_BAD) if kind in chances}
    return beside | {
        response: float(chances[str(place)])
        for place, response in enumerate(shown)
        if str(place) in chances
    }
