"""Which pairs of an item's responses are worth a comparison. Positions count from 0."""

import random
from itertools import combinations

Pair = tuple[int, int]  # ascending


def all_pairs(n: int) -> list[Pair]:
    """Every pair of n responses, n ≥ 2: n(n-1)/2 of them."""
    return list(combinations(range(n), 2))


def budgeted_pairs(n: int, budget: int, seed: bytes) -> list[Pair]:
    """A connected choice of pairs, the same for the same seed.

    A random path through all responses comes first, so that any two can be ranked through others;
    closing it to a cycle comes next, so that each has two opponents; then random pairs.

    Args:
        n: responses, 2 or more.
        budget: pairs wanted, 1 or more. A budget under n - 1 cannot connect all responses and
            gives the path as far as it reaches.
        seed: any bytes, such as the content hash of the item.
    Returns:
        min(budget, n(n-1)/2) different pairs, in ascending order.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret, only the same choice every time
    order = dice.sample(range(n), n)
    path = [(order[place], order[place + 1]) for place in range(n - 1)]
    cycle = [*path, (order[-1], order[0])] if n > 2 else path
    first = [(min(pair), max(pair)) for pair in cycle]
    rest = [pair for pair in all_pairs(n) if pair not in set(first)]
    return sorted([*first, *dice.sample(rest, len(rest))][:budget])


def best_versus_rest(n: int, best: int) -> list[Pair]:
    """The best of n responses against each other one: n - 1 pairs."""
    return [(min(best, other), max(best, other)) for other in range(n) if other != best]
