"""What the judgments of one comparison add up to: posterior, scores, strength, agreement.

A vote is a judgment that says which responses are better: a ranking, or that all are bad. The
other outcomes are answers too, but they take no side. Every annotator weighs one, whatever their
kind: somebody who voted twice on the same comparison gives each of the votes half a weight.
All sums are exactly rounded (`math.fsum`), so that no result depends on the order of the votes.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum, log
from typing import Any

from annotation.domain.vocabulary import Outcome

METHOD = "posterior_mean"
VERSION = 1
PRIOR_MASS = 1.0
DECIMALS = 6
TIE, BOTH_BAD = "tie", "both_bad"
VOTES = (Outcome.RANKED, Outcome.BOTH_BAD)

Response = Any  # anything sortable and hashable: an id in the database, a name in a file


@dataclass(frozen=True, slots=True)
class Vote:
    """One judgment that takes a side. `ranking` is empty where all responses are bad.

    `family` is that of models that err alike; None for who speaks for themselves.
    """

    annotator: Hashable
    ranking: Sequence[Sequence[Response]]
    strength: int | None = None
    family: Hashable | None = None

    @property
    def voice(self) -> Hashable:
        """Who has one vote: the annotator, or the whole family."""
        return self.annotator if self.family is None else ("family", self.family)


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote with the share of its voice's one vote that it carries, in (0, 1]."""

    vote: Vote
    weight: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a project asks of a consensus, and which outcomes its annotators may give."""

    min_votes: int = 1
    min_probability: float = 0.5
    allows_tie: bool = True
    allows_both_bad: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consensus of one comparison. Numbers are rounded to `DECIMALS`.

    `best` maps each response to the probability that it is the best; `tie` and `both_bad` are the
    probabilities of the outcomes beside it, None where they can not occur. `scores` are mean
    shares of pairwise wins in [0, 1]; `ranking` is tiers by score. `leader` is the likeliest
    outcome: a response, "tie" or "both_bad", None where two are equally likely.
    """

    best: dict[Response, float]
    tie: float | None
    both_bad: float | None
    scores: dict[Response, float]
    ranking: list[list[Response]]
    strength: float | None
    agreement: float | None
    n_votes: int
    leader: Response | str | None
    is_settled: bool


def ballots_of(votes: Iterable[Vote]) -> list[Ballot]:
    """Weigh votes so that each annotator's, or each family's, add up to one.

    Within a family every annotator weighs the same.
    """
    votes = list(votes)
    times = Counter(vote.annotator for vote in votes)
    members = members_of(votes)
    return [Ballot(vote, 1 / (times[vote.annotator] * members[vote.voice])) for vote in votes]


def members_of(votes: Iterable[Vote]) -> Counter[Hashable]:
    """Count the annotators behind each voice."""
    return Counter(voice for voice, _ in {(vote.voice, vote.annotator) for vote in votes})


def verdict_of(
    responses: Sequence[Response], votes: Iterable[Vote], settlement: Settlement
) -> Verdict:
    """Add up the votes on one comparison.

    Args:
        responses: the 2 to 9 responses compared, distinct.
        votes: any number, of any annotators; each ranking names exactly `responses`.
        settlement: when the consensus counts as settled, and which outcomes are possible.
    Returns:
        The consensus. Without votes the posterior is the prior, all scores are 0.5, strength and
        agreement are None, and nothing is settled.
    """
    ballots = ballots_of(votes)
    posterior = posterior_of(responses, ballots, settlement)
    return verdict_under(posterior, scores_of(responses, ballots), responses, ballots, settlement)


def verdict_under(
    posterior: dict[Any, float],
    scores: dict[Response, float],
    responses: Sequence[Response],
    ballots: Sequence[Ballot],
    settlement: Settlement,
) -> Verdict:
    """Draw the consensus from probabilities and scores, however these were obtained.

    Args:
        posterior: probabilities keyed by response, "tie" and "both_bad"; an outcome that can not
            occur may be missing.
        scores: per response, in [0, 1].
    """
    n_votes = len({ballot.vote.voice for ballot in ballots})
    leader = leading_outcome(posterior)
    return Verdict(
        best={response: posterior[response] for response in responses},
        tie=posterior.get(TIE),
        both_bad=posterior.get(BOTH_BAD),
        scores=scores,
        ranking=ranking_by_score(scores),
        strength=strength_of(ballots, leader),
        agreement=agreement_of(responses, ballots, n_votes),
        n_votes=n_votes,
        leader=leader,
        is_settled=n_votes >= max(1, settlement.min_votes)
        and leader is not None
        and posterior[leader] >= settlement.min_probability,
    )


def posterior_of(
    responses: Sequence[Response], ballots: Sequence[Ballot], settlement: Settlement
) -> dict[Any, float]:
    """Take the posterior mean of the outcomes under a symmetric Dirichlet prior of total mass one.

    An outcome of weight a among n votes and K possible outcomes has probability
    (a + 1/K) / (n + 1); for two outcomes that is (a + 1/2) / (n + 1). A single vote therefore
    always makes its outcome more likely than not. A vote whose best tier holds several responses
    is shared by them; one that ties all of them is a vote for the tie.

    Args:
        responses: the responses compared.
        ballots: weighted votes; may be empty.
        settlement: a tie or "both bad" is possible where it is allowed or where it occurs.
    Returns:
        Probabilities in (0, 1) that add up to one (before rounding), keyed by response, "tie" and
        "both_bad".

    Source: Perks (1947), Some observations on inverse probability, for the prior; the posterior
    mean is that of the Dirichlet-multinomial model.
    """
    shares: dict[Any, list[float]] = {response: [] for response in responses}
    if settlement.allows_tie:
        shares[TIE] = []
    if settlement.allows_both_bad:
        shares[BOTH_BAD] = []
    for ballot in ballots:
        winners = winners_of(ballot.vote)
        for winner in winners:
            shares.setdefault(winner, []).append(ballot.weight / len(winners))
    mass = PRIOR_MASS / len(shares)
    total = fsum(ballot.weight for ballot in ballots) + PRIOR_MASS
    return {
        outcome: round((fsum(weights) + mass) / total, DECIMALS)
        for outcome, weights in shares.items()
    }


def winners_of(vote: Vote) -> Sequence[Any]:
    """Name the outcomes that a vote is for: its best tier, or the tie, or that all are bad."""
    if not vote.ranking:
        return (BOTH_BAD,)
    return (TIE,) if len(vote.ranking) == 1 else vote.ranking[0]


def leading_outcome(posterior: dict[Any, float]) -> Any | None:
    """Find the likeliest outcome; None where several are equally likely."""
    top = max(posterior.values())
    leaders = [outcome for outcome, probability in posterior.items() if probability == top]
    return leaders[0] if len(leaders) == 1 else None


def scores_of(responses: Sequence[Response], ballots: Sequence[Ballot]) -> dict[Response, float]:
    """Average each response's share of pairwise wins over the votes.

    A tie counts half for both, and so does "both bad".

    Returns:
        A score in [0, 1] per response; 0.5 for all where there are no votes.
    """
    if not ballots:
        return dict.fromkeys(responses, 0.5)
    points: dict[Response, list[float]] = {response: [] for response in responses}
    for ballot in ballots:
        for response, share in win_shares(responses, ballot.vote).items():
            points[response].append(share * ballot.weight)
    total = fsum(ballot.weight for ballot in ballots)
    return {response: round(fsum(points[response]) / total, DECIMALS) for response in responses}


def win_shares(responses: Sequence[Response], vote: Vote) -> dict[Response, float]:
    """Give each response its share of wins over the others in one vote, in [0, 1]."""
    if not vote.ranking:
        return dict.fromkeys(responses, 0.5)
    below = len(responses)
    shares = {}
    for tier in vote.ranking:
        below -= len(tier)
        for response in tier:
            shares[response] = (below + (len(tier) - 1) / 2) / (len(responses) - 1)
    return shares


def ranking_by_score(scores: dict[Response, float]) -> list[list[Response]]:
    """Order responses into tiers by score, best first; equal scores share a tier."""
    tiers = defaultdict(list)
    for response, score in scores.items():
        tiers[score].append(response)
    return [sorted(tiers[score]) for score in sorted(tiers, reverse=True)]


def strength_of(ballots: Sequence[Ballot], leader: Any | None) -> float | None:
    """Average how strongly the votes prefer the leading response.

    Votes for it count with their strength where that is known, ties count 0, and votes for
    others are left out.

    Returns:
        0.0 where the leading outcome is a tie; None where there is no leading response or none of
        its votes carries a strength.
    """
    if leader == TIE and ballots:
        return 0.0
    known = [
        (ballot.weight, ballot.vote.strength)
        for ballot in ballots
        if ballot.vote.strength is not None and tuple(winners_of(ballot.vote)) == (leader,)
    ]
    if leader is None or leader == BOTH_BAD or not known:
        return None
    ties = [ballot.weight for ballot in ballots if winners_of(ballot.vote) == (TIE,)]
    weight = fsum(weight for weight, _ in known) + fsum(ties)
    return round(fsum(weight * strength for weight, strength in known) / weight, DECIMALS)


def agreement_of(
    responses: Sequence[Response], ballots: Sequence[Ballot], n_votes: int
) -> float | None:
    """Share of pairs of different voices that say the same, averaged over pairs of responses.

    With w(c) the weight of the votes that say c about a pair of responses (first, second, equal,
    both bad), w(a, c) the part of voice a, and n voices, it is
    (sum_c w(c)^2 - sum_ac w(a, c)^2) / (n^2 - n).

    Returns:
        0 to 1; None with fewer than two voices.
    """
    if n_votes < 2:
        return None
    ranks = [tier_numbers(ballot.vote) for ballot in ballots]
    shares = []
    for left, right in combinations(responses, 2):
        said: dict[int, list[float]] = defaultdict(list)
        own: dict[tuple[Hashable, int], list[float]] = defaultdict(list)
        for ballot, rank in zip(ballots, ranks, strict=True):
            says = relation(rank, left, right)
            said[says].append(ballot.weight)
            own[ballot.vote.voice, says].append(ballot.weight)
        alike = fsum(fsum(w) ** 2 for w in said.values()) - fsum(fsum(w) ** 2 for w in own.values())
        shares.append(alike / (n_votes * (n_votes - 1)))
    return round(min(max(fsum(shares) / len(shares), 0.0), 1.0), DECIMALS)


def tier_numbers(vote: Vote) -> dict[Response, int]:
    """Map each response to its tier, 0 for the best; empty where all are bad."""
    return {response: rank for rank, tier in enumerate(vote.ranking) for response in tier}


def relation(ranks: dict[Response, int], left: Response, right: Response) -> int:
    """Say how a vote sees two responses: 1 left better, -1 right better, 0 equal, 2 both bad."""
    if not ranks:
        return 2
    return (ranks[left] < ranks[right]) - (ranks[left] > ranks[right])


def pair_probability(
    better: Response, worse: Response, ballots: Sequence[Ballot]
) -> tuple[float, float]:
    """Estimate how likely a further annotator would put one response above another.

    With a the weight of the votes for `better` (ties and "both bad" half) among n votes it is the
    posterior mean p = (a + 1/2) / (n + 1), the same prior as for outcomes.

    Returns:
        p in (0, 1) and its log-odds ln(p / (1 - p)), both rounded to `DECIMALS`; (0.5, 0.0)
        without votes.

    Source: Jeffreys' prior for a proportion (Beta(1/2, 1/2)).
    """

    halves = {1: 1.0, 0: 0.5, 2: 0.5, -1: 0.0}
    wins = fsum(
        halves[relation(tier_numbers(ballot.vote), better, worse)] * ballot.weight
        for ballot in ballots
    )
    total = fsum(ballot.weight for ballot in ballots)
    p = (wins + 0.5) / (total + 1)
    return round(p, DECIMALS), round(log(p / (1 - p)), DECIMALS)
