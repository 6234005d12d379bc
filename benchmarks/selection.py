"""Picking from 100,000 candidates: floors, a budget, diversity; and few responses of many.

    python -m benchmarks selection

Each figure stands beside a slower way of the same run: numpy's full sort as the floor of any pick,
comparing every candidate with every pick for diversity, enumeration for subsets of responses.
"""

import argparse
import itertools
import resource
import time
from collections.abc import Callable

import numpy as np

from curation.domain.selection import aepo
from curation.domain.selection.diversity import pick_spread
from curation.domain.selection.floors import Floor, pick_best, proportional_leasts

GROUPS = 12
MOST_TIMES_NAIVE = 1.0  # diversity must not take longer than comparing everything does


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--picks", type=int, default=1_000)
    parser.add_argument("--dimensions", type=int, default=384)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    score = rng.random(options.candidates)
    groups = rng.choice(GROUPS, options.candidates, p=shares())
    floors(score, groups, options.picks)
    budget(rng, score, groups, options.picks)
    ratio = diversity(rng, score, options.picks, options.dimensions)
    subsets(rng)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return int(ratio > MOST_TIMES_NAIVE)


def shares() -> np.ndarray:
    weights = 0.7 ** np.arange(GROUPS)
    return weights / weights.sum()


def floors_of(groups: np.ndarray, picks: int) -> list[Floor]:
    """Twice as many of the smallest groups as their share; proportional for the others."""
    members = {str(group): np.flatnonzero(groups == group) for group in range(GROUPS)}
    leasts = proportional_leasts({name: len(m) for name, m in members.items()}, picks // 2)
    return [Floor(name, m, min(2 * leasts[name], len(m))) for name, m in members.items()]


def floors(score: np.ndarray, groups: np.ndarray, picks: int) -> None:
    wanted = floors_of(groups, picks)
    baseline, _ = timed(lambda: np.argsort(-score))
    taken, chosen = timed(lambda: pick_best(score, wanted, n=picks))
    print(
        f"floors, exact: {picks:,} of {len(score):,} in {GROUPS} groups: {taken:.3f} CPU-s, "
        f"{taken / baseline:.1f} x a full sort; lost to floors {chosen.lost:.3f}"
    )


def budget(rng: np.random.Generator, score: np.ndarray, groups: np.ndarray, picks: int) -> None:
    cost = rng.lognormal(0.0, 0.6, len(score))
    wanted = floors_of(groups, picks // 2)
    taken, chosen = timed(
        lambda: pick_best(score, wanted, cost=cost, budget=float(picks)), repeat=1
    )
    gap = (chosen.bound - chosen.total) / chosen.bound
    print(
        f"floors and budget, integer programme: {len(chosen.picks):,} picks: {taken:.1f} CPU-s, "
        f"{'proved best' if chosen.is_exact else 'stopped'}, gap {gap:.2e}"
    )


def diversity(rng: np.random.Generator, score: np.ndarray, picks: int, dimensions: int) -> float:
    """Returns the time by that of comparing all, on vectors around 200 centres."""
    centres = rng.normal(size=(200, dimensions))
    vectors = centres[rng.integers(0, 200, len(score))] + rng.normal(size=(len(score), dimensions))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    baseline, expected = timed(lambda: compare_all(score, vectors, picks, 0.5), repeat=1)
    for name, kept in (("float32", vectors), ("float16", vectors.astype(np.float16))):
        taken, spread = timed(
            lambda kept=kept: pick_spread(score, kept, n=picks, weight=0.5), repeat=1
        )
        same = np.mean(spread.picks == expected)
        print(
            f"diversity, {name}: {picks:,} of {len(score):,} x {dimensions}: {taken:.2f} CPU-s, "
            f"{taken / baseline:.3f} of comparing all ({baseline:.1f} CPU-s); {same:.1%} the same "
            f"picks in the same order; total {spread.total:.1f} of at most {spread.bound:.1f}"
        )
        if name == "float32":
            ratio = taken / baseline
    nothing = np.zeros(len(score))
    taken, _ = timed(lambda: pick_spread(nothing, vectors, n=picks, weight=0.5), repeat=1)
    print(f"diversity alone, every score 0 (the worst case): {taken:.2f} CPU-s")
    return ratio


def compare_all(score: np.ndarray, vectors: np.ndarray, picks: int, weight: float) -> np.ndarray:
    """Maximal marginal relevance with one product over all candidates for each pick."""
    nearest = np.zeros(len(score), dtype=np.float32)
    is_open = np.ones(len(score), dtype=bool)
    order = np.empty(picks, dtype=np.intp)
    for place in range(picks):
        gain = np.where(is_open, score - weight * nearest, -np.inf)
        order[place] = gain.argmax()
        is_open[order[place]] = False
        np.maximum(nearest, vectors @ vectors[order[place]], out=nearest)
    return order


def subsets(rng: np.random.Generator) -> None:
    for n, k in ((32, 2), (16, 4), (12, 3)):
        cases = [cosines(rng, n) for _ in range(20)]
        taken, chosen = timed(lambda n=n, k=k, c=cases: [aepo.pick_subset(u, k) for u in c])
        slow, best = timed(lambda k=k, c=cases: [enumerate_all(u, k) for u in c], repeat=1)
        same = sum(abs(one.value - value) < 1e-9 for one, value in zip(chosen, best, strict=True))
        aepo.MOST_ENUMERATED, kept = 0, aepo.MOST_ENUMERATED
        climbed = [aepo.pick_subset(u, k).value for u in cases]
        aepo.MOST_ENUMERATED = kept
        hits = sum(abs(a - b) < 1e-9 for a, b in zip(climbed, best, strict=True))
        print(
            f"responses, {n} choose {k}: {taken / 20 * 1000:.2f} CPU-ms, {slow / taken:.0f} x "
            f"faster than a loop; best in {same} of 20; by climbing from every start {hits} of 20"
        )


def cosines(rng: np.random.Generator, n: int) -> np.ndarray:
    vectors = rng.normal(size=(n, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


def enumerate_all(similarity: np.ndarray, k: int) -> float:
    places = range(len(similarity))
    return max(aepo.objective(similarity, s) for s in itertools.combinations(places, k))


def timed(act: Callable, repeat: int = 3) -> tuple[float, object]:
    """CPU seconds of the best of some runs, and what the act gave."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        found = act()
        seconds.append(time.process_time() - start)
    return min(seconds), found


if __name__ == "__main__":
    raise SystemExit(main())
