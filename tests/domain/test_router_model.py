import json

import numpy as np
import pytest

from benchmarks.routing_simulation import NAMES, off_policy, simulate
from curation.domain.routing.router_features import (
    CONFIDENCE,
    SOURCES,
    WORDS,
    features_of,
    sources_of,
)
from curation.domain.routing.router_model import (
    CONFIDENCE_ONLY,
    fit_router,
    from_json,
    standard_error,
)
from curation.domain.signals.registry import SIGNALS


@pytest.fixture(scope="module")
def known():
    return simulate(1, 1200)


@pytest.fixture(scope="module")
def model(known):
    return fit_router(known.features, known.right, known.prompt, names=NAMES)


class TestFitRouter:
    def test_uses_what_tells_more_than_the_confidence(self, model):
        weights = dict(zip(model.names, model.weights, strict=True))

        assert model.penalty > CONFIDENCE_ONLY
        assert weights["safety"] < weights["expert"] < 0 < weights["confidence"]

    def test_stays_with_the_confidence_where_nothing_else_tells(self, known):
        names = ["confidence", *map(str, range(20))]
        kept, along = 0, []
        for seed in range(12):
            rows = slice(100 * seed, 100 * seed + 100)
            noise = np.random.default_rng(seed).normal(size=(100, 20))
            features = np.column_stack([known.features[rows, 0], noise])
            found = fit_router(features, known.right[rows], np.arange(100), names=names)
            kept += found.penalty == CONFIDENCE_ONLY
            p = found.chances(features)
            along.append((np.argsort(p) == np.argsort(features[:, 0])).all())

        # One gain in six is above one standard error by chance alone; then the order differs.
        assert kept >= 7
        assert sum(along) >= kept

    def test_by_confidence_alone_never_takes_the_surer_verdict_for_the_worse_one(self, known):
        upside_down, features = 1 - known.right[:400], known.features[:400, :1]

        found = fit_router(
            features, upside_down, known.prompt[:400], names=["confidence"], penalties=()
        )

        assert np.corrcoef(found.score(features), features[:, 0])[0, 1] > 0.99

    def test_says_the_mean_where_there_is_nothing_to_learn_from(self):
        features, right = np.zeros((100, 1)), np.repeat([1.0, 0.0], [80, 20])

        found = fit_router(features, right, np.arange(100), names=["confidence"])

        assert found.chances(features) == pytest.approx(np.full(100, 0.8), abs=0.02)

    @pytest.mark.parametrize("always", [0.0, 1.0])
    def test_stays_in_doubt_where_judges_always_did_the_same(self, always):
        features = np.random.default_rng(0).normal(size=(60, 2))

        found = fit_router(features, np.full(60, always), np.arange(60), names=["a", "b"])

        p = found.chances(features)
        assert ((p > 0) & (p < 1)).all()
        assert np.abs(p - always).max() < 0.1

    def test_takes_a_missing_feature_for_news_and_not_for_zero(self):
        draw = np.random.default_rng(5)
        is_missing = draw.random(600) < 0.5
        other = np.where(is_missing, np.nan, draw.normal(size=600))
        right = (draw.random(600) < np.where(is_missing, 0.9, 0.3)).astype(float)
        features = np.column_stack([np.zeros(600), other])

        found = fit_router(features, right, np.arange(600), names=["confidence", "other"])

        p = found.chances(features)
        assert p[is_missing].mean() > 0.8 > 0.4 > p[~is_missing].mean()

    def test_has_no_ties_that_the_score_has_not(self, model, known):
        p = model.chances(known.features)

        assert len(np.unique(p)) == len(np.unique(model.score(known.features)))

    def test_survives_being_stored(self, model, known):
        again = from_json(json.loads(json.dumps(model.to_json())))

        assert again.names == model.names
        assert again.chances(known.features) == pytest.approx(
            model.chances(known.features), abs=1e-4
        )


class TestWithoutUnused:
    def test_expects_the_same_from_fewer_features(self, known):
        constant = np.column_stack([known.features, np.ones(len(known.right))])
        names = [*NAMES, "constant"]

        model = fit_router(constant, known.right, known.prompt, names=names)
        slim = model.without_unused()

        assert slim.names == NAMES
        np.testing.assert_allclose(slim.chances(known.features), model.chances(constant))

    def test_leaves_nothing_beside_the_confidence_where_that_is_all(self, known):
        model = fit_router(known.features, known.right, known.prompt, names=NAMES, penalties=())

        slim = model.without_unused()

        assert slim.names == (CONFIDENCE,)
        told = slim.chances(known.features[:, :1])
        np.testing.assert_allclose(told, model.chances(known.features))


class TestStandardError:
    def test_of_single_rows_is_the_usual_one(self):
        values = np.random.default_rng(0).normal(size=400)

        found = standard_error(values, np.arange(400))

        assert found == pytest.approx(values.std(ddof=1) / 20)

    def test_grows_where_rows_of_a_prompt_go_together(self):
        values = np.repeat(np.random.default_rng(0).normal(size=40), 10)

        clustered = standard_error(values, np.repeat(np.arange(40), 10))

        assert clustered > 3 * standard_error(values, np.arange(400))


class TestFeaturesOf:
    def test_reads_nothing_that_people_said(self):
        families = {SIGNALS[name].family for name in SOURCES if name in SIGNALS}

        assert not families & {"votes", "difficulty"}
        assert not {"judge_human_gap", "reference_gap", "reward_gap_chosen"} & set(SOURCES)

    def test_puts_the_confidence_first_in_logits(self):
        features, names = features_of({"judge_confidence": np.array([0.5, 0.9, 1.0, np.nan])})

        assert names[0] == CONFIDENCE
        assert features[:2, 0] == pytest.approx([0, np.log(9)])
        assert np.isfinite(features[2, 0])
        assert np.isnan(features[3, 0])

    def test_tells_differences_about_the_choice_of_the_judges(self):
        features, names = features_of(
            {
                "judge_probability": np.array([0.9, 0.1, 0.5]),
                "relative_length_difference": np.array([0.5, 0.5, 0.5]),
            }
        )

        chosen = features[:, names.index("chosen_relative_length_difference")]
        assert chosen[0] > 0 > chosen[1]
        assert chosen[2] == 0

    def test_gives_common_words_a_column_and_what_is_wanted_later_the_same(self):
        words = np.array(["de"] * 30 + ["en"] * 40 + ["fr", None], object)
        _, names = features_of({"prompt_language": words})

        later, again = features_of({"prompt_language": np.array(["fr", "de"], object)}, names)

        assert "prompt_language=de" in names
        assert "prompt_language=fr" not in names
        assert again == names
        assert later[:, names.index("prompt_language=de")].tolist() == [0, 1]


class TestSourcesOf:
    def test_are_enough_to_work_the_features_out_again(self):
        columns = {name: np.linspace(0.1, 0.9, 30) for name in SOURCES}
        columns |= {name: np.array(["law", "verse"] * 15, object) for name in WORDS}
        _, every = features_of(columns)

        for name in every:
            needed = sources_of([name]) | {"judge_confidence", "judge_probability"}
            few = {fact: column for fact, column in columns.items() if fact in needed}
            told = features_of(few, [name])[0]
            np.testing.assert_array_equal(told, features_of(columns, [name])[0])


class TestOffPolicyOfAFittedRouter:
    def test_is_told_by_snips_and_not_by_the_plain_mean(self):
        truth, naive, _, value, se = off_policy(seed=0)

        assert abs(value - truth) < 3 * se
        assert naive < truth - 0.1
