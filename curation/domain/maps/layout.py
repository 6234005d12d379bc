"""Vectors laid out on a plane, so that neighbours stay neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.domain.maps.neighbours import nearest

Floats = NDArray[np.float32]

MOST_LANDMARKS = 2_000  # t-SNE grows faster than linearly; all others are placed among these
LEAST_FOR_TSNE = 10  # fewer points have no neighbourhoods to keep
COMPONENTS = 50  # van der Maaten and Hinton (2008) reduce to 30-50 dimensions first
PERPLEXITY = 30.0  # their range is 5 to 50
NEIGHBOURS = 5
SEED = 0
SAME = 1e-6  # a vector this close to a landmark lies on it


@dataclass(frozen=True, slots=True)
class Plane:
    """Landmarks with their places, among which any vector finds its own.

    Attributes:
        landmarks: shape (m, d), each of length 1.
        places: shape (m, 2), both axes within [-1, 1].
    """

    landmarks: Floats
    places: Floats

    def place(self, vectors: Floats) -> Floats:
        """Place vectors at the mean of their nearest landmarks, weighted by 1 / cosine distance.

        Args:
            vectors: shape (n, d), each of length 1.

        Returns:
            Shape (n, 2); a landmark is given its own place.
        """
        if not len(vectors):
            return np.zeros((0, 2), dtype=np.float32)
        found, cosines = nearest(vectors, self.landmarks, NEIGHBOURS)
        weights = 1 / (np.clip(1 - cosines.astype(np.float64), 0, None) + SAME)
        around = self.places[found] * weights[..., None]
        return (around.sum(axis=1) / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def lay_out(vectors: Floats) -> Plane:
    """Lay vectors out with t-SNE, started from their principal components.

    Of more than `MOST_LANDMARKS` vectors, as many evenly spread over the order given are laid out.
    The same rows in the same order give the same plane on the same machine.

    Args:
        vectors: shape (n, d), n at least 1, each of length 1.

    Source: van der Maaten and Hinton (2008), "Visualizing Data using t-SNE", JMLR 9, whose
    section 5 lays out landmarks of a large set; start from principal components: Kobak and Berens
    (2019), Nature Communications 10.
    """
    n = len(vectors)
    spread = np.linspace(0, n - 1, min(n, MOST_LANDMARKS)).round().astype(np.int64)
    landmarks = vectors[np.unique(spread)]
    return Plane(landmarks, _within_one(_embed(landmarks)))


def _embed(vectors: Floats) -> Floats:
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, d = vectors.shape
    if np.ptp(vectors, axis=0).max() < SAME:
        return np.zeros((n, 2), dtype=np.float32)
    reduced = PCA(min(COMPONENTS, n, d), random_state=SEED).fit_transform(vectors)
    if n < LEAST_FOR_TSNE:
        return np.pad(reduced, ((0, 0), (0, 1)))[:, :2].astype(np.float32)
    tsne = TSNE(perplexity=min(PERPLEXITY, (n - 1) / 3), init="pca", random_state=SEED)
    return tsne.fit_transform(reduced.astype(np.float32))


def _within_one(plane: Floats) -> Floats:
    centred = plane - (plane.max(axis=0) + plane.min(axis=0)) / 2
    reach = np.abs(centred).max()
    return centred / reach if reach > 0 else centred
