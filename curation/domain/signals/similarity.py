"""How alike two texts are, by words, characters, edits and names. All symmetric, in [0, 1]."""

from collections import Counter
from collections.abc import Collection, Sequence

from rapidfuzz.distance import Indel, LCSseq

NGRAM = 5
MOST_WORDS = 2_000
MOST_NGRAM_CHARACTERS = 5_000
MOST_EDIT_CHARACTERS = 5_000


def rouge_1(left: Counter[str], right: Counter[str]) -> float:
    """Measure how many words two texts share, as F1 of ROUGE-1.

    Args:
        left, right: how often each word occurs.

    Returns:
        2 x shared / all words; 0 where either text has no words, as the `rouge-score` package does.

    Source: Lin (2004), ROUGE: A Package for Automatic Evaluation of Summaries.
    """
    return f_measure((left & right).total(), left.total(), right.total())


def rouge_l(left: Sequence[str], right: Sequence[str]) -> float:
    """Measure the longest common subsequence of words, as F1 of ROUGE-L; 0 without words.

    Source: Lin (2004), with precision and recall of equal weight.
    """
    return f_measure(LCSseq.similarity(left, right), len(left), len(right))


def f_measure(n_shared: int, n_left: int, n_right: int) -> float:
    return 2 * n_shared / (n_left + n_right) if n_left and n_right else 0.0


def ngrams_of(text: str) -> frozenset[str]:
    """The runs of `NGRAM` characters in a text that is folded; a shorter text is one run."""
    start = text[:MOST_NGRAM_CHARACTERS]
    last = max(len(start) - NGRAM + 1, 1)
    return frozenset(start[place : place + NGRAM] for place in range(last)) - {""}


def overlap(left: Collection[str], right: Collection[str]) -> float:
    """Jaccard index |A and B| / |A or B|; 0 where both are empty."""
    left, right = frozenset(left), frozenset(right)
    n_shared = len(left & right)
    n_all = len(left) + len(right) - n_shared
    return n_shared / n_all if n_all else 0.0


def ngram_similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard index of two texts' runs of characters; 1 where both texts are empty."""
    return overlap(left, right) if left or right else 1.0


def edit_similarity(left: str, right: str) -> float:
    """Share of two texts that stays when one is edited into the other; 1 where both are empty.

    1 - d / (m + n) with d insertions and deletions and m, n characters, of the first
    `MOST_EDIT_CHARACTERS` of each.
    """
    return Indel.normalized_similarity(left[:MOST_EDIT_CHARACTERS], right[:MOST_EDIT_CHARACTERS])
