"""One type for every preference: tiers of response ids, best first; a tie is one tier.

`[[b], [a, c]]` says that b beats a and c, which are equal. A pairwise verdict is the case of two
responses, k-wise and best-worst judgments are the cases of more.
"""

from collections.abc import Iterable, Iterator, Sequence

from annotation.domain.errors import InvalidField

Ranking = list[list[int]]


def ranking_of(tiers: Sequence[Sequence[int]], responses: Iterable[int]) -> Ranking:
    """Check tiers against the compared responses and give them one spelling.

    Args:
        tiers: response ids, best tier first; no tier empty, every response in exactly one tier.
        responses: ids of the responses compared, 2 to 9.
    Returns:
        The tiers, ids ascending inside each.
    Raises:
        InvalidField: a response is missing, unknown or placed twice, or a tier is empty.
    """
    placed = [response for tier in tiers for response in tier]
    expected = set(responses)
    if any(not tier for tier in tiers):
        raise InvalidField("A tier of the ranking is empty; leave it out.", field="ranking")
    if len(placed) != len(set(placed)):
        raise InvalidField("A response is placed twice in the ranking.", field="ranking")
    if unknown := set(placed) - expected:
        raise InvalidField(
            f"The ranking names response {min(unknown)}, which is not compared here.",
            field="ranking",
        )
    if missing := expected - set(placed):
        raise InvalidField(
            f"The ranking leaves out {len(missing)} of {len(expected)} responses; place every one.",
            field="ranking",
        )
    return [sorted(tier) for tier in tiers]


def is_tie(ranking: Sequence[Sequence[int]]) -> bool:
    """Say whether the ranking puts every response into one tier."""
    return len(ranking) == 1


def pairs_of(ranking: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, float]]:
    """Yield every unordered pair once as (i, j, outcome of i): 1.0 better, 0.5 tied; never 0.0."""
    for rank, tier in enumerate(ranking):
        for position, better in enumerate(tier):
            for equal in tier[position + 1 :]:
                yield better, equal, 0.5
            for lower in ranking[rank + 1 :]:
                for worse in lower:
                    yield better, worse, 1.0
