"""How pairwise verdicts stand in arrays: small whole numbers, so that counting is cheap."""

import numpy as np
from numpy.typing import NDArray

FIRST, SECOND, TIE, BOTH_BAD = 0, 1, 2, 3  # by the responses' stored order, not by the side shown
NO_VERDICT = -1
N_VERDICTS = 4
DECISIVE = (FIRST, SECOND)
ON_A_LINE = (0.0, 1.0, 0.5, float("nan"))  # a tie lies between the two; "both bad" is off the line

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def is_decisive(choice: Ints) -> Bools:
    """Mark the verdicts that say which response is better. Same shape as `choice`."""
    return (choice == FIRST) | (choice == SECOND)


def plurality(counts: Ints) -> Ints:
    """Find the value with the most votes in each row.

    Args:
        counts: (n, V) votes by value, 0 or more.
    Returns:
        (n,) codes; `NO_VERDICT` where the lead is shared or nobody voted.
    """
    if not counts.size:
        return np.full(len(counts), NO_VERDICT)
    top = counts.max(axis=1)
    is_alone = (counts == top[:, None]).sum(axis=1) == 1
    return np.where(is_alone & (top > 0), counts.argmax(axis=1), NO_VERDICT)


def side_chosen(choice: Ints, swapped: Ints) -> Ints:
    """Turn verdicts about responses into verdicts about the sides that they were shown on.

    Args:
        choice: (n,) verdicts.
        swapped: (n,) 1 where shown in reverse of the stored order, 0 where not, -1 unknown.
    Returns:
        (n,) 0 for the response shown first, 1 for the one shown second; `NO_VERDICT` for
        verdicts that choose no side and where the order is unknown.
    """
    known = is_decisive(choice) & (swapped >= 0)
    return np.where(known, np.abs(choice - swapped), NO_VERDICT)
