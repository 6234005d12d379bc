import numpy as np
import pytest

from annotation.domain.judges.jury import jury_of

FAMILIES = ["gpt", "gpt", "gpt", "gpt", "claude", "llama"]


def correlated_judges(n=100_000, seed=0):
    """What is true, and the log-odds of four judges that err alike and two that err alone."""
    draw = np.random.default_rng(seed)
    truth, shared = draw.normal(size=n), draw.normal(0, 0.8, n)
    alike = [truth + shared + draw.normal(0, 0.2, n) for _ in range(4)]
    alone = [truth + draw.normal(0, 0.8, n) for _ in range(2)]
    return truth > 0, np.column_stack(alike + alone)


def share_right(p_first, is_first):
    return ((p_first > 0.5) == is_first).mean()


class TestJuryOf:
    def test_is_right_more_often_with_one_vote_for_each_family(self):
        is_first, logits = correlated_judges()

        equal = share_right(jury_of(logits, list("abcdef")).p_first, is_first)
        by_family = share_right(jury_of(logits, FAMILIES).p_first, is_first)

        assert equal == pytest.approx(0.835, abs=0.005)
        assert by_family == pytest.approx(0.864, abs=0.005)

    def test_hears_a_family_once_however_many_speak_for_it(self):
        jury = jury_of(np.array([[2.0, 2.0, 2.0, 2.0, -1.0, -1.0]]), FAMILIES)

        assert jury.logit == pytest.approx([0.0])
        assert jury.n_families.tolist() == [3]

    def test_leaves_out_judges_that_say_nothing(self):
        jury = jury_of(np.array([[np.nan] * 4 + [1.0, np.nan], [np.nan] * 6]), FAMILIES)

        assert jury.logit[0] == pytest.approx(1.0)
        assert np.isnan(jury.logit[1])
        assert jury.p_first[1] == 0.5
        assert jury.n_families.tolist() == [1, 0]

    def test_weighs_judges_within_their_family_and_families_by_their_judges(self):
        jury = jury_of(np.array([[3.0, 0.0, -1.0]]), ["gpt", "gpt", "claude"], [2, 1, 0.5])

        assert jury.logit == pytest.approx([(1.5 * 2.0 - 0.5) / 2.0])

    def test_does_not_hear_a_judge_without_weight(self):
        jury = jury_of(np.array([[3.0, -1.0]]), ["gpt", "claude"], [0, 1])

        assert jury.logit == pytest.approx([-1.0])
        assert jury.n_families.tolist() == [1]
