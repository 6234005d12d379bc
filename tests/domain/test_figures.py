import numpy as np
import pytest

from annotation.domain.agreement import tally_of_counts
from annotation.domain.figures import (
    Figure,
    annotator_figure,
    live_figures,
    self_preference_figures,
)
from annotation.domain.live_agreement import live_agreement


def share(**fields):
    usual = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 50, "need": 50, "of": "votes"}
    return Figure("Longer wins", **(usual | fields))


class TestFigure:
    def test_is_shown_from_its_minimum_on(self):
        assert share(n=50).is_enough
        assert not share(n=49).is_enough
        assert not share(value=None).is_enough

    @pytest.mark.parametrize(
        ("fields", "is_off"),
        [({"usual": 0.5}, True), ({"usual": 0.65}, False), ({"usual": None}, False)],
    )
    def test_is_off_where_its_interval_leaves_out_the_usual_value(self, fields, is_off):
        assert share(**fields).is_off == is_off

    def test_is_never_off_below_its_minimum(self):
        assert not share(n=3, usual=0.5).is_off


class TestLiveFigures:
    @pytest.mark.parametrize(("n_units", "is_enough"), [(49, False), (50, True)])
    def test_need_fifty_comparisons_with_two_votes(self, n_units, is_enough):
        counts = np.array([[2, 0, 0, 0], [1, 1, 0, 0]] * 25)[:n_units]

        found = live_figures(live_agreement(tally_of_counts(counts)))

        assert {one.is_enough for one in found} == {is_enough}
        assert {one.n for one in found} == {n_units}


class TestAnnotatorFigure:
    def test_has_an_interval_from_the_votes_behind_it(self):
        entry = {"tie_rate": 0.25, "n_of": {"tie_rate": 40}}

        found = annotator_figure(entry, "tie_rate", "votes")

        assert found.n == 40
        assert found.low < 0.25 < found.high

    def test_is_undefined_without_votes(self):
        found = annotator_figure({"tie_rate": None, "n_of": {}}, "tie_rate", "votes")

        assert (found.value, found.low, found.n, found.is_enough) == (None, None, 0, False)


class TestSelfPreferenceFigures:
    def test_need_a_hundred_comparisons(self):
        excess = {"value": 0.1, "low": 0.05, "high": 0.15}

        (few,) = self_preference_figures({"gpt": {"n": 99, "excess": excess}})
        (enough,) = self_preference_figures({"gpt": {"n": 100, "excess": excess}})

        assert not few.is_enough
        assert enough.is_off
