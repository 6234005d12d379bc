import numpy as np
import pytest

# Davidson (1970), table 1: brands of pudding tasted in pairs (i, j, won i, won j, tied).
TASTED = """
    1 2 19 22 16  1 3 16 19 12  2 3 19 19 10  1 4 18 23 13  2 4 23 19 9  3 4 19 20 15
    1 5 13 19 18  2 5 16 20 12  3 5 16 15 17  4 5 17 14 16  1 6 18 21 12  2 6 22 20 12
    3 6 13 18 10  4 6 14 19 18  5 6 11 21 12
"""


@pytest.fixture
def pudding():
    """Strict wins and ties of six brands, (6, 6) each."""
    wins, ties = np.zeros((6, 6)), np.zeros((6, 6))
    for i, j, won, lost, tied in np.array(TASTED.split(), int).reshape(-1, 5):
        wins[i - 1, j - 1], wins[j - 1, i - 1] = won, lost
        ties[i - 1, j - 1] = ties[j - 1, i - 1] = tied
    return wins, ties
