import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.domain.errors import InvalidField
from curation.domain.duplicates import minhash, policy, scoring, semantic, shingles
from curation.domain.duplicates.stages import MinHashStage, candidate_pairs

TEXT = "The quick brown fox jumps over the lazy dog near the old stone bridge at dawn."


def shingle_set(text, size=5):
    plain = " ".join(text.casefold().split())
    return {plain[at : at + size] for at in range(len(plain) - size + 1)}


class TestShingles:
    @given(
        *[st.text(st.sampled_from("ab é猫"), min_size=5, max_size=40).map(lambda t: f"x{t}yzuv")]
        * 2
    )
    def test_give_the_jaccard_similarity_of_the_plain_sets(self, first, second):
        mine, theirs = shingle_set(first), shingle_set(second)

        found = shingles.jaccard_of(first, second, 5)

        assert found == pytest.approx(len(mine & theirs) / len(mine | theirs))

    def test_make_short_texts_alike_only_when_equal(self):
        assert shingles.jaccard_of("ab", "AB ", 5) == 1
        assert shingles.jaccard_of("ab", "abc", 5) == 0

    def test_make_empty_texts_like_nothing(self):
        assert shingles.jaccard_of("", " \n", 5) == 0


class TestSignatures:
    def test_depend_on_each_text_alone(self):
        texts = [f"{TEXT} {n}" for n in range(20)] + ["", "ab"]
        whole = minhash.signatures_of(texts)

        parts = [minhash.signatures_of([text]) for text in texts]

        assert np.array_equal(whole.values, np.concatenate([p.values for p in parts]))
        assert np.array_equal(whole.bands, np.concatenate([p.bands for p in parts]))

    def test_estimate_the_jaccard_similarity(self):
        other = TEXT.replace("fox jumps", "cat leaps")
        signed = minhash.signatures_of([TEXT, other])

        found = minhash.estimated_jaccard(signed.values[0], signed.values[1])

        assert found == pytest.approx(shingles.jaccard_of(TEXT, other, 5), abs=4 * 0.044)

    def test_store_no_bands_for_a_text_without_words(self):
        signed = minhash.signatures_of([" ", TEXT])

        assert signed.stored(0) == (b"", [])
        values, bands = signed.stored(1)
        assert np.array_equal(minhash.signature_from(values, signed.scheme), signed.values[1])
        assert len(bands) == minhash.SCHEME.bands

    def test_of_another_scheme_are_refused(self):
        other = minhash.Scheme(seed=7)
        values, _ = minhash.signatures_of([TEXT], other).stored(0)

        with pytest.raises(minhash.SchemesDiffer, match="seed7"):
            minhash.signature_from(values, other.name)

    def test_give_every_pair_that_shares_a_band_once(self):
        texts = [TEXT, TEXT + "!", "something else altogether here", TEXT.upper(), "", ""]
        signed = minhash.signatures_of(texts)

        first, second = minhash.candidates_of(signed.bands, signed.is_empty)

        assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 3), (1, 3)]


class TestMinHashStage:
    texts = pa.table(
        {"digest": [f"k{n:02}" for n in range(30)], "text": [f"{TEXT} {n % 7}" for n in range(30)]}
    )

    def test_gives_the_same_whole_or_in_slices_or_pickled(self):
        stage = pickle.loads(pickle.dumps(MinHashStage()))
        slices = [stage(self.texts.slice(at, 7)) for at in range(0, 30, 7)]

        assert pa.concat_tables(slices).equals(MinHashStage()(self.texts))

    def test_finds_the_same_candidates_in_any_order(self):
        made = MinHashStage()(self.texts)
        slices = [made.slice(20, 10), made.slice(0, 20)]

        found = candidate_pairs([made])

        assert candidate_pairs(slices).equals(found)
        signed = minhash.signatures_of(self.texts.column("text").to_pylist())
        assert found.num_rows == len(minhash.candidates_of(signed.bands)[0])

    def test_refuses_to_compare_schemes(self):
        mixed = [MinHashStage(scheme=minhash.Scheme(seed=s))(self.texts) for s in (1, 2)]

        with pytest.raises(minhash.SchemesDiffer):
            candidate_pairs(mixed)


def vectors(n, d=32, seed=0):
    dice = np.random.default_rng(seed)
    made = dice.normal(size=(n, d)).astype(np.float32)
    made[: n // 4] = made[n // 2 : n // 2 + n // 4] + 0.1 * made[: n // 4]
    return made


def coded(pairs):
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


class TestAlikePairs:
    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 1000), st.sampled_from([0.6, 0.9, 0.97]))
    def test_finds_what_the_plain_product_finds(self, seed, least):
        made = vectors(200, seed=seed)
        rows = made / np.linalg.norm(made, axis=1, keepdims=True)
        products = np.triu(rows.astype(np.float64) @ rows.T, 1)
        unclear = np.abs(products - least) < 1e-5

        found = coded(semantic.alike_pairs(made, least))

        assert found ^ set(zip(*np.nonzero(products >= least), strict=True)) <= set(
            zip(*np.nonzero(unclear), strict=True)
        )

    def test_misses_nothing_by_searching_leading_dimensions_first(self):
        made = vectors(semantic.LEAST_ROWS + 500, d=96)
        assert semantic.leading_axes(semantic.unit(made), 0.95) is not None

        assert coded(semantic.alike_pairs(made, 0.95)) == coded(semantic.exact_pairs(made, 0.95))

    def test_takes_vectors_without_a_direction_for_like_nothing(self):
        made = vectors(8)
        made[1], made[2], made[3] = 0, np.nan, np.inf
        made[4] = made[5]

        assert coded(semantic.alike_pairs(made, 0.99)) >= {(4, 5)}
        assert not {1, 2, 3} & {
            end for pair in coded(semantic.alike_pairs(made, 0.01)) for end in pair
        }

    def test_adds_up_when_new_vectors_come(self):
        made = vectors(300)
        old, new = made[:200], made[200:]
        shifted = {(a + 200, b + 200) for a, b in coded(semantic.alike_pairs(new, 0.8))}
        across = {(b, a + 200) for a, b in coded(semantic.alike_pairs_between(new, old, 0.8))}

        whole = coded(semantic.alike_pairs(made, 0.8))

        assert whole == coded(semantic.alike_pairs(old, 0.8)) | shifted | across


class TestPolicy:
    def test_survives_its_json(self):
        assert policy.policy_of(policy.policy_json(policy.DEFAULT)) == policy.DEFAULT
        assert policy.policy_of({}) == policy.DEFAULT

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            ({"alike": {}}, "alike"),
            ({"near": 7}, "near"),
            ({"near": {"threshhold": 0.5}}, "near.threshhold"),
            ({"near": {"threshold": 0}}, "near.threshold"),
            ({"near": {"threshold": True}}, "near.threshold"),
            ({"near": {"what": "title"}}, "near.what"),
            ({"semantic": {"linkage": "ward"}}, "semantic.linkage"),
            ({"semantic": {"evidence": "jaccard"}}, "semantic.evidence"),
            ({"near": {"threshold": 0.4}}, "near.floor"),
        ],
    )
    def test_names_the_field_at_fault(self, value, field):
        with pytest.raises(InvalidField) as refused:
            policy.policy_of(value)

        assert refused.value.field == field


class TestNearPairs:
    def test_keep_a_typing_error_and_leave_out_another_answer(self):
        asked = "Is the school uniform a good or a bad idea for the children of this town?\n"
        texts = {
            "no": asked + "Side argued for: no",
            "yes": asked + "Side argued for: yes",
            "typo": asked.replace("children", "chidren") + "Side argued for: no",
        }

        found = scoring.near_pairs(texts, policy.DEFAULT.near)

        assert [pair[:2] for pair in found] == [("no", "typo")]
