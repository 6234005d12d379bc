import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.routing_simulation import compare, simulate
from curation.domain.routing import curves
from curation.domain.routing.evaluation import ROUTERS, Labelled, evaluate, sample_of

SEEDS = 20
NO_DRAWS = np.empty((0, 1))


def outcomes(human, right, fold=None):
    n = len(right)
    fold = np.zeros(n, np.int64) if fold is None else np.array(fold)
    return curves.outcomes_of(
        np.array(human, float), np.array(right, float), fold, np.zeros(n, np.int64), NO_DRAWS
    )


class TestTheMethodsSimulation:
    @pytest.fixture(scope="class")
    def seeds(self):
        return [compare(seed) for seed in range(SEEDS)]

    def test_is_won_by_the_learned_router_on_every_seed(self, seeds):
        assert all(
            one.area["random"] < one.area["confidence"] < one.area["learned"] < one.area["oracle"]
            for one in seeds
        )

    def test_leaves_probabilities_honest(self, seeds):
        errors = [one.ece["learned"] for one in seeds]

        assert np.mean(errors) < 0.03
        assert max(errors) < 0.04
        assert all(one.ece["raw"] > 0.2 for one in seeds)

    def test_shows_a_mix_that_beats_people_alone(self, seeds):
        alone = np.mean([simulate(seed).human[3000:].mean() for seed in range(3)])

        assert np.mean([one.best["learned"] for one in seeds]) > alone


class TestCurve:
    def test_sends_those_first_of_whom_most_is_expected(self):
        found = curves.curve(outcomes([1, 1, 1, 1], [0, 1, 0, 1]), np.array([9.0, 0, 9, 0]))

        assert curves.at_share(found, 0.0)[0] == pytest.approx(0.5)
        assert curves.at_share(found, 0.25)[0] == pytest.approx(0.75)
        assert curves.at_share(found, 0.5)[0] == pytest.approx(1.0)

    def test_of_equal_expectations_is_the_straight_line(self):
        case = outcomes([0.8] * 7, [1, 0, 0, 1, 1, 0, 1])

        found = curves.curve(case, np.zeros(7))

        assert found == pytest.approx(curves.straight(case))

    def test_compares_within_folds_only(self):
        high_in_one_fold = np.array([10.0, 11.0, 0.0, 1.0])
        case = outcomes([1, 1, 1, 1], [1, 0, 1, 0], fold=[0, 0, 1, 1])

        found = curves.curve(case, high_in_one_fold)

        assert curves.at_share(found, 0.5)[0] == pytest.approx(1.0)

    @given(
        st.lists(
            st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.floats(-1, 1)),
            min_size=1,
            max_size=40,
        )
    )
    def test_starts_with_judges_alone_and_ends_with_people_alone(self, rows):
        right, human, gain = np.array(rows).T
        case = outcomes(human, right)

        found = curves.curve(case, gain)

        assert curves.at_share(found, 0.0)[0] == pytest.approx(right.mean())
        assert curves.at_share(found, 1.0)[0] == pytest.approx(human.mean())
        best = curves.curve(case, human - right)
        assert (best[0] >= found[0] - 1e-9).all()

    def test_weighs_comparisons_by_how_often_their_prompt_is_drawn(self):
        draws = np.array([[2.0, 0.0]])
        case = curves.outcomes_of(
            np.ones(2), np.array([1.0, 0.0]), np.zeros(2, np.int64), np.array([0, 1]), draws
        )

        found = curves.curve(case, np.array([0.0, 1.0]))

        assert curves.at_share(found, 0.0).tolist() == [0.5, 1.0]


class TestSampleOf:
    def test_keeps_whole_prompts(self):
        every = simulate(0, 300)
        many = Labelled(
            every.features, every.names, every.raw, every.right, every.human, np.arange(300) // 7
        )

        few = sample_of(many, 100)

        assert 90 < len(few.right) <= 100
        _, sizes = np.unique(few.prompt, return_counts=True)
        assert set(sizes) <= {7, 6}

    def test_keeps_all_where_these_are_few(self):
        every = simulate(0, 30)

        assert sample_of(every) is every


class TestEvaluate:
    @pytest.fixture(scope="class")
    def told(self):
        every = simulate(4, 900)
        return evaluate(
            Labelled(
                every.features,
                every.names,
                every.raw,
                every.right,
                every.human,
                np.arange(900) // 3,
            )
        )

    def test_tells_curves_whose_mean_is_the_area(self, told):
        for router in ROUTERS:
            share, quality = np.array(told["curves"][router]).T
            assert np.trapezoid(quality, share) == pytest.approx(told["area"][router], abs=2e-4)
            assert told["quality_at"][router]["25"] == quality[25]

    def test_tells_random_as_the_straight_line(self, told):
        quality = np.array(told["curves"]["random"])[:, 1]

        assert quality == pytest.approx(np.linspace(quality[0], quality[-1], 101), abs=1e-4)

    def test_tells_gains_as_shares_of_the_oracles(self, told):
        area = told["area"]
        gain = (area["learned"] - area["random"]) / (area["oracle"] - area["random"])

        assert told["normalised_gain"]["learned"] == pytest.approx(gain, abs=0.005)
        low, high = told["intervals"]["normalised_gain"]["learned"]
        assert low < told["normalised_gain"]["learned"] < high

    def test_finds_a_clear_lead_clear(self, told):
        low, _ = told["intervals"]["difference"]["learned_less_confidence"]

        assert low > 0
        assert told["auroc"]["learned"] > told["auroc"]["confidence"]

    def test_leaves_undefined_what_judges_who_never_err_leave_undefined(self):
        every = simulate(4, 120)
        sure = Labelled(
            every.features, every.names, every.raw, np.ones(120), np.ones(120), np.arange(120)
        )

        told = evaluate(sure)

        assert told["auroc"] == {"raw": None, "confidence": None, "learned": None}
        assert told["normalised_gain"] == {"confidence": None, "learned": None}
        assert told["area"]["learned"] == 1.0
