from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tokenizers import Tokenizer

from curation.domain.embedding.chunks import pooled, windows
from curation.domain.embedding.encoder import default_model
from curation.domain.embedding.tokens import Cutter, readable

SIZES = st.integers(2, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.from_file(str(Path(default_model()) / "tokenizer.json"))


class TestWindows:
    @given(st.integers(0, 400), SIZES)
    def test_cover_every_token_and_overlap_as_stated(self, n, sizes):
        size, overlap = sizes

        cuts = windows(n, size, overlap)

        assert {at for start, stop in cuts for at in range(start, stop)} == set(range(n))
        assert all(0 < stop - start <= size for start, stop in cuts)
        assert all(a[1] - b[0] == overlap for a, b in zip(cuts, cuts[1:], strict=False))

    @given(st.integers(1, 400), SIZES)
    def test_the_last_one_brings_something_new(self, n, sizes):
        cuts = windows(n, *sizes)

        assert len(cuts) == 1 or cuts[-1][1] > cuts[-2][1]

    def test_an_empty_text_has_none(self):
        assert windows(0, 10, 2) == []


class TestCutter:
    @settings(max_examples=20)
    @given(st.integers(1, 90), st.integers(8, 40))
    def test_cuts_as_the_tokenizer_itself_does(self, tokenizer, n_words, limit):
        text = "the quick brown fox jumps over " * n_words
        cutter = Cutter(tokenizer, limit)
        twin = Tokenizer.from_str(tokenizer.to_str())
        twin.no_padding()
        twin.enable_truncation(limit, stride=cutter.overlap)

        runs = cutter.cut(cutter.read(text))

        whole = twin.encode(text)
        wanted = [piece.ids for piece in [whole, *whole.overflowing]]
        assert [run.tolist() for run in runs] == wanted

    def test_leaves_the_model_s_tokenizer_as_it_was(self, tokenizer):
        before = tokenizer.to_str()

        Cutter(tokenizer, 16).read("some words")

        assert tokenizer.to_str() == before

    def test_joins_surrogate_pairs_and_replaces_lone_ones(self):
        assert readable("\ud83d\ude42 \ud83d x\udc00") == "🙂 � x�"


VECTORS = arrays(np.float32, (5, 4), elements=st.floats(-1, 1, width=32))


class TestPooled:
    @given(VECTORS, st.lists(st.integers(1, 300), min_size=5, max_size=5))
    def test_is_the_weighted_mean_at_length_1(self, vectors, weights):
        owners = np.array([0, 0, 1, 1, 1])

        found = pooled(vectors, np.array(weights), owners, 2)

        for at in range(2):
            mean = np.average(
                vectors[owners == at].astype(float), 0, np.array(weights)[owners == at]
            )
            length = np.linalg.norm(mean)
            if length > 1e-6:
                np.testing.assert_allclose(found[at], mean / length, atol=1e-5)

    def test_gives_zeros_to_a_text_without_windows(self):
        found = pooled(np.ones((1, 4), np.float32), np.array([3]), np.array([1]), 3)

        assert found.any(axis=1).tolist() == [False, True, False]

    def test_gives_zeros_where_windows_cancel_out(self):
        vectors = np.array([[1, 0], [-1, 0]], dtype=np.float32)

        found = pooled(vectors, np.array([7, 7]), np.array([0, 0]), 1)

        assert not found.any()
