import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curation.domain.selection.rankings import (
    Rule,
    aggregate,
    correlation,
    standings,
    standings_of_groups,
)

nan = float("nan")
TABLES = arrays.arrays(
    float,
    st.tuples(st.integers(2, 12), st.integers(1, 5)),
    elements=st.integers(-5, 5).map(float),
)


class TestAggregate:
    @given(TABLES)
    def test_orders_by_the_sum_of_n_less_the_rank(self, values):
        points = np.zeros(len(values))
        for column in values.T:
            points += [(value > column).sum() + (value == column).sum() / 2 for value in column]

        score = aggregate(values).score

        spread = (points - len(values[0]) / 2) / (len(values) - 1) / len(values[0])
        assert score == pytest.approx(spread)

    @given(TABLES)
    def test_does_not_change_when_a_source_speaks_on_another_scale(self, values):
        assert aggregate(np.exp(values)).score == pytest.approx(aggregate(values).score)

    def test_lets_the_others_decide_where_one_says_nothing(self):
        values = np.array([[3.0, nan], [2.0, 1.0], [1.0, 2.0]])

        assert aggregate(values).score.tolist() == [1.0, 0.25, 0.5]

    def test_says_nothing_of_who_is_in_no_ranking(self):
        assert np.isnan(aggregate(np.array([[nan], [1.0], [2.0]])).score[0])

    def test_is_not_moved_by_one_wild_source_under_the_median(self):
        honest = np.tile(np.arange(5.0)[:, None], (1, 2))
        values = np.hstack([honest, np.arange(5.0)[::-1, None]])

        assert aggregate(values, Rule.MEDIAN).score.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]

    def test_gives_each_source_its_correlation_with_the_whole(self):
        values = np.array([[1.0, 1.0, 3.0], [2.0, 2.0, 2.0], [3.0, 3.0, 1.0]])

        assert aggregate(values).correlations == pytest.approx((1.0, 1.0, -1.0))


class TestStandings:
    def test_share_the_mean_of_equal_values(self):
        assert standings(np.array([[1.0], [2.0], [2.0]]))[:, 0].tolist() == [0.0, 0.75, 0.75]

    def test_put_a_lone_value_in_the_middle(self):
        found = standings(np.array([[7.0], [nan]]))[:, 0]

        assert found[0] == 0.5
        assert np.isnan(found[1])

    def test_have_no_correlation_with_too_few(self):
        assert np.isnan(correlation(np.array([1.0, 2.0]), np.array([1.0, 2.0])))


class TestStandingsOfGroups:
    def test_flag_a_group_that_stands_too_low(self):
        rng = np.random.default_rng(0)
        groups = ["b"] * 60 + ["a"] * 140
        score = rng.random(200) * np.where(np.array(groups) == "b", 0.5, 1.0)

        found = {one.group: one for one in standings_of_groups(score, groups)}

        assert found["b"].is_flagged
        assert found["b"].mean < 0.4 < 0.5 < found["a"].mean

    def test_flag_hardly_anybody_under_random_order(self):
        rng = np.random.default_rng(0)
        z = [
            one.z
            for _ in range(300)
            for one in standings_of_groups(rng.random(60), ["a"] * 15 + ["b"] * 45)
            if one.group == "a"
        ]

        assert np.std(z) == pytest.approx(1.0, abs=0.1)
        assert np.mean(z) == pytest.approx(0.0, abs=0.2)
