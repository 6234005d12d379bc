import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

from curation.domain.maps import layout
from curation.domain.maps.layout import lay_out
from curation.domain.maps.neighbours import nearest
from curation.domain.maps.topics import gather, name_topics


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clouds(n_each, *, n_clouds=3, d=32, spread=0.15, seed=0):
    """Points around `n_clouds` random directions, one cloud after the other."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(n_clouds, d)))
    rows = np.repeat(centres, n_each, axis=0)
    return unit(rows + spread * rng.normal(size=rows.shape) / np.sqrt(d))


class TestLayOut:
    def test_keeps_neighbours_together(self):
        vectors = clouds(40)

        plane = lay_out(vectors).place(vectors)

        assert trustworthiness(vectors, plane, n_neighbors=5, metric="cosine") > 0.9
        assert np.abs(plane).max() == pytest.approx(1, abs=1e-3)

    def test_places_the_others_among_the_landmarks(self, monkeypatch):
        monkeypatch.setattr(layout, "MOST_LANDMARKS", 60)
        vectors = clouds(60)
        of = np.repeat(np.arange(3), 60)

        plane = lay_out(vectors).place(vectors)

        centres = np.stack([plane[of == one].mean(axis=0) for one in range(3)])
        told = np.linalg.norm(plane[:, None] - centres[None], axis=2).argmin(axis=1)
        assert (told == of).mean() == 1

    def test_is_the_same_every_time(self):
        vectors = clouds(20)

        assert np.array_equal(lay_out(vectors).places, lay_out(vectors).places)

    @pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11])
    def test_takes_any_number_of_prompts(self, n):
        plane = lay_out(clouds(n, n_clouds=1)).places

        assert plane.shape == (n, 2)
        assert np.isfinite(plane).all()

    def test_takes_prompts_that_are_all_the_same(self):
        vectors = np.repeat(unit(np.ones((1, 8))), 12, axis=0)

        assert np.array_equal(lay_out(vectors).place(vectors), np.zeros((12, 2)))

    def test_gives_a_landmark_its_own_place(self):
        vectors = clouds(10)
        plane = lay_out(vectors)

        assert plane.place(vectors) == pytest.approx(plane.places, abs=1e-3)


class TestNearest:
    @settings(max_examples=30, deadline=None)
    @given(n=st.integers(1, 8), m=st.integers(1, 12), k=st.integers(1, 6), seed=st.integers(0, 99))
    def test_equals_a_full_sort(self, n, m, k, seed):
        rng = np.random.default_rng(seed)
        rows, among = unit(rng.normal(size=(n, 4))), unit(rng.normal(size=(m, 4)))

        _, cosines = nearest(rows, among, k)

        assert cosines == pytest.approx(-np.sort(-(rows @ among.T), axis=1)[:, :k], abs=1e-6)


class TestGather:
    def test_finds_the_number_of_topics_and_their_members(self):
        topics = gather(clouds(30, n_clouds=4))

        assert len(topics.centroids) == 4
        assert all(len(set(topics.of[start : start + 30])) == 1 for start in range(0, 120, 30))

    def test_puts_the_largest_first_and_knows_typical_prompts(self):
        vectors = np.concatenate([clouds(5, n_clouds=1, seed=1), clouds(20, n_clouds=1, seed=2)])

        topics = gather(vectors, k=2)

        assert list(np.bincount(topics.of)) == [20, 5]
        assert all(topics.of[place] == 0 for place in topics.typical[0])
        closeness = vectors[topics.of == 0] @ topics.centroids[0]
        assert vectors[topics.typical[0][0]] @ topics.centroids[0] == pytest.approx(closeness.max())

    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_takes_a_few_prompts_for_one_topic(self, n):
        assert set(gather(clouds(n, n_clouds=1)).of) == {0}


class TestNameTopics:
    def test_names_them_by_the_words_that_set_them_apart(self):
        texts = ["bake sourdough bread please", "bread dough please", "sort a python list please"]

        names = name_topics([*texts, "python list please"], np.array([0, 0, 1, 1]))

        assert names[0].startswith("bread")
        assert set(names[1].split("; ")) >= {"python", "list"}

    def test_numbers_topics_without_words(self):
        assert name_topics(["1 + 1", "2?"], np.array([0, 1])) == ["Topic 1", "Topic 2"]
