import numpy as np
import pytest

from annotation.domain import dawid_skene
from annotation.domain.dawid_skene import Votes
from annotation.domain.skills import Said, is_enough, known_skills


@pytest.fixture
def votes():
    """Sixty items, five annotators of falling skill, every item judged by all of them."""
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 3, 60)
    item, annotator = (grid.ravel() for grid in np.mgrid[:60, :5])
    errs = rng.random(300) < 0.1 + 0.1 * annotator
    label = np.where(errs, rng.integers(0, 3, 300), truth[item])
    return Votes(item, annotator, label, 60, 5, 4, side=rng.integers(0, 3, 300), n_sides=3)


def said_about(votes, item):
    rows = np.flatnonzero(votes.item == item)
    return [
        Said(int(votes.annotator[row]), int(votes.label[row]), int(votes.side[row])) for row in rows
    ]


class TestKnownSkills:
    def test_give_each_item_the_posterior_of_the_fit_that_they_are_from(self, votes):
        fit = dawid_skene.fit(votes)

        known = known_skills(fit, range(5))

        found = [known.posterior(said_about(votes, item)) for item in range(60)]
        assert found == pytest.approx(fit.posterior, abs=1e-6)

    def test_give_each_item_the_effective_votes_of_the_fit(self, votes):
        fit = dawid_skene.fit(votes)

        known = known_skills(fit, range(5))

        found = [known.effective_votes(said_about(votes, item)) for item in range(60)]
        assert found == pytest.approx(fit.effective_votes, abs=1e-6)

    def test_are_the_prior_without_votes(self, votes):
        known = known_skills(dawid_skene.fit(votes), range(5))

        assert known.posterior([]) == pytest.approx(known.prior / known.prior.sum())
        assert known.effective_votes([]) == 0.0

    def test_take_a_newcomer_for_one_of_the_crowd(self, votes):
        fit = dawid_skene.fit(votes)
        known = known_skills(fit, range(5))

        posterior = known.posterior([Said("newcomer", 1, 0)])

        expected = fit.prior * fit.pooled[0, :, 1]
        assert posterior == pytest.approx(expected / expected.sum(), abs=1e-6)

    def test_have_the_same_name_only_while_nothing_differs(self, votes):
        fit = dawid_skene.fit(votes)
        other = dawid_skene.fit(votes, smoothing=dawid_skene.Smoothing(0.7))

        assert known_skills(fit, range(5)).digest == known_skills(fit, range(5)).digest
        assert known_skills(fit, range(5)).digest != known_skills(other, range(5)).digest
        assert known_skills(fit, range(5)).digest != known_skills(fit, range(1, 6)).digest


class TestIsEnough:
    def grid(self, n_items, n_annotators):
        item, annotator = (grid.ravel() for grid in np.mgrid[:n_items, :n_annotators])
        return Votes(item, annotator, np.zeros(len(item), int), n_items, n_annotators, 4)

    def test_asks_for_three_annotators_with_ten_votes_each(self):
        assert is_enough(self.grid(10, 3))
        assert not is_enough(self.grid(9, 3))
        assert not is_enough(self.grid(10, 2))

    def test_asks_for_two_votes_on_the_average_item(self):
        annotator = np.repeat(np.arange(3), 20)
        alone = Votes(np.arange(60), annotator, np.zeros(60, int), 60, 3, 4)

        assert not is_enough(alone)

    def test_is_false_without_votes(self):
        assert not is_enough(self.grid(0, 3))
