"""Prompts gathered into topics, each named by the words that set it apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SEED = 0
MOST_TOPICS = 24
LEAST_PROMPTS = 6  # fewer are one topic
MOST_EXACT = 5_000  # prompts; more are gathered in mini-batches
SAMPLE = 1_500  # prompts on which numbers of topics are compared
LABEL_WORDS = 3
TYPICAL = 3
WORD = r"(?u)\b[^\W\d_]{3,}\b"  # letters only: numbers and two-letter words name no topic


@dataclass(frozen=True, slots=True)
class Topics:
    """Which topic each prompt belongs to.

    Attributes:
        of: topic of each prompt, shape (n,), from 0; topic 0 is the largest.
        centroids: shape (k, d), each of length 1.
        typical: places of each topic's prompts nearest to its centroid, nearest first.
    """

    of: NDArray[np.int64]
    centroids: Floats
    typical: list[list[int]]


def gather(vectors: Floats, k: int | None = None) -> Topics:
    """Gather vectors into topics by spherical k-means.

    Args:
        vectors: shape (n, d), each of length 1, n at least 1.
        k: how many topics; None takes the number with the best mean silhouette
            (Rousseeuw, 1987, J. Comput. Appl. Math. 20) among a few.
    """
    n = len(vectors)
    wanted = k or _best_number(vectors)
    labels = _cluster(vectors, wanted) if 1 < wanted <= n else np.zeros(n, dtype=np.int64)
    sizes = np.bincount(labels)
    # The largest first; of equal ones, the one that holds the earliest prompt.
    firsts = np.array([np.argmax(labels == one) for one in range(len(sizes))])
    order = np.lexsort((firsts, -sizes))
    order = order[sizes[order] > 0]
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of = rank[labels]
    means = np.stack([vectors[of == one].mean(axis=0) for one in range(len(order))])
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    centroids = np.divide(means, norms, out=np.zeros_like(means), where=norms > 0)
    return Topics(of, centroids, [_nearest(vectors, of, centroids, t) for t in range(len(order))])


def nearest_topic(vectors: Floats, centroids: Floats) -> NDArray[np.int64]:
    """Give each of n vectors the topic whose centroid is most similar, shape (n,)."""
    return np.argmax(vectors @ centroids.T, axis=1).astype(np.int64)


def _best_number(vectors: Floats) -> int:
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.metrics import silhouette_score

    n = len(vectors)
    if n < LEAST_PROMPTS:
        return 1
    sample = vectors[np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64))]
    most = min(MOST_TOPICS, len(sample) // 2)
    tried = sorted({k for k in (2, 3, 4, 6, 8, 12, 16, 24) if k <= most})
    scores = {}
    for k in tried:
        labels = _cluster(sample, k)
        if 1 < len(np.unique(labels)) < len(sample):
            scores[k] = silhouette_score(sample, labels, metric="cosine")
    return max(scores, key=lambda k: (round(scores[k], 6), -k)) if scores else 1


def _cluster(vectors: Floats, k: int) -> NDArray[np.int64]:
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.cluster import KMeans, MiniBatchKMeans

    kind = KMeans if len(vectors) <= MOST_EXACT else MiniBatchKMeans
    return kind(k, n_init=4, random_state=SEED).fit_predict(vectors).astype(np.int64)


def _nearest(vectors: Floats, of: NDArray[np.int64], centroids: Floats, topic: int) -> list[int]:
    places = np.flatnonzero(of == topic)
    order = np.argsort(-(vectors[places] @ centroids[topic]), kind="stable")
    return [int(place) for place in places[order[:TYPICAL]]]


def name_topics(texts: Sequence[str], of: NDArray[np.int64]) -> list[str]:
    """Name each topic by the words that are frequent in it and rare elsewhere.

    Args:
        texts: the prompts, n of them.
        of: topic of each, shape (n,), every topic from 0 to the largest in use.

    Returns:
        Up to `LABEL_WORDS` words a topic, "; " between them; "Topic 3" where no word stands out.

    Source: class-based TF-IDF, Grootendorst (2022), "BERTopic", eq. 2: tf · log(1 + A / f), tf the
    count of a word in the topic, f that in all topics, A the mean number of words a topic.
    """
    # Only here: loaded with the module, it would hold 50 MB in every process, fitting or not.
    from sklearn.feature_extraction.text import CountVectorizer

    n_topics = int(of.max()) + 1 if len(of) else 0
    bare = [f"Topic {number + 1}" for number in range(n_topics)]
    try:
        counter = CountVectorizer(token_pattern=WORD, stop_words="english", max_features=20_000)
        counts = counter.fit_transform([text[:5_000] for text in texts])
    except ValueError:  # no word at all
        return bare
    member = np.zeros((n_topics, len(texts)), dtype=np.float32)
    member[of, np.arange(len(texts))] = 1
    by_topic = member @ counts
    weights = by_topic * np.log1p(by_topic.sum() / n_topics / by_topic.sum(axis=0))
    words = counter.get_feature_names_out()
    return [
        "; ".join(words[place] for place in _best(row)) or bare[number]
        for number, row in enumerate(weights)
    ]


def _best(row: NDArray[np.float64]) -> list[int]:
    order = np.argsort(-row, kind="stable")[:LABEL_WORDS]
    return [int(place) for place in order if row[place] > 0]
