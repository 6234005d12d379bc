import numpy as np
import pytest

from annotation.selectors.columns import NUMBERS, TEXTS, columns_of, numbers_of

pytestmark = pytest.mark.django_db

ROWS = """
    SELECT * FROM (VALUES (9007199254740991, 0.1, 'a "b" \\ %%'), (2, NULL, NULL), (-3, 1e300, ''))
    AS listed(id, value, word) WHERE id < %(most)s
"""
FEW, ALL = {"most": 3}, {"most": 10**16}


class TestColumnsOf:
    def test_reads_numbers_exactly_and_texts_as_they_are(self):
        ids, values, words = columns_of(ROWS, ALL, [NUMBERS, NUMBERS, TEXTS])

        assert ids.astype(np.int64).tolist() == [9007199254740991, 2, -3]
        np.testing.assert_equal(values, [0.1, np.nan, 1e300])
        assert words.tolist() == ['a "b" \\ %', None, ""]

    def test_puts_values_in(self):
        assert columns_of(ROWS, FEW, [NUMBERS, NUMBERS, TEXTS])[0].tolist() == [2, -3]

    def test_gives_empty_columns_where_there_are_no_rows(self):
        ids, values, words = columns_of(ROWS, {"most": -9}, [NUMBERS, NUMBERS, TEXTS])

        assert (len(ids), len(values), len(words)) == (0, 0, 0)
        assert (ids.dtype, words.dtype) == (np.float64, object)


class TestNumbersOf:
    def test_keeps_the_values_of_a_row_together(self):
        query = "SELECT n, -n, n %% %(by)s FROM generate_series(1, 5000) AS n"

        n, minus, rest = numbers_of(query, {"by": 7}, 3)

        assert sorted(n.tolist()) == list(range(1, 5001))
        np.testing.assert_array_equal(minus, -n)
        np.testing.assert_array_equal(rest, n % 7)
