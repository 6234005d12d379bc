import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.routing.expected import Trust, chances, expected_quality, majority


def trust_of(judges, people=0.8, n_people=0, n_judges=0):
    return Trust(people, n_people, np.array(judges, dtype=float), n_judges)


class TestMajority:
    def test_is_that_of_the_jury_theorem(self):
        assert majority(0.8, np.array([1, 3, 5])) == pytest.approx([0.8, 0.896, 0.94208])

    def test_lets_a_coin_settle_an_even_split(self):
        assert majority(0.8, np.array([2, 4])) == pytest.approx([0.8, 0.896])

    def test_is_unknown_where_nobody_judges(self):
        assert np.isnan(majority(0.8, np.array([0]))).all()

    @given(st.floats(0, 1), st.integers(1, 50))
    def test_mirrors_itself_when_right_and_wrong_change_places(self, people, overlap):
        both = majority(people, np.array([overlap])) + majority(1 - people, np.array([overlap]))

        assert both == pytest.approx([1])


class TestChances:
    def test_take_the_better_of_people_and_judges(self):
        found = chances(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 0], bool),
                        trust_of([0.9, 0.6, 0.7, 0.99]))  # fmt: skip

        assert found == pytest.approx([0.9, 0.8, 0.7, np.nan], nan_ok=True)

    def test_are_unknown_where_nothing_is_known_of_whoever_judges(self):
        found = chances(np.array([1, 0]), np.array([False, True]), trust_of([0.9, np.nan], None))

        assert np.isnan(found).all()


class TestExpectedQuality:
    def test_counts_what_nobody_knows_beside_the_mean_of_the_rest(self):
        found = expected_quality(
            np.array([1, 0, 0, 0]), np.array([0, 1, 1, 0], bool), trust_of([0, 0.6, np.nan, 0])
        )

        assert (found.mean, found.n, found.n_unknown) == (pytest.approx(0.7), 2, 1)

    def test_expects_nothing_where_nothing_is_judged(self):
        found = expected_quality(np.zeros(3, int), np.zeros(3, bool), trust_of([0.5] * 3))

        assert (found.mean, found.low, found.high, found.n) == (None, None, None, 0)

    def test_is_the_wider_the_fewer_labels_tell_how_good_people_are(self):
        overlap, nobody = np.ones(1_000, int), np.zeros(1_000, bool)
        widths = []
        for n_people in (50, 500, 0):
            found = expected_quality(overlap, nobody, trust_of([np.nan] * 1_000, n_people=n_people))
            widths.append(found.high - found.low)

        assert widths[0] == pytest.approx(2 * 1.96 * (0.8 * 0.2 / 50) ** 0.5, rel=0.01)
        assert widths[0] > widths[1] > widths[2] == pytest.approx(0)

    def test_covers_the_truth_in_about_95_of_100_measurements(self):
        rng = np.random.default_rng(3)
        truth, n, covered = 0.82, 200, 0
        overlap, is_judged = np.full(400, 3), np.zeros(400, bool)
        right = majority(truth, np.array([3]))[0]
        for measured in rng.binomial(n, truth, 1_000) / n:
            found = expected_quality(
                overlap, is_judged, trust_of([np.nan] * 400, measured, n_people=n)
            )
            covered += found.low <= right <= found.high

        assert 925 <= covered <= 975
