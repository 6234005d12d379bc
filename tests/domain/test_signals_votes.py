import math
from statistics import pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.vocabulary import Outcome
from curation.domain.signals import summary
from curation.domain.signals.imported import Imported, imported_signals
from curation.domain.signals.judges import judge_signals
from curation.domain.signals.registry import SIGNALS
from curation.domain.signals.signal import Kind
from curation.domain.signals.vectors import nearest_cosines, vector_signals
from curation.domain.signals.votes import Said, binary_entropy, vote_signals

FIRST, SECOND, TIE, BAD = [[1], [2]], [[2], [1]], [[1, 2]], []


def said(annotator, ranking, **fields):
    outcome = Outcome.RANKED if ranking else Outcome.BOTH_BAD
    return Said(annotator, fields.pop("outcome", outcome), ranking, **fields)


def votes(*rankings):
    return vote_signals([1, 2], [said(who, ranking) for who, ranking in enumerate(rankings)])


RANKINGS = st.lists(st.sampled_from([FIRST, SECOND, TIE, BAD]), max_size=7)


class TestVotes:
    def test_use_jeffreys_prior(self):
        values = votes(FIRST, FIRST)

        p = 2.5 / 3
        assert values["people_probability"] == pytest.approx(p, abs=1e-6)
        assert values["vote_entropy"] == pytest.approx(
            -p * math.log2(p) - (1 - p) * math.log2(1 - p), abs=1e-6
        )
        assert values["vote_margin"] == pytest.approx(2 * p - 1, abs=1e-6)
        assert values["vote_agreement"] == 1.0

    def test_are_as_undecided_as_can_be_without_any(self):
        values = votes()

        assert (values["vote_entropy"], values["vote_margin"]) == (1.0, 0.0)
        assert values["vote_agreement"] is None
        assert values["tie_share"] is None

    def test_share_out_the_other_answers(self):
        given = [
            said("a", TIE, seconds=10.0),
            said("b", BAD, seconds=30.0),
            said("c", [], outcome=Outcome.CANNOT_JUDGE),
            said("d", [], outcome=Outcome.UNSURE, seconds=20.0),
        ]

        values = vote_signals([1, 2], given)

        assert (values["people_votes"], values["people_judgments"]) == (2, 4)
        assert (values["tie_share"], values["both_bad_share"]) == (0.5, 0.5)
        assert (values["cannot_judge_share"], values["unsure_share"]) == (0.25, 0.25)
        assert values["seconds_median"] == 20.0

    def test_average_rankings_over_all_pairs(self):
        values = vote_signals([1, 2, 3], [said("a", [[1], [2], [3]])])

        assert values["people_probability"] is None
        assert values["vote_entropy"] == pytest.approx(binary_entropy(0.75), abs=1e-6)

    @given(RANKINGS)
    def test_say_the_same_about_swapped_responses(self, rankings):
        here = vote_signals([1, 2], [said(who, r) for who, r in enumerate(rankings)])
        there = vote_signals([2, 1], [said(who, r) for who, r in enumerate(rankings)])

        assert there.pop("people_probability") == pytest.approx(1 - here.pop("people_probability"))
        assert there == pytest.approx(here, abs=2e-6)

    @given(RANKINGS)
    def test_stay_within_their_ranges(self, rankings):
        for name, value in votes(*rankings).items():
            signal = SIGNALS[name]
            if signal.kind == Kind.NUMBER and value is not None:
                assert math.isfinite(value)
                assert (signal.low is None or signal.low <= value) and (
                    signal.high is None or value <= signal.high
                )


class TestJudges:
    def test_average_each_judge_over_both_orders(self):
        judged = [
            said("always first", FIRST, shown_order=[1, 2]),
            said("always first", SECOND, shown_order=[2, 1]),
            said("steady", FIRST, shown_order=[1, 2]),
            said("steady", FIRST, shown_order=[2, 1]),
        ]

        values = judge_signals([1, 2], judged, [said("ann", SECOND)])

        assert values["n_judges"] == 2
        assert values["judge_probability"] == 0.75
        assert values["judge_entropy"] == pytest.approx(binary_entropy(0.75), abs=1e-6)
        assert values["judge_disagreement"] == pstdev([0.5, 1.0])
        assert values["order_flip"] == 0.5
        assert values["judge_human_gap"] == 0.5

    def test_count_every_order_once_however_often_it_was_asked(self):
        judged = [said("a", FIRST, shown_order=[1, 2])] * 3 + [
            said("a", SECOND, shown_order=[2, 1])
        ]

        assert judge_signals([1, 2], judged, [])["judge_probability"] == 0.5

    def test_are_null_without_judges(self):
        values = judge_signals([1, 2], [said("a", [], outcome=Outcome.UNPARSED)], [])

        assert values.pop("n_judges") == 0
        assert set(values.values()) == {None}

    def test_do_not_call_a_tie_in_both_orders_a_flip(self):
        judged = [said("a", [[1, 2]], shown_order=[1, 2]), said("a", [[2, 1]], shown_order=[2, 1])]

        assert judge_signals([1, 2], judged, [])["order_flip"] == 0.0

    def test_know_no_flip_where_one_order_was_asked(self):
        assert (
            judge_signals([1, 2], [said("a", FIRST, shown_order=[1, 2])], [])["order_flip"] is None
        )

    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([FIRST, SECOND, TIE, BAD]))))
    def test_stay_within_their_ranges(self, judged):
        values = judge_signals([1, 2], [said(*one) for one in judged], [said("ann", FIRST)])

        for name, value in values.items():
            signal = SIGNALS[name]
            assert value is None or signal.low <= value <= (signal.high or math.inf)


class TestImported:
    def test_give_the_reference_gap_as_rejected_less_chosen(self):
        given = Imported(
            by_response={"ref_logprob": [-10.0, -30.0], "ref_tokens": [5.0, 10.0]}, chosen=0
        )

        values = imported_signals(given)

        assert (values["reference_log_ratio"], values["reference_gap"]) == (20.0, -20.0)
        assert values["reference_log_ratio_per_token"] == 1.0
        assert values["reference_gap_per_token"] == -1.0
        assert values["imported.ref_logprob.difference"] == 20.0

    def test_turn_the_gap_with_the_choice_and_have_none_without(self):
        ratio = {"ref_logprob": [-10.0, -30.0]}

        assert imported_signals(Imported({}, ratio, [1, 1], 1))["reference_gap"] == 20.0
        assert imported_signals(Imported({}, ratio, [1, 1], None))["reference_gap"] is None

    def test_give_mean_and_spread_of_an_ensemble(self):
        given = Imported(by_response={"reward:a": [2.0, 1.0], "reward:b": [5.0, 1.0]}, chosen=1)

        values = imported_signals(given)

        assert (values["n_reward_models"], values["reward_gap_mean"]) == (2, 2.5)
        assert (values["reward_gap_sd"], values["reward_gap_chosen"]) == (1.5, -2.5)

    def test_have_no_spread_with_one_model_and_no_gap_with_a_value_missing(self):
        one = imported_signals(Imported(by_response={"reward:a": [2.0, 1.0]}))
        torn = imported_signals(Imported(by_response={"reward:a": [2.0, None]}))

        assert (one["reward_gap_mean"], one["reward_gap_sd"]) == (1.0, None)
        assert (torn["n_reward_models"], torn["reward_gap_mean"]) == (0, None)
        assert torn["imported.reward:a.2"] is None

    def test_pass_the_others_through(self):
        given = Imported({"ches": -0.25}, {"influence": [1.0, 4.0, 2.0]})

        assert imported_signals(given) == {
            "imported.ches": -0.25,
            "imported.influence.1": 1.0,
            "imported.influence.2": 4.0,
            "imported.influence.3": 2.0,
            "imported.influence.spread": 3.0,
            "imported.influence.difference": None,
        }

    def test_give_only_what_is_declared(self):
        given = Imported(by_response={"ref_logprob": [-1.0, -2.0], "reward:a": [1.0, 2.0]})

        derived = {n for n in imported_signals(given) if not n.startswith("imported.")}
        assert derived == {n for n, one in SIGNALS.items() if one.family == "imported"}


def turned(degrees):
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


class TestVectors:
    def test_measure_angles(self):
        values = vector_signals(turned(0), [turned(0), turned(60), turned(90)], 0.25, "m")

        assert values["response_cosine_min"] == pytest.approx(0, abs=1e-6)
        assert values["response_cosine_max"] == pytest.approx(math.cos(math.pi / 6), abs=1e-6)
        assert values["prompt_response_cosine"] == pytest.approx(0.5, abs=1e-6)
        assert values["prompt_response_cosine_difference"] is None
        assert values["novelty"] == 0.75

    def test_are_null_where_a_vector_is_missing(self):
        values = vector_signals(None, [turned(0), None], None, "m")

        assert {k for k, v in values.items() if v is not None} == {"embedding_model"}

    def test_find_the_nearest_but_for_what_is_the_comparisons_own(self):
        prompts = np.stack([turned(0), turned(0)])
        judged = np.stack([turned(0), turned(60)])

        assert nearest_cosines(prompts, judged, [None, 0]) == [
            pytest.approx(1.0),
            pytest.approx(0.5),
        ]

    def test_know_no_nearest_where_nothing_else_is_judged(self):
        one = turned(0)[None]

        assert nearest_cosines(one, one, [0]) == [None]
        assert nearest_cosines(one, np.empty((0, 2), np.float32), [None]) == [None]


class TestSummary:
    def test_gives_whole_numbers_a_bin_each(self):
        bins = summary.histogram([2, 2, 5])

        assert [(one.low, one.n) for one in bins] == [(1.5, 2), (2.5, 0), (3.5, 0), (4.5, 1)]

    @given(st.lists(st.floats(-1e6, 1e6), max_size=50))
    def test_counts_every_number_once(self, values):
        assert sum(one.n for one in summary.histogram(values)) == len(values)

    def test_counts_words(self):
        assert summary.word_counts([["en", "de"], ["en"]], Kind.WORDS) == [("en", 2), ("de", 1)]
        assert summary.word_counts([True, False, True], Kind.FLAG) == [("yes", 2), ("no", 1)]

    def test_correlates_the_strongest_first_and_leaves_out_what_never_varies(self):
        rows = [{"same": 1, "up": n, "odd": n % 2 == 1, "word": "x"} for n in range(30)]

        found = summary.correlations(rows, list(range(30)), ["same", "odd", "up", "word"])

        assert [one.name for one in found] == ["up", "odd"]
        assert found[0].rho == pytest.approx(1.0)
