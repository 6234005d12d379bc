from itertools import product

import numpy as np
import pytest

from annotation.domain.conduct import (
    drift,
    is_too_fast,
    moving_average,
    run_probability,
    side_runs,
)


class TestIsTooFast:
    def test_marks_what_nobody_can_have_read(self):
        found = is_too_fast(np.array([5.0, 10.0]), np.array([300.0, 100.0]))

        assert found.tolist() == [True, False]

    def test_marks_what_lies_far_below_the_usual_pace(self):
        rng = np.random.default_rng(0)
        tokens = rng.integers(100, 500, 400).astype(float)
        seconds = tokens * np.exp(rng.normal(0, 0.3, 400))
        seconds[0] = tokens[0] * 0.2

        found = is_too_fast(seconds, tokens)

        assert found[0]
        assert found[1:].mean() < 0.01

    def test_knows_nothing_without_a_time_or_a_text(self):
        assert not is_too_fast(np.array([np.nan, 1.0]), np.array([100.0, 0.0])).any()


class TestSideRuns:
    @pytest.mark.parametrize(("n", "length", "share"), [(8, 3, 0.5), (9, 2, 0.3), (6, 6, 0.6)])
    def test_probability_of_a_run_equals_the_count_of_all_sequences(self, n, length, share):
        chance = sum(
            share ** sum(draws) * (1 - share) ** (n - sum(draws))
            for draws in product((0, 1), repeat=n)
            if "1" * length in "".join(map(str, draws))
        )

        assert run_probability(n, length, share) == pytest.approx(chance)
        assert run_probability(n, n + 1, share) == 0.0

    def test_finds_the_longest_run_and_doubts_it(self):
        sides = np.concatenate([np.arange(40) % 2, np.zeros(25, int)])

        found = side_runs(sides)

        assert found.longest == 25
        assert found.p_value < 1e-5
        assert 0 < found.entropy < 1

    def test_of_honest_work_are_as_long_as_expected(self):
        rng = np.random.default_rng(0)
        runs = [side_runs(rng.integers(0, 2, 200)) for _ in range(500)]

        assert np.mean([r.longest for r in runs]) == pytest.approx(runs[0].expected, abs=0.2)
        assert np.mean([r.p_value <= 0.05 for r in runs]) <= 0.06

    def test_of_nothing_say_nothing(self):
        found = side_runs(np.array([], int))

        assert (found.longest, found.p_value, found.entropy) == (0, 1.0, None)


class TestDrift:
    def test_finds_when_somebody_tired(self):
        rng = np.random.default_rng(0)
        steady, tired = rng.random(300) < 0.8, rng.random(300) < 0.8
        tired[200:] = rng.random(100) < 0.4
        who = np.tile([0, 1], 300)

        found = drift(who, np.column_stack([steady, tired]).ravel().astype(float), 3)

        assert found.p_value[0] > 0.05
        assert found.p_value[1] < 0.001
        assert found.change_at[1] == pytest.approx(200, abs=15)
        assert found.shift[1] < -0.2
        assert np.isnan(found.p_value[2])

    def test_does_not_test_a_handful_of_votes_or_a_constant(self):
        found = drift(np.repeat([0, 1], [29, 50]), np.concatenate([np.arange(29), np.ones(50)]), 2)

        assert np.isnan(found.p_value).all()

    @pytest.mark.parametrize("n_votes", [30, 100, 1000])
    def test_raises_false_alarms_at_most_at_its_nominal_rate(self, n_votes):
        rng = np.random.default_rng(1)
        said = (rng.random(1000 * n_votes) < 0.7).astype(float)

        p = drift(np.repeat(np.arange(1000), n_votes), said, 1000).p_value

        assert 0.015 <= np.mean(p <= 0.05) <= 0.065


class TestMovingAverage:
    def test_starts_at_the_first_value_and_follows_slowly(self):
        found = moving_average(np.array([1.0, 0.0, 0.0]))

        assert found == pytest.approx([1.0, 0.9, 0.81])
        assert not moving_average(np.array([])).size
