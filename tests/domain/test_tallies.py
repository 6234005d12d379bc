import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.agreement import tally_of_counts
from annotation.domain.tallies import empty_tally, exchanged

VOTES = st.lists(st.integers(0, 3), min_size=4, max_size=4)
CHANGES = st.lists(st.tuples(st.integers(0, 5), VOTES), max_size=30)


def stored(tally):
    return tally.as_json()


class TestExchanged:
    @given(st.lists(CHANGES, max_size=4))
    def test_equals_the_tally_counted_from_the_changed_units(self, story):
        counts = np.zeros((6, 4), np.int64)
        tally = empty_tally(4)
        for changes in story:
            last = dict(changes)
            units = sorted(last)
            new = np.array([last[unit] for unit in units], np.int64).reshape(-1, 4)
            tally = exchanged(tally, counts[units], new)
            counts[units] = new

        assert stored(tally) == stored(tally_of_counts(counts))

    def test_is_as_short_as_before_once_the_most_judged_unit_is_gone(self):
        few, many = np.array([[1, 1, 0, 0]]), np.array([[5, 4, 0, 0]])
        tally = tally_of_counts(few)

        back = exchanged(exchanged(tally, 0 * many, many), many, 0 * many)

        assert stored(back) == stored(tally)
