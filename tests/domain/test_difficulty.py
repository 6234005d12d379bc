import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import spearmanr

from annotation.domain.verdicts import FIRST, NO_VERDICT, SECOND
from curation.domain.difficulty import model
from curation.domain.difficulty.correlation import prompt_draws, spearman
from curation.domain.difficulty.evaluation import evaluate
from curation.domain.difficulty.features import SOURCES, from_signals, from_votes, mean_of_others
from curation.domain.difficulty.heuristic import guess
from curation.domain.difficulty.model import Table
from curation.domain.difficulty.samples import NAMES, Known, sample_of
from curation.domain.difficulty.strengths import Design, Pairs, forecast
from curation.domain.difficulty.target import Ballot, disagreement, halves, rounds, scaled


def ballot_of(pair, choice):
    pair = np.asarray(pair)
    return Ballot(
        pair, np.asarray(choice), 7 * np.arange(len(pair)) + 3, np.arange(int(pair.max()) + 1)
    )


def pairs_of(response, prompt=None, model=None):
    response = np.asarray(response)
    none = np.full(response.shape, -1)
    zeros = np.zeros(len(response), np.int64)
    return Pairs(response, zeros if prompt is None else prompt, none if model is None else model)


def simulated(n=6000, raters=5, judges=6, n_prompts=300, seed=11):
    """Items of unequal clearness: people vote by it, judges see it with noise of their own."""
    draw = np.random.default_rng(seed)
    gap = draw.normal(0, 1.5, n)
    votes = draw.random((n, raters)) < expit(gap)[:, None]
    said = expit(gap[:, None] + draw.normal(0, 1, (n, judges)))
    p = said.mean(axis=1)
    signals = np.full((n, len(SOURCES)), np.nan)
    columns = {
        "judge_entropy": -p * np.log2(p) - (1 - p) * np.log2(1 - p),
        "judge_disagreement": said.std(axis=1),
        "response_cosine": 1 / (1 + np.abs(gap)) + draw.normal(0, 0.2, n),
    }
    for name, values in columns.items():
        signals[:, list(SOURCES).index(name)] = values
    known = Known(
        ballot_of(np.repeat(np.arange(n), raters), np.where(votes.ravel(), FIRST, SECOND)),
        pairs_of(np.arange(2 * n).reshape(n, 2), draw.integers(0, n_prompts, n)),
        signals,
    )
    return known, expit(gap)


class TestDisagreement:
    def test_is_two_a_times_b_over_n_n_minus_one_for_two_outcomes(self):
        a, n = 3, 5

        assert disagreement(np.array([[a, n - a]]))[0] == pytest.approx(
            2 * a * (n - a) / (n * (n - 1))
        )

    def test_is_unbiased_for_any_number_of_votes_and_outcomes(self):
        draw = np.random.default_rng(0)
        shares = np.array([0.5, 0.3, 0.15, 0.05])

        for n in (2, 3, 5):
            told = disagreement(draw.multinomial(n, shares, 200_000))
            assert told.mean() == pytest.approx(1 - (shares**2).sum(), abs=0.004)

    def test_cannot_be_told_from_fewer_than_two_votes(self):
        assert np.isnan(disagreement(np.array([[1.0, 0.0], [0.0, 0.0]]))).all()

    def test_gives_equal_numbers_for_equal_shares(self):
        orders = np.array([[4, 1, 0, 0], [0, 4, 1, 0], [0, 0, 1, 4]], float)

        assert len(set(disagreement(orders))) == 1


class TestScaled:
    @given(st.floats(0, 1), st.integers(2, 4))
    def test_stays_within_0_and_1(self, probability, n_outcomes):
        assert 0 <= scaled(np.array([probability]), n_outcomes)[0] <= 1

    def test_doubles_for_two_outcomes_and_stops_at_a_coin_toss(self):
        assert scaled(np.array([0.0, 0.2, 0.5, 0.83]), 2).tolist() == [0.0, 0.4, 1.0, 1.0]

    def test_reaches_1_at_two_thirds_for_three_outcomes(self):
        assert scaled(np.array([1 / 3, 2 / 3]), 3).tolist() == pytest.approx([0.5, 1.0])


class TestRounds:
    @given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(0, 2**40))
    def test_never_shows_a_vote_that_it_keeps_back(self, n_votes, salt):
        pair = np.repeat(np.arange(len(n_votes)), n_votes)
        ballot = Ballot(pair, pair % 3, np.arange(len(pair)) + salt, np.arange(len(n_votes)) + salt)
        everything = ballot.counts()

        for one in rounds(ballot, 3):
            seen = one.visible[one.pairs]
            assert (seen + one.held <= everything[one.pairs]).all()
            assert (one.held.sum(axis=1) >= 2).all()
            assert not (one.is_unseen and seen.any())

    def test_makes_each_comparison_with_two_votes_a_target_once_in_each_division(self):
        ballot = ballot_of([0, 0, 1, 1, 1, 2, 3, 3], [0, 1, 0, 0, 1, 1, 0, 0])

        for split in range(3):
            targets = [pk for one in rounds(ballot, 2) if one.split == split for pk in one.pairs]
            assert sorted(targets) == [0, 1, 3]

    def test_keeps_back_the_same_votes_whatever_else_was_judged(self):
        few = ballot_of(np.repeat(np.arange(20), 5), np.arange(100) % 2)
        more = Ballot(
            np.append(few.pair, [20, 20]),
            np.append(few.choice, [0, 1]),
            np.append(few.key, [9_001, 9_002]),
            np.arange(21),
        )

        def held(ballot):
            return {
                pk: row.tolist()
                for r in rounds(ballot, 1)
                for pk, row in zip(r.pairs, r.held, strict=True)
            }

        first, second = held(few), held(more)
        assert all(first[pk] == second[pk] for pk in first)

    def test_counts_no_answer_that_takes_no_side(self):
        ballot = ballot_of([0, 0, 0], [0, NO_VERDICT, NO_VERDICT])

        assert list(rounds(ballot, 2)) == []

    def test_halves_are_of_different_votes_and_as_large_as_what_is_kept_back(self):
        ballot = ballot_of(np.repeat(np.arange(9), 4), np.tile([0, 0, 0, 1], 9))

        for first, second in halves(ballot, 10):
            assert sorted({*(first + second).tolist()}) == [1.0]


class TestForecast:
    def test_has_the_gradient_of_its_loss(self):
        draw = np.random.default_rng(2)
        design = Design(pairs_of(draw.integers(0, 5, (12, 2)), draw.integers(0, 3, 12)))
        terms, told = draw.normal(0, 1, design.size), draw.integers(0, 4, (12, 3)).astype(float)
        terms[design.precision > 1e6] = 0.0  # unknown models are held there
        rows = np.arange(12)

        _, gradient = design.slope(terms, rows, told, True)

        for place in np.flatnonzero(design.precision < 1e6):
            step = np.zeros(design.size)
            step[place] = 1e-5
            up, down = (design.slope(terms + s, rows, told, True)[0] for s in (step, -step))
            assert (up - down) / 2e-5 == pytest.approx(gradient[place], rel=1e-3, abs=1e-3)

    def test_finds_the_better_response_from_other_comparisons(self):
        votes = np.array([[9, 1, 0, 0], [9, 1, 0, 0], [0, 0, 0, 0]], float)

        told = forecast(votes, pairs_of([[0, 1], [1, 2], [0, 2]]))

        assert told.gap[2] > told.gap[0] > 0

    def test_knows_nothing_without_votes(self):
        told = forecast(np.zeros((2, 4)), pairs_of([[0, 1], [1, 2]]))

        assert told.gap.tolist() == [0.0, 0.0]
        assert told.shares == pytest.approx(np.full((2, 3), 1 / 3))

    def test_foretells_no_ties_where_nobody_ever_ties(self):
        told = forecast(np.array([[3.0, 2, 0, 0]]), pairs_of([[0, 1]]))

        assert told.shares[0, 2] == 0.0


class TestFeatures:
    def test_means_of_others_leave_out_the_comparison_itself(self):
        groups, values = np.array([[0], [0], [1]]), np.array([1.0, 0.0, np.nan])

        told = mean_of_others(groups, values)

        assert told[0] == pytest.approx((0.0 + 8 * 0.5) / 9)
        assert told[1] == pytest.approx((1.0 + 8 * 0.5) / 9)
        assert np.isnan(told[2])

    def test_of_a_comparison_do_not_change_with_votes_that_are_not_seen(self):
        draw = np.random.default_rng(4)
        pairs = pairs_of(draw.integers(0, 8, (30, 2)), draw.integers(0, 4, 30))
        ballot = ballot_of(np.repeat(np.arange(30), 5), draw.integers(0, 3, 150))
        one = next(rounds(ballot, 1))
        flipped = ballot.counts()
        flipped[one.pairs] = one.visible[one.pairs]

        assert np.array_equal(
            from_votes(one.visible, pairs, 3), from_votes(flipped, pairs, 3), equal_nan=True
        )

    def test_rest_on_no_signal_of_peoples_votes(self):
        told = from_signals({"vote_entropy": 1.0, "vote_margin": 0.2, "reference_gap": 3.0})

        assert np.isnan(told).all()

    def test_take_the_size_of_what_has_a_sign(self):
        told = dict(zip(SOURCES, from_signals({"reward_gap_mean": -2.5}), strict=True))

        assert told["reward_gap"] == 2.5


class TestModel:
    def rows(self, n=900, seed=5):
        draw = np.random.default_rng(seed)
        features = draw.normal(size=(n, 3))
        features[draw.random(n) < 0.2, 2] = np.nan
        target = (draw.random(n) < expit(features[:, 0])).astype(float)
        return Table(features, target, np.ones(n), draw.integers(0, 30, n))

    def test_gives_a_probability_that_never_falls_as_the_order_rises(self):
        table = self.rows()

        fitted = model.fit(table)

        order = np.argsort(fitted.order(table.features))
        assert (np.diff(fitted.probability(table.features)[order]) >= -1e-12).all()

    def test_has_an_order_without_ties_where_the_probability_has_them(self):
        table = self.rows()

        fitted = model.fit(table)

        assert len(np.unique(fitted.order(table.features))) == len(table.target)

    def test_is_the_same_after_storing(self):
        table = self.rows()
        fitted = model.fit(table)

        weights, knots = fitted.as_json(["b", "c", "a"])
        weights["features"] = dict(sorted(weights["features"].items()))
        read = model.from_json(weights, knots, ["b", "c", "a"])

        assert read.order(table.features) == pytest.approx(fitted.order(table.features), abs=1e-5)
        assert read.probability(table.features) == pytest.approx(
            fitted.probability(table.features), abs=1e-4
        )

    def test_is_the_same_after_storing_where_a_feature_hardly_varies(self):
        table = self.rows()
        table.features[:, 1] = 0.1 + 1e-8 * table.features[:, 1]
        fitted = model.fit(table)

        read = model.from_json(*fitted.as_json(["a", "b", "c"]), ["a", "b", "c"])

        with np.errstate(all="raise"):
            order = read.order(table.features)
        assert order == pytest.approx(fitted.order(table.features), abs=1e-5)

    def test_reads_a_model_that_was_stored_with_a_deviation_of_nothing(self):
        table = self.rows()
        weights, knots = model.fit(table).as_json(["a", "b", "c"])
        weights["features"]["b"]["sd"] = 0.0

        read = model.from_json(weights, knots, ["a", "b", "c"])

        assert np.isfinite(read.order(table.features)).all()

    def test_never_puts_one_prompt_on_both_sides_of_a_fold(self):
        prompt = np.random.default_rng(1).integers(0, 12, 200)

        for train, held in model.folds(prompt, 10):
            assert not set(prompt[train]) & set(prompt[held])

    def test_takes_fractional_targets_as_so_many_rows_of_each_kind(self):
        table = self.rows(300)
        half = Table(table.features, np.full(300, 0.5), table.weight, table.prompt)

        fitted = model.fit(half)

        assert fitted.weights == pytest.approx(np.zeros(3), abs=1e-6)
        assert fitted.probability(table.features) == pytest.approx(np.full(300, 0.5))


class TestSpearman:
    def test_equals_scipy_within_one_division(self):
        draw = np.random.default_rng(3)
        x, prompt = draw.normal(size=200), draw.integers(0, 9, 200)
        y = np.round(x + draw.normal(size=200))

        found = spearman(x, y, np.zeros(200, int), prompt, prompt_draws(9, 50))

        assert found.value == pytest.approx(spearmanr(x, y)[0])
        low, high = found.interval()
        assert low < found.value < high

    def test_is_undefined_for_a_constant(self):
        found = spearman(
            np.ones(9), np.arange(9.0), np.zeros(9, int), np.arange(9), np.ones((5, 9))
        )

        assert np.isnan(found.value)
        assert found.interval() == (None, None)


class TestGuess:
    def test_is_the_middle_where_nothing_is_known(self):
        assert guess({}) == 0.5

    def test_leaves_out_votes_that_nobody_gave(self):
        assert guess({"vote_entropy": 1.0, "people_votes": 0, "response_cosine": 0.2}) == 0.2

    def test_averages_what_is_known(self):
        assert guess({"vote_entropy": 1.0, "people_votes": 2, "response_cosine": 0.5}) == 0.75


@pytest.mark.slow
class TestEvaluate:
    @pytest.fixture(scope="class")
    def found(self):
        known, truth = simulated()
        sample = sample_of(known)
        return known, truth, sample, evaluate(known, sample)

    def test_reaches_nine_tenths_of_what_knowing_the_truth_would(self, found):
        known, truth, sample, figures = found
        seen = ~sample.is_unseen
        oracle = spearman(
            (truth * (1 - truth))[sample.pair[seen]],
            sample.target[seen],
            sample.split[seen],
            sample.prompt[seen],
            prompt_draws(int(sample.prompt.max()) + 1, 2),
        ).value

        assert figures["spearman"] >= 0.9 * oracle
        assert figures["ceiling"] == pytest.approx(oracle, abs=0.03)
        assert figures["share_of_ceiling"] >= 0.85

    def test_has_no_decile_off_by_more_than_seven_hundredths(self, found):
        assert found[3]["max_decile_error"] <= 0.07

    def test_is_above_every_single_signal(self, found):
        singles = found[3]["singles"]

        assert {one["name"] for one in singles} <= set(NAMES)
        assert found[3]["spearman"] > max(abs(one["spearman"]) for one in singles)

    def test_tells_no_ceiling_without_four_votes(self):
        known, _ = simulated(n=400, raters=3, n_prompts=20)

        figures = evaluate(known, sample_of(known))

        assert figures["ceiling"] is None
        assert figures["share_of_ceiling"] is None
        assert figures["n"] == 400

    def test_sees_nothing_where_there_is_nothing_to_see(self):
        known, _ = simulated(n=600, n_prompts=40)
        draw = np.random.default_rng(8)
        noise = Known(
            ballot_of(known.ballot.pair, draw.integers(0, 2, len(known.ballot.pair))),
            known.pairs,
            known.signals,
        )

        figures = evaluate(noise, sample_of(noise))

        assert figures["spearman_low"] < 0.1
        assert abs(figures["spearman"]) < 0.1
