"""Dawid-Skene, Bradley-Terry and many small Bradley-Terry problems against the best library.

    python -m benchmarks.aggregation [--small]

Every contestant runs in a process of its own on the same seeded data. CPU seconds are those of
the work alone; peak memory is the process's, with data and imports. Quality is a correlation with
the truth, or the share of items got right, to show that nobody is fast by doing less. choix takes
part where it is installed.
"""

import argparse
import importlib.util
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

ROUNDS = 10
SEED = 20


@dataclass(frozen=True)
class Size:
    votes: int
    comparisons: int
    prompts: int


FULL = Size(votes=10_000_000, comparisons=1_000_000, prompts=100_000)
SMALL = Size(votes=300_000, comparisons=100_000, prompts=5_000)
N_MODELS, N_LABELS, N_ANNOTATORS, N_RESPONSES = 100, 3, 500, 4


@dataclass(frozen=True)
class Result:
    cpu: float
    wall: float
    quality: float
    peak_mb: float


def timed(work: Callable[[], np.ndarray], quality: Callable[[np.ndarray], float]) -> Result:
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Result(cpu, wall, quality(found), peak_kb / 1024)


# Dawid-Skene: both run the same number of rounds.


def labels(size: Size) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(SEED)
    n_items = size.votes // 5
    truth = rng.integers(0, N_LABELS, n_items, dtype=np.int32)
    item = np.repeat(np.arange(n_items, dtype=np.int32), 5)
    rng.shuffle(item)
    annotator = rng.integers(0, N_ANNOTATORS, len(item), dtype=np.int32)
    skill = rng.uniform(0.4, 0.9, N_ANNOTATORS).astype(np.float32)
    knows = rng.random(len(item), dtype=np.float32) < skill[annotator]
    label = np.where(knows, truth[item], rng.integers(0, N_LABELS, len(item), dtype=np.int32))
    return item, annotator, label, truth


def dawid_skene_quorum(size: Size) -> Result:
    from annotation.domain import dawid_skene

    item, annotator, label, truth = labels(size)
    votes = dawid_skene.Votes(item, annotator, label, len(truth), N_ANNOTATORS, N_LABELS)
    return timed(
        lambda: dawid_skene.fit(votes, max_iterations=ROUNDS, tolerance=0.0).posterior.argmax(1),
        lambda guess: float(np.mean(guess == truth)),
    )


def dawid_skene_crowd_kit(size: Size) -> Result:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    item, annotator, label, truth = labels(size)
    table = pd.DataFrame({"task": item, "worker": annotator, "label": label})
    return timed(
        lambda: DawidSkene(n_iter=ROUNDS, tol=-np.inf).fit_predict(table).sort_index().to_numpy(),
        lambda guess: float(np.mean(guess == truth)),
    )


# Bradley-Terry: ours includes counting and the covariance.


def pairs(size: Size) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(SEED)
    truth = rng.normal(0, 1, N_MODELS)
    first = rng.integers(0, N_MODELS, size.comparisons)
    second = (first + rng.integers(1, N_MODELS, size.comparisons)) % N_MODELS
    chance = 1 / (1 + np.exp(truth[second] - truth[first]))
    return first, second, (rng.random(size.comparisons) < chance).astype(float), truth


def bradley_terry_quorum(size: Size) -> Result:
    from annotation.domain import bradley_terry
    from annotation.domain.comparisons import Comparisons, win_matrix

    first, second, outcome, truth = pairs(size)
    return timed(
        lambda: bradley_terry.fit(win_matrix(Comparisons(first, second, outcome, N_MODELS))).scores,
        lambda scores: float(np.corrcoef(scores, truth)[0, 1]),
    )


def bradley_terry_evalica(size: Size) -> Result:
    import evalica

    first, second, outcome, truth = pairs(size)
    verdict = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y}
    columns = first.tolist(), second.tolist(), [verdict[y] for y in outcome]
    return timed(
        lambda: np.log(evalica.bradley_terry(*columns).scores.sort_index().to_numpy()),
        lambda scores: float(np.corrcoef(scores, truth)[0, 1]),
    )


def bradley_terry_choix(size: Size) -> Result:
    import choix

    first, second, outcome, truth = pairs(size)

    def work() -> np.ndarray:
        cell = np.where(outcome == 1, first * N_MODELS + second, second * N_MODELS + first)
        wins = np.bincount(cell, minlength=N_MODELS**2).reshape(N_MODELS, N_MODELS)
        return choix.ilsr_pairwise_dense(wins, alpha=1e-3)

    return timed(work, lambda scores: float(np.corrcoef(scores, truth)[0, 1]))


# Many prompts of four responses, six comparisons each; most are separable.


def prompts(size: Size) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(SEED)
    truth = rng.normal(0, 1, (size.prompts, N_RESPONSES))
    wins = np.zeros((size.prompts, N_RESPONSES, N_RESPONSES))
    for i in range(N_RESPONSES):
        for j in range(i + 1, N_RESPONSES):
            won = rng.random(size.prompts) < 1 / (1 + np.exp(truth[:, j] - truth[:, i]))
            wins[:, i, j], wins[:, j, i] = won, ~won
    return wins, truth


def correlation(scores: np.ndarray, truth: np.ndarray) -> float:
    scores = scores - scores.mean(1, keepdims=True)
    truth = truth - truth.mean(1, keepdims=True)
    return float(np.corrcoef(scores.ravel(), truth.ravel())[0, 1])


def many_prompts_quorum(size: Size) -> Result:
    from annotation.domain import bradley_terry

    wins, truth = prompts(size)
    return timed(
        lambda: bradley_terry.fit_many(wins).scores, lambda scores: correlation(scores, truth)
    )


def many_prompts_evalica(size: Size) -> Result:
    import evalica

    wins, truth = prompts(size)
    index = list(range(N_RESPONSES))
    rows = [np.nonzero(one) for one in wins]
    columns = [(i.tolist(), j.tolist(), [evalica.Winner.X] * len(i)) for i, j in rows]

    def work() -> np.ndarray:
        fits = [evalica.bradley_terry(*column) for column in columns]
        return np.log([fit.scores.reindex(index).to_numpy() for fit in fits])

    return timed(work, lambda scores: correlation(scores, truth))


def many_prompts_choix(size: Size) -> Result:
    import choix

    wins, truth = prompts(size)
    return timed(
        lambda: np.array([choix.ilsr_pairwise_dense(one, alpha=0.1) for one in wins]),
        lambda scores: correlation(scores, truth),
    )


CONTESTS: dict[str, dict[str, Callable[[Size], Result]]] = {
    "Dawid-Skene, {votes:,} votes, " + f"{ROUNDS} rounds": {
        "quorum": dawid_skene_quorum,
        "crowd-kit": dawid_skene_crowd_kit,
    },
    "Bradley-Terry, {comparisons:,} comparisons of " + f"{N_MODELS} models": {
        "quorum": bradley_terry_quorum,
        "evalica": bradley_terry_evalica,
        "choix": bradley_terry_choix,
    },
    "Bradley-Terry, {prompts:,} prompts of " + f"{N_RESPONSES} responses": {
        "quorum": many_prompts_quorum,
        "evalica": many_prompts_evalica,
        "choix": many_prompts_choix,
    },
}


def alone(contestant: Callable[[Size], Result], size: Size) -> Result:
    """Run in a fresh process, so that the peak is the contestant's own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(contestant, size).result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a fraction of the data")
    size = SMALL if parser.parse_args().small else FULL
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[threads] = "1"  # waiting threads spin, and would be counted as work
    slower = 0
    for title, contestants in CONTESTS.items():
        print(title.format(**vars(size)))
        results = {}
        for name, contestant in contestants.items():
            if name == "choix" and importlib.util.find_spec("choix") is None:
                continue
            results[name] = result = alone(contestant, size)
            print(
                f"  {name:10} {result.cpu:8.2f} CPU-s {result.wall:8.2f} s"
                f" {result.peak_mb:7.0f} MB  quality {result.quality:.4f}",
                flush=True,
            )
        best = min(result.cpu for name, result in results.items() if name != "quorum")
        slower += results["quorum"].cpu > best
        print(f"  the fastest library takes {best / results['quorum'].cpu:.1f} times our CPU time")
    return int(slower > 0)


if __name__ == "__main__":
    raise SystemExit(main())
