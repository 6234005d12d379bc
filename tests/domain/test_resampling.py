import numpy as np
import pytest

from annotation.domain.agreement import TooFewRatings, alpha, pairwise_agreement, tally_of
from annotation.domain.resampling import (
    interval_by_annotator,
    intervals_by_item,
    pairs_within,
    ratio_interval,
)
from annotation.domain.verdicts import DECISIVE


def votes(seed, *, n_units=120, n_annotators=40, per_unit=4, spread=0.0):
    """Three verdicts; annotators know the truth with chance sigma(0.5 + spread * normal)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n_units)
    unit = np.repeat(np.arange(n_units), per_unit)
    who = rng.random((n_units, n_annotators)).argpartition(per_unit, 1)[:, :per_unit].ravel()
    skill = 1 / (1 + np.exp(-0.5 - spread * rng.normal(size=n_annotators)))
    knows = rng.random(len(unit)) < skill[who]
    return unit, who, np.where(knows, truth[unit], rng.integers(0, 3, len(unit)))


class TestIntervalsByItem:
    def test_stand_around_the_plain_estimates(self):
        unit, _, value = votes(1)
        tally = tally_of(unit, value, 4)

        found = intervals_by_item(unit, value, 4, n_resamples=200)

        assert found.pairwise.value == pairwise_agreement(tally).value
        assert found.pairwise_no_ties.value == pairwise_agreement(tally, DECISIVE).value
        assert found.alpha.value == alpha(tally).value
        for one in (found.pairwise, found.pairwise_no_ties, found.alpha):
            assert one.low < one.value < one.high
            assert (one.by, one.n_clusters, one.n_resamples) == ("item", 120, 200)

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
    def test_draw_what_a_loop_over_items_would_draw(self, level):
        unit, _, value = votes(2, n_units=60)
        rng = np.random.default_rng(0)
        slow = []
        for _ in range(400):
            drawn = rng.integers(0, 60, 60)
            rows = np.concatenate([np.flatnonzero(unit == u) for u in drawn])
            slow.append(alpha(tally_of(np.repeat(np.arange(60), 4), value[rows], 3), level).value)

        fast = intervals_by_item(unit, value, 3, level=level, n_resamples=4000).alpha

        width = fast.high - fast.low
        assert [fast.low, fast.high] == pytest.approx(
            np.quantile(slow, [0.025, 0.975]), abs=0.15 * width
        )

    def test_are_the_same_for_the_same_seed_and_any_row_order(self):
        unit, _, value = votes(3)
        order = np.random.default_rng(0).permutation(len(unit))

        first = intervals_by_item(unit, value, 3, n_resamples=50, seed=7)
        again = intervals_by_item(unit[order], value[order], 3, n_resamples=50, seed=7)

        assert first == again

    def test_are_wider_where_items_of_one_prompt_agree_alike(self):
        rng = np.random.default_rng(5)
        prompt = np.repeat(np.arange(20), 20)
        unit = np.repeat(np.arange(400), 2)
        easy = rng.random(20) < 0.5
        value = np.where(easy[prompt[unit]], 1, rng.integers(0, 2, 800))

        apart = intervals_by_item(unit, value, 2, n_resamples=500).pairwise
        together = intervals_by_item(unit, value, 2, cluster=prompt, n_resamples=500).pairwise

        assert together.n_clusters == 20
        assert together.high - together.low > 1.5 * (apart.high - apart.low)

    @pytest.mark.slow
    def test_cover_the_truth_at_their_nominal_rate(self):
        unit, _, value = votes(0, n_units=200_000, n_annotators=50)
        tally = tally_of(unit, value, 3)
        truths = (pairwise_agreement(tally).value, alpha(tally).value)
        hits = np.zeros(2)
        for seed in range(1000):
            unit, _, value = votes(seed + 1, n_units=200)
            found = intervals_by_item(unit, value, 3, n_resamples=400, seed=seed)
            pairs = zip((found.pairwise, found.alpha), truths, strict=True)
            hits += [one.low <= truth <= one.high for one, truth in pairs]

        assert (hits / 1000 >= 0.93).all()
        assert (hits / 1000 <= 0.97).all()


class TestIntervalByAnnotator:
    def test_stands_around_the_agreement_of_different_people(self):
        unit = np.array([0, 0, 0, 1, 1])
        who = np.array([0, 0, 1, 0, 1])
        value = np.array([1, 1, 1, 0, 1])

        found = interval_by_annotator(unit, who, value, n_resamples=20)

        assert found.value == pytest.approx(2 / 3)  # the pair of annotator 0 with himself is none
        assert (found.by, found.n_clusters) == ("annotator", 2)

    def test_is_wider_than_by_item_where_annotators_differ(self):
        unit, who, value = votes(1, n_units=2000, n_annotators=20, spread=1.5)

        by_item = intervals_by_item(unit, value, 3, n_resamples=300).pairwise
        by_annotator = interval_by_annotator(unit, who, value, n_resamples=300)

        width = by_item.high - by_item.low
        assert by_annotator.high - by_annotator.low > 2 * width

    def test_refuses_votes_of_one_person(self):
        with pytest.raises(TooFewRatings):
            interval_by_annotator(np.array([0, 0]), np.array([1, 1]), np.array([0, 1]))

    @pytest.mark.slow
    @pytest.mark.parametrize("statistic", ["pairwise", "alpha"])
    def test_covers_the_truth_at_its_nominal_rate(self, statistic):
        big = votes(0, n_units=40_000, n_annotators=2000, spread=1.0)
        truth = interval_by_annotator(*big, statistic=statistic, n_resamples=1).value
        hits = 0
        for seed in range(400):
            drawn = votes(seed + 1, n_units=400, spread=1.0)
            found = interval_by_annotator(*drawn, statistic=statistic, n_resamples=300, seed=seed)
            hits += found.low <= truth <= found.high

        assert 0.93 <= hits / 400 <= 0.97


class TestPairsWithin:
    def test_lists_every_pair_of_a_unit_once(self):
        left, right = pairs_within(np.array([3, 1, 3, 3, 2]))

        assert {frozenset(pair) for pair in zip(left, right, strict=True)} == {
            frozenset(pair) for pair in [(0, 2), (0, 3), (2, 3)]
        }
        assert len(left) == 3


class TestRatioInterval:
    def test_is_undefined_without_rows(self):
        nothing = np.array([])

        assert ratio_interval(nothing, nothing, np.array([], int), by="prompt").value is None

    def test_resamples_clusters_as_a_whole(self):
        prompt = np.repeat(np.arange(25), 40)
        part = (prompt % 2).astype(float)

        found = ratio_interval(part, np.ones(1000), prompt, by="prompt")

        assert found.value == pytest.approx(0.48)
        assert found.high - found.low > 0.3
