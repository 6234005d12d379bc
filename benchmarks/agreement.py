"""Krippendorff's alpha of 100,000 units of three votes: ours, and evalica's in the same run.

    python -m benchmarks.agreement

evalica takes a dense table of observers by units. It gets the smallest one that holds the votes
(three rows), and once the long table of 50 annotators that a project has.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable

import numpy as np

N_UNITS, N_VOTES, N_ANNOTATORS, N_VALUES = 100_000, 3, 50, 4
LEVELS = ("nominal", "ordinal", "interval")


def votes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit, annotator and value of each vote, in long format."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(N_UNITS), N_VOTES)
    first = rng.integers(0, N_ANNOTATORS, N_UNITS)
    step = rng.integers(1, N_ANNOTATORS // N_VOTES, N_UNITS)
    annotator = (first[:, None] + step[:, None] * np.arange(N_VOTES)).ravel() % N_ANNOTATORS
    truth = rng.integers(0, N_VALUES, N_UNITS)
    knows = rng.random(len(unit)) < 0.7
    return unit, annotator, np.where(knows, truth[unit], rng.integers(0, N_VALUES, len(unit)))


def ours(level: str) -> Callable[[], float]:
    from annotation.domain.agreement import alpha, tally_of

    unit, _, value = votes()
    return lambda: alpha(tally_of(unit, value, N_VALUES), level).value


def evalica_short(level: str) -> Callable[[], float]:
    import evalica
    import pandas as pd

    table = pd.DataFrame(votes()[2].reshape(N_UNITS, N_VOTES).T.astype(float))
    return lambda: evalica.alpha(table, level).alpha


def evalica_wide(level: str) -> Callable[[], float]:
    import evalica
    import pandas as pd

    unit, annotator, value = votes()
    table = np.full((N_ANNOTATORS, N_UNITS), np.nan)
    table[annotator, unit] = value
    frame = pd.DataFrame(table)
    return lambda: evalica.alpha(frame, level).alpha


def measured(make: Callable[[str], Callable[[], float]], level: str) -> tuple[float, float, float]:
    """Value, CPU seconds of the best of three runs, peak memory of the process in MiB."""
    run = make(level)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        value = run()
        seconds.append(time.process_time() - start)
    return value, min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    print(f"{N_UNITS:,} units, {N_VOTES} votes each, {N_ANNOTATORS} annotators")
    print(f"{'level':10}{'what':16}{'alpha':>10}{'CPU s':>10}{'peak MiB':>10}{'times ours':>12}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for level in LEVELS:
            base = None
            for make in (ours, evalica_short, evalica_wide):
                value, seconds, peak = pool.apply(measured, (make, level))
                base = base or seconds
                row = f"{value:10.6f}{seconds:10.4f}{peak:10.0f}{seconds / base:12.1f}"
                print(f"{level:10}{make.__name__:16}{row}", flush=True)


if __name__ == "__main__":
    main()
