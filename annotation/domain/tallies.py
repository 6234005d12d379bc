"""Tallies of agreement that follow a project, a batch of changed units at a time."""

import numpy as np

from annotation.domain.agreement import Tally, tally_of_counts
from annotation.domain.verdicts import Ints


def empty_tally(n_values: int) -> Tally:
    """The tally of no units at all."""
    return tally_of_counts(np.zeros((0, n_values), np.int64))


def exchanged(tally: Tally, old: Ints, new: Ints) -> Tally:
    """Exchange the votes of some units, at a cost that does not depend on the number of others.

    Args:
        tally: of V values, in which the units were counted as `old`.
        old: (n, V) their votes by value before; all 0 for a unit that was not there.
        new: (n, V) their votes now; all 0 for a unit that is gone.
    Returns:
        Exactly the tally that `tally_of_counts` would count from all changed units, as short.
    """
    parts = [tally, tally_of_counts(new), tally_of_counts(old)]
    length = max(len(part.units) for part in parts)
    summed = [
        grown(getattr(parts[0], name), length)
        + grown(getattr(parts[1], name), length)
        - grown(getattr(parts[2], name), length)
        for name in ("units", "unanimous", "votes", "pairs")
    ]
    used = np.flatnonzero(summed[0])
    length = int(used.max(initial=0)) + 1
    return Tally(*(array[:length] for array in summed))


def grown(array: Ints, length: int) -> Ints:
    """Append zeros to the first axis up to a length."""
    missing = np.zeros((length - len(array), *array.shape[1:]), np.int64)
    return np.concatenate([array, missing])
