"""The signals of people's votes on a comparison."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2
from statistics import median
from types import MappingProxyType

from annotation.domain.consensus import (
    VOTES,
    Ballot,
    Vote,
    agreement_of,
    ballots_of,
    pair_probability,
)
from annotation.domain.feedback.trust import Hint, probability_of_first
from annotation.domain.vocabulary import FeedbackKind, Outcome
from curation.domain.signals.pairs import rounded
from curation.domain.signals.signal import Value, Values


@dataclass(frozen=True, slots=True)
class Said:
    """A judgment in force, as signals read it.

    Attributes:
        ranking: tiers of responses, best first; empty unless the outcome is `ranked`.
        shown_order: responses as they were displayed, () where unknown.
        seconds: active seconds, None where unknown.
    """

    annotator: Hashable
    outcome: str
    ranking: Sequence[Sequence[int]] = ()
    shown_order: Sequence[int] = ()
    seconds: float | None = None

    @property
    def is_vote(self) -> bool:
        return self.outcome in VOTES


def binary_entropy(p: float) -> float:
    """Entropy of a coin that shows heads with probability p, in bits: 0 to 1."""
    if p <= 0.0 or p >= 1.0:
        return 0.0
    return -p * log2(p) - (1 - p) * log2(1 - p)


def vote_signals(
    responses: Sequence[int],
    judgments: Sequence[Said],
    hints: Sequence[Hint] = (),
    weights: Mapping[FeedbackKind, float] = MappingProxyType({}),
) -> Values:
    """Work out the signals of the family "votes".

    Votes that are held out of these signals may be what they are to foretell; votes that are in
    them may not.

    Args:
        responses: the 2 to 9 responses compared, in stored order.
        judgments: people's judgments in force, of any number. Somebody who judged twice gives each
            half a weight, as in the consensus.
        hints: what users' feedback says about a pair; no votes, so they have their own signals.
        weights: how likely feedback of each kind is right.

    Returns:
        Every signal of the family. Without votes the entropy is 1 and the margin 0, as for an even
        split; shares, agreement and seconds are null where there is nothing to share.
    """
    ballots = ballots_of(Vote(said.annotator, said.ranking) for said in judgments if said.is_vote)
    chances = pair_chances(responses, ballots)
    n_votes = len({ballot.vote.annotator for ballot in ballots})
    seconds = [said.seconds for said in judgments if said.seconds is not None]
    return {
        "people_votes": n_votes,
        "people_judgments": len({said.annotator for said in judgments}),
        "people_probability": rounded(chances[0]) if len(chances) == 1 else None,
        "vote_entropy": rounded(sum(map(binary_entropy, chances)) / len(chances)),
        "vote_margin": rounded(sum(abs(2 * p - 1) for p in chances) / len(chances)),
        "vote_agreement": agreement_of(responses, ballots, n_votes),
        "tie_share": share(len(ballot.vote.ranking) == 1 for ballot in ballots),
        "both_bad_share": share(not ballot.vote.ranking for ballot in ballots),
        "cannot_judge_share": share(said.outcome == Outcome.CANNOT_JUDGE for said in judgments),
        "unsure_share": share(said.outcome == Outcome.UNSURE for said in judgments),
        "seconds_median": rounded(median(seconds)) if seconds else None,
        "n_feedback": len({hint.user for hint in hints}),
        "feedback_probability": probability_of_first(hints, weights),
    }


def pair_chances(responses: Sequence[int], ballots: Sequence[Ballot]) -> list[float]:
    """How likely one more voter puts the first above the second, for each pair of responses."""
    return [pair_probability(a, b, ballots)[0] for a, b in combinations(responses, 2)]


def share(told: Iterable[object]) -> Value:
    """Share of what is true; null of nothing."""
    answers = [bool(one) for one in told]
    return rounded(sum(answers) / len(answers)) if answers else None
