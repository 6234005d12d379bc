import pytest

from annotation.domain.judges.opinions import BEST
from annotation.domain.verdicts import FIRST, NO_VERDICT, SECOND, TIE
from curation.domain.signals.judges import Configured, judge_signals
from curation.domain.signals.juries import Opinion, jury_signals
from curation.domain.signals.votes import Said

A, B = 11, 12


def opinion(annotator, p_first, verdict, family="", confidence=0.7, is_pair=True):
    family = family or f"family {annotator}"
    return Opinion(annotator, family, p_first, verdict, confidence, is_pair)


class TestJurySignals:
    def test_are_null_without_judges(self):
        assert jury_signals([]) == {"judge_confidence": None, "judge_agreement": None}

    def test_average_log_odds_with_one_vote_for_each_family(self):
        opinions = [opinion(n, 0.8, FIRST, "gpt") for n in range(4)]
        opinions.append(opinion(9, 0.2, SECOND, "claude"))

        values = jury_signals([*opinions, opinion(10, 0.8, FIRST, "llama")])

        assert values["judge_confidence"] == pytest.approx(0.6135, abs=1e-3)
        assert values["judge_agreement"] == pytest.approx(5 / 6)

    def test_count_the_undecided_as_not_agreeing(self):
        values = jury_signals([opinion(1, 0.9, FIRST), opinion(2, 0.55, NO_VERDICT)])

        assert values["judge_agreement"] == 0.5

    def test_lean_to_nobody_where_all_flip(self):
        values = jury_signals([opinion(1, 0.5, NO_VERDICT), opinion(2, 0.5, NO_VERDICT)])

        assert values == {"judge_confidence": 0.5, "judge_agreement": 0.0}

    def test_agree_on_a_tie_where_most_families_say_so(self):
        values = jury_signals([opinion(1, 0.5, TIE), opinion(2, 0.5, TIE), opinion(3, 0.9, FIRST)])

        assert values["judge_agreement"] == pytest.approx(2 / 3)

    def test_name_the_best_of_more_than_two(self):
        values = jury_signals(
            [
                opinion(1, 0.6, BEST + 2, confidence=0.6, is_pair=False),
                opinion(2, 0.9, BEST, confidence=0.9, is_pair=False),
                opinion(3, 0.6, BEST + 2, confidence=0.6, is_pair=False),
            ]
        )

        assert values["judge_confidence"] == pytest.approx(0.4)
        assert values["judge_agreement"] == pytest.approx(2 / 3)


class TestJudgeSignalsOfConfiguredJudges:
    def test_take_the_calibrated_probability_for_the_side(self):
        said = [Said(1, "ranked", [[A], [B]])]

        values = judge_signals([A, B], said, [], Configured({1: 0.7}))

        assert values["judge_probability"] == 0.7

    def test_leave_imported_judges_as_they_are(self):
        said = [Said(2, "ranked", [[A], [B]])]

        assert judge_signals([A, B], said, [], Configured({1: 0.7}))["judge_probability"] == 1.0

    def test_know_flips_of_judgments_that_combine_both_orders(self):
        said = [Said(1, "ranked", [[A], [B]])]

        flipped = judge_signals([A, B], said, [], Configured({1: 0.7}, {1: False, 2: True}))
        alone = judge_signals([A, B], [], [], Configured({2: 0.5}, {2: True}))

        assert flipped["order_flip"] == 0.5
        assert (alone["n_judges"], alone["order_flip"]) == (0, 1.0)
