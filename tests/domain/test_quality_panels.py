from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.quality import Votes, agreement_among, annotator_figures
from annotation.domain.quality_panels import agreement_over_time, confusions, votes_behind
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE

JUDGE = 3
NOON = 12 * 3600.0
DAY = 24 * 3600.0


def make_votes(rows, **facts):
    """Rows of (item, annotator, choice, swapped); annotator 3 is a judge."""
    item, annotator, choice, swapped = np.array(rows, int).reshape(-1, 4).T
    n = int(item.max(initial=-1)) + 1
    usual = {
        "is_judge": np.arange(4) == JUDGE,
        "lengths": np.tile([20, 10], (n, 1)),
        "gold": np.full(n, NO_VERDICT),
        "seconds": np.full(len(item), np.nan),
        "tokens": np.full(n, np.nan),
        "family": np.full(4, -1),
        "families": np.full((n, 2), -1),
        "prompt": np.arange(n),
    }
    return Votes(item, annotator, choice, swapped, **(usual | facts))


some_rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 3),
        st.sampled_from([NO_VERDICT, FIRST, SECOND, TIE, BOTH_BAD]),
        st.sampled_from([-1, 0, 1]),
    ),
    min_size=1,
    max_size=40,
)


class TestAgreementOverTime:
    def test_counts_a_pair_on_the_day_of_its_later_vote(self):
        votes = make_votes(
            [(0, 0, FIRST, 0), (1, 0, TIE, 0), (0, 1, FIRST, 0), (1, 1, FIRST, 0), (0, 2, FIRST, 0)]
        )
        at = np.array([0, 0, 0, 2, 2]) * DAY + NOON

        first, last = agreement_over_time(votes, at, fewest_items=1)

        assert (first.first_day, first.last_day) == (date(1970, 1, 1), date(1970, 1, 1))
        assert (first.n_votes, first.pairwise.n, first.pairwise.value) == (3, 1, 1.0)
        assert (last.first_day, last.n_votes, last.pairwise.n) == (date(1970, 1, 3), 2, 3)
        assert last.pairwise.value == pytest.approx(2 / 3)

    def test_puts_days_together_until_they_hold_enough_items(self):
        rows = [(i, a, FIRST, 0) for i in range(7) for a in range(2)]
        at = np.arange(14) // 2 * DAY

        periods = agreement_over_time(make_votes(rows), at, fewest_items=3)

        assert [(one.pairwise.n, one.n_items) for one in periods] == [(3, 3), (4, 4)]
        assert periods[0].as_json()["last_day"] == "1970-01-03"
        assert periods[1].as_json()["first_day"] == "1970-01-04"

    def test_leaves_judges_out_and_periods_without_pairs_undefined(self):
        votes = make_votes([(0, 0, FIRST, 0), (0, JUDGE, FIRST, 0)])

        (only,) = agreement_over_time(votes, np.array([NOON, NOON]))

        assert (only.n_votes, only.pairwise.n, only.pairwise.value) == (1, 0, None)

    def test_is_empty_without_votes(self):
        assert agreement_over_time(make_votes([]), np.array([])) == []

    @given(some_rows, st.integers(1, 3), st.integers(1, 6))
    def test_adds_up_to_the_agreement_of_all_days(self, rows, a_day, fewest):
        votes = make_votes(rows)
        at = np.arange(len(rows)) // a_day * DAY

        periods = agreement_over_time(votes, at, fewest_items=fewest)

        overall = agreement_among(votes.by_people)
        alike = sum(one.pairwise.value * one.pairwise.n for one in periods if one.pairwise.n)
        assert sum(one.n_votes for one in periods) == overall.n_votes
        assert sum(one.pairwise.n for one in periods) == overall.n_pairs
        assert all(one.last_day < two.first_day for one, two in pairwise(periods))
        if overall.n_pairs:
            assert alike / overall.n_pairs == pytest.approx(overall.pairwise)


class TestConfusions:
    def test_turn_verdicts_to_the_sides_as_they_were_shown(self):
        votes = make_votes([(0, 0, FIRST, 0), (0, 1, FIRST, 0), (0, 2, SECOND, 1)])

        found = confusions(votes)

        assert found[2, SECOND, FIRST] == 1
        assert found[2].sum() == 1
        assert found[0].sum() == 0  # the two others disagree

    def test_take_an_unknown_order_as_the_stored_one(self):
        votes = make_votes([(0, 0, FIRST, 0), (0, JUDGE, TIE, -1)])

        assert confusions(votes)[JUDGE, FIRST, TIE] == 1

    @given(some_rows)
    def test_hold_the_agreement_with_the_majority_on_the_diagonal(self, rows):
        votes = make_votes(rows)

        for one, table in zip(annotator_figures(votes), confusions(votes), strict=True):
            assert table.sum() == one.n_compared
            if one.n_compared:
                share = np.trace(table) / one.n_compared
                assert share == pytest.approx(one.agreement_with_majority)


class TestVotesBehind:
    @given(some_rows, st.lists(st.sampled_from([NO_VERDICT, FIRST, TIE]), min_size=5, max_size=5))
    def test_are_none_exactly_where_the_figure_is_undefined(self, rows, gold):
        n = max(row[0] for row in rows) + 1
        votes = make_votes(rows, gold=np.array(gold[:n]))

        behind = votes_behind(votes)

        for name, counts in behind.items():
            for one in annotator_figures(votes):
                assert (getattr(one, name) is None) == (counts[one.annotator] == 0)

    def test_make_every_rate_a_whole_number_of_votes(self):
        rows = [(i, a, (i * a) % 4, (i + a) % 2) for i in range(5) for a in range(4)]
        votes = make_votes(rows)

        behind = votes_behind(votes)

        named = Counter()
        for one in annotator_figures(votes):
            for name, counts in behind.items():
                if value := getattr(one, name):
                    named[name] += 1
                    part = value * counts[one.annotator]
                    assert part == pytest.approx(round(part))
        assert len(named) >= 4
