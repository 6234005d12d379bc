import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.agreement import cohen_kappa
from annotation.domain.quality import Votes, agreement_among, annotator_figures
from annotation.domain.quality_report import (
    agreement_by_group,
    bias_among,
    quality_report,
    self_preferences,
)
from annotation.domain.sides import Sides
from annotation.domain.signs import flagged, signs_of
from annotation.domain.verdicts import BOTH_BAD, FIRST, NO_VERDICT, SECOND, TIE

HUMANS, JUDGE = (0, 1, 2), 3


def make_votes(rows, *, n_items=None, n_annotators=4, judges=(JUDGE,), **facts):
    """Rows of (item, annotator, choice, swapped)."""
    item, annotator, choice, swapped = np.array(rows, int).reshape(-1, 4).T
    n = int(item.max(initial=-1)) + 1 if n_items is None else n_items
    usual = {
        "is_judge": np.isin(np.arange(n_annotators), judges),
        "lengths": np.tile([20, 10], (n, 1)),
        "gold": np.full(n, NO_VERDICT),
        "seconds": np.full(len(item), np.nan),
        "tokens": np.full(n, np.nan),
        "family": np.full(n_annotators, -1),
        "families": np.full((n, 2), -1),
        "prompt": np.arange(n),
    }
    return Votes(item, annotator, choice, swapped, **(usual | facts))


ROWS = [
    (0, 0, FIRST, 0),
    (0, 1, FIRST, 1),
    (0, 2, SECOND, 0),
    (1, 0, TIE, 0),
    (1, 1, SECOND, 0),
    (1, 2, SECOND, -1),
    (2, 0, FIRST, 0),
    (2, 1, SECOND, 0),
    (0, JUDGE, FIRST, 0),
    (0, JUDGE, SECOND, 1),
    (1, JUDGE, SECOND, 0),
    (2, JUDGE, NO_VERDICT, 0),
]


def slow_majority(rows, item, annotator):
    said = [c for i, a, c, _ in rows if i == item and a not in (annotator, JUDGE) and c >= 0]
    counts = sorted(((said.count(c), c) for c in set(said)), reverse=True)
    if not counts or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return None
    return counts[0][1]


class TestAgreementAmong:
    def test_looks_at_people_only_when_given_people(self):
        found = agreement_among(make_votes(ROWS).by_people)

        assert (found.n_items, found.n_votes, found.n_pairs) == (3, 8, 7)
        assert found.pairwise == pytest.approx(2 / 7)
        assert found.pairwise_no_ties == pytest.approx(2 / 5)
        assert found.tie_rate == pytest.approx(1 / 8)

    def test_is_undefined_without_votes(self):
        found = agreement_among(make_votes([], n_items=2))

        assert (found.n_items, found.pairwise, found.alpha_nominal, found.ac1) == (0, *[None] * 3)

    def test_keeps_both_bad_off_the_line_between_the_responses(self):
        rows = [(0, 0, FIRST, 0), (0, 1, FIRST, 0), (0, 2, BOTH_BAD, 0)]
        rows += [(1, 0, SECOND, 0), (1, 1, SECOND, 0)]

        found = agreement_among(make_votes(rows))

        assert found.alpha_ordinal == 1.0
        assert found.alpha_nominal < 1.0


class TestAnnotatorFigures:
    def test_compares_a_judge_with_the_majority_of_people(self):
        judge = annotator_figures(make_votes(ROWS))[JUDGE]

        assert (judge.n, judge.n_unparsed, judge.n_compared) == (4, 1, 3)
        assert judge.agreement_with_majority == pytest.approx(2 / 3)
        assert judge.agreement_with_single_vote == pytest.approx((2 + 1 + 2) / 9)
        assert judge.agreement_with_single_vote_no_ties == pytest.approx(5 / 8)
        assert (judge.order_flip_rate, judge.n_flips) == (1.0, 1)
        assert judge.first_shown_rate == pytest.approx(2 / 3)
        assert judge.accuracy_vs_gold is None

    def test_compares_people_with_the_others_and_not_with_themselves(self):
        figures = annotator_figures(make_votes(ROWS))

        # On item 0 the others of annotator 0 are split; on item 1 they say SECOND.
        assert figures[0].n_compared == 2
        assert figures[0].agreement_with_majority == 0.0
        assert figures[2].agreement_with_majority == 0.0

    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-1, 3), st.integers(-1, 1)),
            max_size=25,
        ),
        st.randoms(),
    )
    def test_equal_their_definition_in_any_row_order(self, rows, random):
        votes = make_votes(rows, n_items=4)
        figures = annotator_figures(votes)

        for one in figures:
            mine = [(i, c) for i, a, c, _ in rows if a == one.annotator and c >= 0]
            pairs = [(c, slow_majority(rows, i, one.annotator)) for i, c in mine]
            pairs = [(c, m) for c, m in pairs if m is not None]
            assert one.n_compared == len(pairs)
            if pairs:
                agreed = np.mean([c == m for c, m in pairs])
                kappa = cohen_kappa(*np.array(pairs).T, 4).value
                assert one.agreement_with_majority == pytest.approx(agreed)
                assert one.kappa == (None if kappa is None else pytest.approx(kappa))

        random.shuffle(rows)
        shuffled = annotator_figures(make_votes(rows, n_items=4))
        assert [(f.n, f.kappa, f.tie_rate, f.first_shown_rate) for f in shuffled] == [
            (f.n, f.kappa, f.tie_rate, f.first_shown_rate) for f in figures
        ]

    def test_give_gold_accuracy_length_and_median_time(self):
        rows = [(0, 0, FIRST, 0), (1, 0, SECOND, 0), (2, 0, TIE, 0)]
        votes = make_votes(
            rows, gold=np.array([FIRST, FIRST, NO_VERDICT]), seconds=np.array([3.0, 9.0, np.nan])
        )

        first = annotator_figures(votes)[0]

        assert first.accuracy_vs_gold == 0.5
        assert first.longer_win_rate == 0.5
        assert first.median_seconds == 6.0
        assert first.tie_rate == pytest.approx(1 / 3)


class TestAgreementByGroup:
    def test_tells_people_judges_and_repeats_apart(self):
        found = agreement_by_group(make_votes(ROWS))

        assert (found.human_human.n, found.human_judge.n) == (7, 9)
        assert found.human_judge.value == pytest.approx(5 / 9)
        assert found.judge_judge.value is None
        assert (found.self_consistency.value, found.self_consistency.n) == (0.0, 1)


class TestBiasAmong:
    def test_gives_every_figure_with_its_interval(self):
        found = bias_among(make_votes(ROWS).by_judges)

        assert found.first_shown.low < found.first_shown.value < found.first_shown.high
        assert found.order_flips.n == 1
        assert found.longer_wins.value == pytest.approx(1 / 3)


class TestSelfPreferences:
    def test_set_a_judge_against_the_people(self):
        rows = [(i, 0, SECOND, 0) for i in range(4)] + [(i, JUDGE, FIRST, 0) for i in range(4)]
        votes = make_votes(rows, family=np.array([-1, -1, -1, 7]), families=np.tile([7, 8], (4, 1)))

        found = self_preferences(votes)

        assert list(found) == [JUDGE]
        assert (found[JUDGE].own, found[JUDGE].gold) == (1.0, 0.0)


class TestSigns:
    def crowd(self, seed=0, n_items=600, n_annotators=30):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, n_items)
        item = np.repeat(np.arange(n_items), 5)
        who = rng.random((n_items, n_annotators)).argpartition(5, 1)[:, :5].ravel()
        swapped = rng.integers(0, 2, len(item))
        choice = np.where(rng.random(len(item)) < 0.85, truth[item], 1 - truth[item])
        tokens = rng.integers(150, 400, n_items).astype(float)
        seconds = tokens[item] / 4 * np.exp(rng.normal(0, 0.3, len(item)))
        return item, who, choice, swapped, seconds, tokens

    def signs(self, item, who, choice, swapped, seconds, tokens):
        votes = make_votes(
            np.column_stack([item, who, choice, swapped]),
            n_annotators=30,
            judges=(),
            seconds=seconds,
            tokens=tokens,
        )
        return flagged(annotator_figures(votes), signs_of(votes))

    def test_leave_honest_people_alone(self):
        flags = [
            flag for seed in range(5) for f in self.signs(*self.crowd(seed)) for flag in f.flags
        ]

        assert len(flags) <= 3  # of 150 people and five signs each

    def test_find_those_who_do_not_read(self):
        item, who, choice, swapped, seconds, tokens = self.crowd()
        rng = np.random.default_rng(1)
        choice[who == 0] = swapped[who == 0]  # always the side shown first
        choice[who == 1] = rng.integers(0, 2, (who == 1).sum())
        seconds[who == 2] = 2.0
        late = np.flatnonzero(who == 3)[40:]
        choice[late] = rng.integers(0, 2, len(late))

        found = self.signs(item, who, choice, swapped, seconds, tokens)

        assert {"side_bias", "straight_lining", "low_agreement"} <= set(found[0].flags)
        assert "low_agreement" in found[1].flags
        assert found[2].flags == ("too_fast",)
        assert sum(bool(f.flags) for f in found[4:]) <= 2

    def test_leave_judges_out(self):
        votes = make_votes([(i, JUDGE, FIRST, 0) for i in range(50)])

        assert signs_of(votes).flags(JUDGE) == ()


class TestQualityReport:
    NAMES, MODELS = ["ann", "bob", "eve", "gpt"], [None, None, None, "gpt-4"]

    def test_puts_people_and_judges_on_the_same_figures(self):
        found = quality_report(make_votes(ROWS), self.NAMES, self.MODELS)

        (judge,), people = found["judges"], found["annotators"]
        assert (judge["annotator"], judge["model"], judge["n"]) == ("gpt", "gpt-4", 4)
        assert [one["annotator"] for one in people] == ["ann", "bob", "eve"]
        assert set(judge) == set(people[0])
        assert found["agreement"]["n_items"] == 3
        low, high = (found["agreement"]["intervals"]["alpha"][end] for end in ("low", "high"))
        assert low <= found["agreement"]["alpha_nominal"] <= high

    @pytest.mark.parametrize("rows", [ROWS, [], ROWS[:1], ROWS[-1:], ROWS[8:]])
    def test_is_json_without_nan_whatever_there_is(self, rows):
        found = quality_report(make_votes(rows, n_items=3), self.NAMES, self.MODELS)

        assert json.loads(json.dumps(found, allow_nan=False))["judges"] is not None

    def test_has_the_figures_that_outsiders_rely_on(self):
        found = quality_report(make_votes(ROWS), self.NAMES, self.MODELS)

        agreement = {"n_items", "pairwise", "pairwise_no_ties", "alpha_nominal", "tie_rate"}
        assert agreement <= set(found["agreement"])
        assert {
            *("annotator", "model", "n", "tie_rate", "agreement_with_majority"),
            *("agreement_with_majority_no_ties", "kappa", "first_shown_rate", "order_flip_rate"),
            *("longer_win_rate", "accuracy_vs_gold", "median_seconds", "flags"),
        } <= set(found["judges"][0])


class TestVotesThatCombineBothOrders:
    """A judge asked here gives one vote; what it said in each order stands behind it."""

    rows = ((0, JUDGE, FIRST, -1), (1, JUDGE, NO_VERDICT, -1), (2, JUDGE, TIE, -1))
    sides = Sides(
        row=np.array([0, 0, 1, 1, 2, 2]),
        choice=np.array([FIRST, FIRST, FIRST, SECOND, TIE, TIE]),
        swapped=np.array([0, 1, 0, 1, 0, 1]),
    )

    def test_tell_sides_and_flips_of_each_order(self):
        votes = make_votes(self.rows, sides=self.sides)

        figures = annotator_figures(votes)[JUDGE]

        assert figures.first_shown_rate == 3 / 4
        assert (figures.n_flips, figures.order_flip_rate) == (3, 1 / 3)
        assert (figures.n, figures.tie_rate) == (3, 1 / 2)

    def test_tell_the_same_of_all_judges(self):
        bias = bias_among(make_votes(self.rows, sides=self.sides))

        assert (bias.first_shown.value, bias.first_shown.n) == (3 / 4, 4)
        assert (bias.order_flips.value, bias.order_flips.n) == (1 / 3, 3)

    def test_keep_their_sides_when_votes_are_chosen(self):
        votes = make_votes(self.rows, sides=self.sides).where(np.array([False, True, True]))

        assert votes.sides.row.tolist() == [0, 0, 1, 1]
        assert annotator_figures(votes)[JUDGE].order_flip_rate == 1 / 2
