import warnings

import evalica
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from annotation.domain.agreement import (
    Level,
    TooFewRatings,
    alpha,
    cohen_kappa,
    counts_by_unit,
    gwet_ac1,
    mean_unit_agreement,
    pairwise_agreement,
    prevalence,
    tally_from_json,
    tally_of,
    tally_of_counts,
    unanimous_share,
    value_share,
)
from annotation.domain.rating_agreement import krippendorff_alpha
from annotation.domain.verdicts import DECISIVE, TIE

X = np.nan
# Krippendorff (2011), example C: four observers, twelve units, five values, missing ratings.
# Gwet (2014) uses the same table.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
        [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
    ]
)
UNIT = np.tile(np.arange(12), 4)
VALUE = OBSERVERS.ravel()
CODE = np.where(np.isnan(VALUE), -1, VALUE - 1).astype(int)
PUBLISHED = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}

units_of_votes = st.lists(
    st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=12
)  # one list of codes per unit


def long_format(units):
    unit = [u for u, votes in enumerate(units) for _ in votes]
    value = [v for votes in units for v in votes]
    return np.array(unit, int), np.array(value, int)


def slow_alpha(units, distance):
    """Krippendorff's definition, pair by pair."""
    units = [votes for votes in units if len(votes) > 1]
    pool = [v for votes in units for v in votes]
    observed = sum(
        sum(distance(a, b) for i, a in enumerate(votes) for j, b in enumerate(votes) if i != j)
        / (len(votes) - 1)
        for votes in units
    ) / len(pool)
    expected = sum(
        distance(a, b) for i, a in enumerate(pool) for j, b in enumerate(pool) if i != j
    ) / (len(pool) * (len(pool) - 1))
    return 1 - observed / expected if expected else 1.0


class TestAlpha:
    @pytest.mark.parametrize(("level", "expected"), PUBLISHED.items())
    def test_gives_the_published_values(self, level, expected):
        tally = tally_of(UNIT, CODE, 5)

        assert alpha(tally, level, range(1, 6)).value == pytest.approx(expected, abs=5e-4)
        assert krippendorff_alpha(UNIT, VALUE, level).value == pytest.approx(expected, abs=5e-4)

    @pytest.mark.parametrize("level", list(Level))
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_evalica(self, level, seed):
        rng = np.random.default_rng(seed)
        table = rng.integers(1, 6, (4, 30)).astype(float)
        table[rng.random(table.shape) < 0.3] = X
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = evalica.alpha(pd.DataFrame(table), level.value).alpha
        unit, value = np.tile(np.arange(30), 4), table.ravel()

        code = np.where(np.isnan(value), -1, value - 1).astype(int)
        ours = alpha(tally_of(unit, code, 5), level, range(1, 6)).value

        assert ours == pytest.approx(theirs, abs=1e-12)
        assert krippendorff_alpha(unit, value, level).value == pytest.approx(theirs, abs=1e-12)

    @given(units_of_votes.filter(lambda units: any(len(u) > 1 for u in units)))
    def test_equals_its_definition(self, units):
        unit, value = long_format(units)

        ours = alpha(tally_of(unit, value, 4)).value
        squares = alpha(tally_of(unit, value, 4), "interval").value

        assert ours == pytest.approx(slow_alpha(units, lambda a, b: a != b))
        assert squares == pytest.approx(slow_alpha(units, lambda a, b: (a - b) ** 2))

    @given(units_of_votes.filter(lambda units: any(len(u) > 1 for u in units)), st.randoms())
    def test_depends_on_neither_row_order_nor_labels(self, units, random):
        unit, value = long_format(units)
        order, names = list(range(len(unit))), [0, 1, 2, 3]
        random.shuffle(order)
        random.shuffle(names)

        moved = tally_of(unit[order], np.array(names)[value[order]], 4)

        assert alpha(moved).value == pytest.approx(alpha(tally_of(unit, value, 4)).value)

    def test_is_one_when_all_votes_are_the_same(self):
        assert alpha(tally_of(np.array([0, 0]), np.array([1, 1]), 3)).value == 1.0
        assert krippendorff_alpha(np.array([0, 0]), np.array([7.0, 7.0])).value == 1.0

    def test_refuses_units_of_single_votes(self):
        with pytest.raises(TooFewRatings):
            alpha(tally_of(np.array([0, 1]), np.array([0, 1]), 2))
        with pytest.raises(TooFewRatings):
            krippendorff_alpha(np.array([0, 1]), np.array([0.5, 0.7]))
        with pytest.raises(TooFewRatings):
            krippendorff_alpha(np.array([], int), np.array([]))

    def test_of_numbers_survives_a_large_offset(self):
        rng = np.random.default_rng(1)
        unit, value = np.repeat(np.arange(50), 3), rng.normal(size=150)

        near = krippendorff_alpha(unit, value).value

        assert krippendorff_alpha(unit, value + 1e9).value == pytest.approx(near, abs=1e-6)

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
    def test_of_many_values_equals_the_table_of_values(self, level):
        rng = np.random.default_rng(2)
        unit, code = rng.integers(0, 400, 1500), rng.integers(0, 60, 1500)

        table = alpha(tally_of(unit, code, 60), level)
        sums = krippendorff_alpha(unit, code.astype(float), level)

        assert sums.value == pytest.approx(table.value, abs=1e-10)
        assert (sums.n_units, sums.n_votes) == (table.n_units, table.n_votes)


class TestGwetAC1:
    def test_gives_the_published_value_with_missing_ratings(self):
        found = gwet_ac1(tally_of(UNIT, CODE, 5))

        assert found.value == pytest.approx(0.77544, abs=5e-6)
        assert found.observed == pytest.approx(0.81818, abs=5e-6)
        assert found.expected == pytest.approx(0.19032, abs=5e-6)

    def test_stays_high_where_one_value_rules_and_kappa_falls_below_zero(self):
        # The paradox of Feinstein and Cicchetti (1990) in the numbers of Gwet (2008).
        first = np.repeat([0, 0, 1], [118, 5, 2])
        second = np.repeat([0, 1, 0], [118, 5, 2])
        unit = np.tile(np.arange(125), 2)
        tally = tally_of(unit, np.concatenate([first, second]), 2)

        kappa = cohen_kappa(first, second, 2)

        assert gwet_ac1(tally).value == pytest.approx(0.9408, abs=5e-5)
        assert kappa.value == pytest.approx(-0.0234, abs=5e-5)
        assert kappa.prevalence == pytest.approx((0.972, 0.028))
        assert prevalence(tally) == pytest.approx((0.972, 0.028))

    def test_refuses_units_of_single_votes(self):
        with pytest.raises(TooFewRatings):
            gwet_ac1(tally_of(np.array([0, 1]), np.array([0, 1]), 2))


class TestCohenKappa:
    @pytest.mark.parametrize("seed", range(5))
    def test_equals_statsmodels(self, seed):
        rng = np.random.default_rng(seed)
        first = rng.integers(0, 4, 200)
        second = np.where(rng.random(200) < 0.5, first, rng.integers(0, 4, 200))
        table = np.zeros((4, 4))
        np.add.at(table, (first, second), 1)

        assert cohen_kappa(first, second, 4).value == pytest.approx(cohens_kappa(table).kappa)

    def test_leaves_out_what_one_of_them_did_not_rate(self):
        first, second = np.array([0, 1, 1, -1]), np.array([0, 1, -1, 0])

        assert cohen_kappa(first, second, 2).value == 1.0
        assert cohen_kappa(first, second, 2).n_units == 2

    def test_is_undefined_when_both_say_the_same_one_thing(self):
        assert cohen_kappa(np.zeros(5, int), np.zeros(5, int), 3).value is None

    def test_of_a_constant_side_is_zero(self):
        truth = np.array([0, 1] * 50)

        assert cohen_kappa(np.zeros(100, int), truth, 2).value == 0.0


class TestPairwiseAgreement:
    UNITS = [[0, 0, 1], [TIE, 0], [1, 1], [TIE, TIE, 0], [0]]

    @property
    def tally(self):
        return tally_of(*long_format(self.UNITS), 4)

    def test_pools_the_pairs_of_all_units(self):
        assert pairwise_agreement(self.tally).value == pytest.approx(3 / 8)
        assert pairwise_agreement(self.tally).n == 8

    def test_leaves_out_every_pair_with_a_tie_when_asked(self):
        assert pairwise_agreement(self.tally, DECISIVE).value == pytest.approx(2 / 4)

    def test_can_weigh_every_unit_alike(self):
        assert mean_unit_agreement(self.tally).value == pytest.approx((1 / 3 + 0 + 1 + 1 / 3) / 4)

    def test_counts_units_that_speak_with_one_voice(self):
        assert unanimous_share(self.tally).value == pytest.approx(1 / 4)

    def test_counts_ties_on_units_with_one_vote_too(self):
        assert value_share(self.tally, TIE).value == pytest.approx(3 / 11)

    def test_is_undefined_without_pairs(self):
        assert pairwise_agreement(tally_of(np.array([0]), np.array([0]), 4)).value is None


class TestTally:
    @given(units_of_votes, st.data())
    def test_changed_unit_by_unit_equals_the_one_counted_afresh(self, units, data):
        tally = tally_of_counts(np.zeros((0, 4), int))
        now = {}
        for _ in range(data.draw(st.integers(1, 8))):
            unit = data.draw(st.integers(0, len(units) - 1))
            old = now.get(unit, [])
            new = data.draw(st.one_of(st.just(units[unit]), st.lists(st.integers(0, 3))))
            counts = [np.bincount(np.array(v, int), minlength=4).tolist() for v in (old, new)]
            tally = tally.replaced(*counts)
            now[unit] = new

        afresh = tally_of(*long_format([now.get(u, []) for u in range(len(units))]), 4)

        for name, array in vars(afresh).items():
            kept = getattr(tally, name)
            assert (kept[: len(array)] == array).all()
            assert not kept[len(array) :].any()
        if pairwise_agreement(afresh).n:
            assert alpha(tally).value == alpha(afresh).value
            assert gwet_ac1(tally).value == gwet_ac1(afresh).value
        assert pairwise_agreement(tally) == pairwise_agreement(afresh)

    @given(units_of_votes)
    def test_survives_storage(self, units):
        tally = tally_of(*long_format(units), 4)

        stored = tally_from_json(tally.as_json())

        assert all((getattr(stored, k) == v).all() for k, v in vars(tally).items())

    def test_leaves_out_missing_votes(self):
        counts = counts_by_unit(np.array([0, 0, 2]), np.array([1, -1, 0]), 2)

        assert counts.tolist() == [[0, 1], [0, 0], [1, 0]]
