import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.judges.combining import Answered, combined
from annotation.domain.judges.opinions import opinions_of_counts
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE
from annotation.domain.vocabulary import Outcome

A, B = 11, 12
SAYS = {
    FIRST: (Outcome.RANKED, [[A], [B]]),
    SECOND: (Outcome.RANKED, [[B], [A]]),
    TIE: (Outcome.RANKED, [[A, B]]),
    BOTH_BAD: (Outcome.BOTH_BAD, []),
}
CODES = {str(says): code for code, says in SAYS.items()}
SHOWN = [(A, B), (B, A), (A, B)]

counts_of_a_judge = (
    st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=2)
    .map(lambda rows: [*rows, [0, 0, 0, 0]])
    .filter(lambda rows: sum(map(sum, rows)) > 0)
)


def answers_of(rows):
    return [
        Answered(order, SHOWN[order], *SAYS[code])
        for order, row in enumerate(rows)
        for code, n in enumerate(row)
        for _ in range(n)
    ]


class TestOpinionsOfCounts:
    @given(rows=counts_of_a_judge)
    def test_says_what_combining_answers_one_by_one_says(self, rows):
        slow = combined([A, B], answers_of(rows))

        quick = opinions_of_counts(np.array([rows]))

        said = CODES.get(str((slow.outcome, slow.ranking)), NO_VERDICT)
        assert quick.verdict[0] == said
        assert quick.is_flipped[0] == bool(slow.is_flipped)
        first, second = slow.chances[str(A)], slow.chances[str(B)]
        assert quick.p_first[0] == pytest.approx(first / (first + second), abs=1e-4)

    def test_is_as_sure_of_one_vote_as_jeffreys(self):
        found = opinions_of_counts(np.array([[[0, 1, 0, 0], [0] * 4, [0] * 4]]))

        assert found.p_first.tolist() == pytest.approx([0.25])
        assert found.confidence.tolist() == pytest.approx([0.75])
        assert found.verdict.tolist() == [SECOND]

    def test_has_no_verdict_on_what_flips(self):
        found = opinions_of_counts(np.array([[[1, 0, 0, 0], [0, 1, 0, 0], [0] * 4]]))

        assert found.verdict.tolist() == [NO_VERDICT]
        assert found.is_flipped.tolist() == [True]
        assert found.p_first.tolist() == pytest.approx([0.5])
