import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.domain import dawid_skene as ds

# Dawid and Skene (1979), table 1: three readings of observer 1, then one each of the others.
PATIENTS = """
    1111111 3334334 1122122 2223121 2223222 2223322 1122111 3333433 2222223 2322223 4444444 2223343
    1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
    1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
    2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
""".split()  # noqa: SIM905


def anaesthesia():
    item = np.repeat(np.arange(45), 7)
    observer = np.tile([0, 0, 0, 1, 2, 3, 4], 45)
    label = np.array([int(grade) - 1 for patient in PATIENTS for grade in patient])
    return ds.Votes(item, observer, label, 45, 5, 4)


FIRST, SECOND, TIE = range(3)


def poll(seed, *, n_items=500, n_raters=12, per_item=5, skill=0.55, biased=(7, 8, 9)):
    """Good raters, some who mostly choose the side shown first, and two who love ties."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n_items, p=[0.4, 0.4, 0.2])
    item = np.repeat(np.arange(n_items), per_item)
    rater = np.concatenate([rng.permutation(n_raters)[:per_item] for _ in range(n_items)])
    side = rng.integers(0, 2, len(item))
    knows = rng.random(len(item)) < skill
    label = np.where(knows, truth[item], rng.integers(0, 3, len(item)))
    habit = rng.random(len(item)) < 0.8
    label = np.where(np.isin(rater, biased) & habit, side, label)
    label = np.where((rater >= 10) & habit, TIE, label)
    return truth, item, rater, label, side


def share_right(posterior, truth):
    return float(np.mean(posterior.argmax(1) == truth))


def majority(votes):
    return ds.vote_shares(votes, np.bincount(votes.item, minlength=votes.n_items))


class TestAnaesthesiaTable:
    def test_gives_the_published_class_shares_and_error_rates(self):
        found = ds.fit(anaesthesia(), smoothing=ds.UNSMOOTHED, max_iterations=1000)

        assert found.has_converged
        assert found.log_likelihood == pytest.approx(-190.731, abs=5e-4)
        assert found.prior == pytest.approx([0.400, 0.422, 0.112, 0.067], abs=5e-4)
        # Three patients of class 4, whom observer 1 read 333, 444 and 433: four of nine right.
        assert np.diag(found.confusion[0]) == pytest.approx([0.91, 0.88, 0.66, 4 / 9], abs=5e-3)

    def test_overrules_the_majority_on_patients_2_12_and_36(self):
        votes = anaesthesia()

        found = ds.fit(votes, smoothing=ds.UNSMOOTHED, max_iterations=1000)

        ahead = majority(votes).argmax(1) != found.posterior.argmax(1)
        assert np.flatnonzero(ahead).tolist() == [1, 11, 35]

    def test_agrees_with_crowd_kit_round_by_round(self):
        import crowdkit.aggregation as crowdkit
        import pandas

        votes = anaesthesia()
        table = pandas.DataFrame(
            {"task": votes.item, "worker": votes.annotator, "label": votes.label}
        )

        for rounds in (1, 5, 20):
            # Its own rule would stop it early: its bound counts the class shares once a vote.
            theirs = crowdkit.DawidSkene(n_iter=rounds, tol=-np.inf).fit_predict_proba(table)
            ours = ds.fit(
                votes, smoothing=ds.UNSMOOTHED, max_iterations=rounds, tolerance=0.0
            ).posterior

            assert ours == pytest.approx(theirs.sort_index()[[0, 1, 2, 3]].to_numpy(), abs=1e-8)


class TestKnownTruth:
    def test_beats_the_majority_where_raters_have_habits(self):
        gains = []
        for seed in range(8):
            truth, item, rater, label, _ = poll(seed)
            votes = ds.Votes(item, rater, label, 500, 12, 3)
            ours = share_right(ds.fit(votes).posterior, truth)
            gains.append(ours - share_right(majority(votes), truth))

        assert np.mean(gains) > 0.015
        assert min(gains) > -0.02

    def test_learns_a_habit_of_choosing_the_first_shown_from_the_sides(self):
        blind, seeing = [], []
        for seed in range(3):
            truth, item, rater, label, side = poll(
                seed, n_items=3000, skill=0.75, biased=range(3, 10)
            )
            votes = ds.Votes(item, rater, label, 3000, 12, 3)
            sided = ds.Votes(item, rater, label, 3000, 12, 3, side=side, n_sides=2)
            blind.append(share_right(ds.fit(votes).posterior, truth))
            seeing.append(share_right(ds.fit(sided).posterior, truth))

        assert np.mean(seeing) > np.mean(blind) + 0.005

    def test_tells_the_two_sides_of_a_biased_rater_apart(self):
        _, item, rater, label, side = poll(0, n_items=2000, skill=0.75)

        by_side = ds.fit(ds.Votes(item, rater, label, 2000, 12, 3, side=side, n_sides=2)).by_side

        drawn_to_first = by_side[7:10, 0, SECOND, FIRST]
        drawn_to_second = by_side[7:10, 1, FIRST, SECOND]
        assert min(drawn_to_first.min(), drawn_to_second.min()) > 0.5
        assert by_side[:7, :, :2, :2].diagonal(axis1=-2, axis2=-1).min() > 0.6

    def test_recovers_the_confusion_matrices(self):
        truth, item, rater, label, _ = poll(1, n_items=5000, skill=0.75)
        votes = ds.Votes(item, rater, label, 5000, 12, 3)
        actual = np.zeros((12, 3, 3))
        np.add.at(actual, (rater, truth[item], label), 1)
        actual /= actual.sum(2, keepdims=True)

        assert np.abs(ds.fit(votes).confusion - actual).mean() < 0.03


class TestRatersWithFewVotes:
    def test_are_taken_for_the_average_rater(self):
        truth, item, rater, label, _ = poll(2)
        newcomer = ds.Votes(
            np.append(item, 0), np.append(rater, 12), np.append(label, FIRST), 500, 13, 3
        )

        found = ds.fit(newcomer)

        base = np.full((3, 3), 0.1) + 0.5 * np.eye(3)
        nobody_yet = (base + 3.0 * found.pooled[0]) / 3.8
        assert np.abs(found.confusion[12] - nobody_yet).max() < 0.3
        assert np.abs(found.confusion[12, TIE] - nobody_yet[TIE]).max() < 0.01

    def test_harm_less_than_without_the_pool(self):
        with_pool, without = [], []
        for seed in range(8):
            truth, item, _, label, _ = poll(seed, n_items=300)
            many = np.random.default_rng(seed).integers(0, 400, len(item))
            votes = ds.Votes(item, many, label, 300, 400, 3)
            alone = ds.fit(votes, smoothing=ds.Smoothing(0.6, 0.1, 0.0))
            with_pool.append(share_right(ds.fit(votes).posterior, truth))
            without.append(share_right(alone.posterior, truth))

        assert np.mean(with_pool) > np.mean(without)


class TestGold:
    def test_is_fixed_whatever_the_votes_say(self):
        votes = anaesthesia()
        gold = np.full(45, -1)
        gold[0] = 3

        found = ds.fit(votes, gold=gold)

        assert found.posterior[0].tolist() == [0, 0, 0, 1]

    def test_turns_a_crowd_of_adversaries_round(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(0, 2, 300)
        item, rater = np.repeat(np.arange(300), 5), np.tile(np.arange(5), 300)
        wrong = rng.random(len(item)) < 0.8
        votes = ds.Votes(item, rater, np.where(wrong, 1 - truth[item], truth[item]), 300, 5, 2)
        gold = np.where(np.arange(300) < 30, truth, -1)

        found = ds.fit(votes, gold=gold)

        assert share_right(ds.fit(votes).posterior[30:], truth[30:]) < 0.2
        assert share_right(found.posterior[30:], truth[30:]) > 0.8

    def test_must_match_the_items_and_labels(self):
        with pytest.raises(ds.BadVotes, match="length"):
            ds.fit(anaesthesia(), gold=np.array([0]))
        with pytest.raises(ds.BadVotes, match="gold class"):
            ds.fit(anaesthesia(), gold=np.full(45, 4))


class TestEffectiveVotes:
    def test_count_a_random_clicker_for_nothing_and_a_perfect_rater_for_one(self):
        flat = np.full((1, 1, 2, 2), 0.5)

        assert ds.informativeness(flat, np.array([0.3, 0.7])) == pytest.approx(0, abs=1e-12)
        assert ds.informativeness(np.eye(2), np.array([0.3, 0.7])) == pytest.approx(1)

    def test_lie_between_none_and_all(self):
        found = ds.fit(anaesthesia())

        assert np.all((found.effective_votes > 0) & (found.effective_votes < 7))

    def test_are_all_votes_where_nothing_is_left_to_learn(self):
        assert ds.informativeness(np.eye(2), np.array([1.0, 0.0])) == pytest.approx(1)


class TestVotes:
    def test_may_be_absent_altogether(self):
        nothing = np.empty(0, np.int64)

        found = ds.fit(ds.Votes(nothing, nothing, nothing, 2, 3, 4))

        assert found.posterior == pytest.approx(np.full((2, 4), 0.25))
        assert found.log_likelihood == pytest.approx(0, abs=1e-9)

    def test_leave_an_item_without_any_at_the_class_shares(self):
        votes = anaesthesia()
        one_more = ds.Votes(votes.item, votes.annotator, votes.label, 46, 5, 4)

        found = ds.fit(one_more)

        assert found.posterior[45] == pytest.approx(found.prior, abs=1e-6)
        assert found.prior == pytest.approx(ds.fit(votes).prior, abs=1e-6)

    @pytest.mark.parametrize("field", ["item", "annotator", "label", "side"])
    def test_are_refused_out_of_range(self, field):
        columns = {name: np.array([0]) for name in ("item", "annotator", "label", "side")}
        columns[field] = np.array([9])

        with pytest.raises(ds.BadVotes, match=field):
            ds.Votes(**columns, n_items=2, n_annotators=2, n_labels=2, n_sides=2)

    def test_are_refused_in_columns_of_different_length(self):
        with pytest.raises(ds.BadVotes, match="length"):
            ds.Votes(np.array([0, 1]), np.array([0]), np.array([0, 1]), 2, 2, 2)

    @settings(max_examples=10)
    @given(st.randoms(use_true_random=False))
    def test_may_come_in_any_order(self, random):
        votes = anaesthesia()
        order = np.array(random.sample(range(len(votes.item)), len(votes.item)))
        shuffled = ds.Votes(votes.item[order], votes.annotator[order], votes.label[order], 45, 5, 4)

        assert ds.fit(shuffled).posterior == pytest.approx(ds.fit(votes).posterior, abs=1e-6)

    @settings(max_examples=10)
    @given(st.permutations(range(4)), st.permutations(range(5)))
    def test_may_name_labels_and_annotators_as_they_like(self, labels, names):
        votes = anaesthesia()
        renamed = ds.Votes(
            votes.item, np.array(names)[votes.annotator], np.array(labels)[votes.label], 45, 5, 4
        )

        ours, theirs = ds.fit(votes), ds.fit(renamed)

        assert theirs.posterior[:, labels] == pytest.approx(ours.posterior, abs=1e-6)
        assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-4)

    @settings(max_examples=50)
    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)),
            min_size=1,
            max_size=40,
        )
    )
    def test_always_give_probabilities(self, rows):
        item, rater, label, side = np.array(rows).T
        votes = ds.Votes(item, rater, label, 6, 4, 3, side=side, n_sides=2)

        found = ds.fit(votes)

        for rows_of_one in (found.posterior, found.confusion, found.by_side, found.pooled):
            assert rows_of_one.sum(-1) == pytest.approx(1)
        assert found.log_likelihood <= 0
