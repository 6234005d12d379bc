import numpy as np
import pytest
from scipy.stats import beta

from annotation.domain.feedback.trust import Hint, probability_of_first, trust_of
from annotation.domain.vocabulary import FeedbackKind

EDIT, THUMB, COPY = FeedbackKind.EDIT, FeedbackKind.THUMB, FeedbackKind.COPY
N_ANCHORS = 67
PRECISIONS = {EDIT: 0.9, THUMB: 0.7, COPY: 0.6}
SHARES = {EDIT: 0.5, THUMB: 0.3, COPY: 0.2}  # of all events; they make the pooled rate .78


class TestTrust:
    def test_is_the_posterior_mean_and_interval_of_jeffreys_prior(self):
        right = np.arange(20) < 15

        trust = trust_of(np.arange(20), right)

        expected = beta(15.5, 5.5)
        assert trust.weight == pytest.approx(15.5 / 21)
        assert (trust.low, trust.high) == pytest.approx(expected.interval(0.95), abs=1e-6)
        assert (trust.n_anchors, trust.n_users, trust.effective_n) == (20, 20, 20)

    def test_without_anchors_is_the_prior(self):
        trust = trust_of(np.empty(0, np.int64), np.empty(0, bool))

        assert (trust.weight, trust.n_anchors, trust.n_users) == (0.5, 0, 0)
        assert trust.low < 0.01 and trust.high > 0.99

    def test_lets_no_user_speak_for_all(self):
        users = np.concatenate([np.zeros(100, np.int64), np.arange(1, 21)])
        right = users > 0  # one busy user is always wrong, the twenty others always right

        trust = trust_of(users, right)

        assert trust.effective_n == 32  # 20 and a tenth of 120
        assert trust.weight == pytest.approx(20.5 / 33)

    def test_recovers_the_precision_of_each_kind_where_a_pooled_rate_would_not(self):
        """TEST-S of the methods: mean absolute error .031, .041 and .045 with 67 anchors each."""
        rng = np.random.default_rng(8)
        users = np.arange(N_ANCHORS)
        errors = {
            kind: np.mean(
                [
                    abs(trust_of(users, rng.random(N_ANCHORS) < precision).weight - precision)
                    for _ in range(400)
                ]
            )
            for kind, precision in PRECISIONS.items()
        }
        pooled = sum(SHARES[kind] * precision for kind, precision in PRECISIONS.items())

        assert errors[EDIT] == pytest.approx(0.031, abs=0.006)
        assert errors[THUMB] == pytest.approx(0.041, abs=0.006)
        assert errors[COPY] == pytest.approx(0.045, abs=0.006)
        assert pooled == pytest.approx(0.78)
        assert max(abs(pooled - precision) for precision in PRECISIONS.values()) > 0.17


WEIGHTS = {EDIT: 0.9, THUMB: 0.7}


class TestProbability:
    def test_of_one_hint_is_the_weight_of_its_kind(self):
        assert probability_of_first([Hint(1, EDIT, True)], WEIGHTS) == pytest.approx(0.9)
        assert probability_of_first([Hint(1, EDIT, False)], WEIGHTS) == pytest.approx(0.1)

    def test_counts_each_user_once_by_what_is_trusted_most(self):
        told = [Hint(1, THUMB, False), Hint(1, EDIT, True), Hint(1, THUMB, False)]

        assert probability_of_first(told, WEIGHTS) == pytest.approx(0.9)

    def test_adds_up_users_in_log_odds(self):
        told = [Hint(1, THUMB, True), Hint(2, THUMB, True)]

        assert probability_of_first(told, WEIGHTS) == pytest.approx(0.49 / (0.49 + 0.09))

    def test_is_even_where_nothing_is_known_of_the_kind(self):
        assert probability_of_first([Hint(1, COPY, True)], WEIGHTS) == 0.5

    def test_is_never_certain(self):
        told = [Hint(user, EDIT, True) for user in range(50)]

        assert probability_of_first(told, WEIGHTS) == 0.99

    def test_is_unknown_without_feedback(self):
        assert probability_of_first([], WEIGHTS) is None
