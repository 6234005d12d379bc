"""The score of one pair of texts under a rule, and all pairs of a batch of texts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.domain.duplicates import semantic
from curation.domain.duplicates.evidence import weighed
from curation.domain.duplicates.minhash import SCHEME, Scheme, candidates_of, signatures_of
from curation.domain.duplicates.pairs import Key, Pair, pair_of
from curation.domain.duplicates.policy import Rule
from curation.domain.duplicates.reading import Reading, reading_of
from curation.domain.duplicates.shingles import jaccard_of
from curation.domain.duplicates.wording import is_contradicted

LEAST_STORED = 0.05  # score of a pair that is worth keeping: less moves no group


class Scored(NamedTuple):
    """What a rule says about a pair.

    Attributes:
        score: in [0, 1], to hold against the rule's threshold.
        similarity: exact Jaccard of the shingles, or cosine.
        evidence: what the score is made of, by name.
    """

    score: float
    similarity: float
    evidence: dict[str, float | str]


def near_score(first: str, second: str, rule: Rule, scheme: Scheme = SCHEME) -> Scored:
    """Score two texts by their shingles, counted exactly rather than estimated."""
    similarity = jaccard_of(first, second, scheme.shingle)
    if similarity >= rule.floor and rule.evidence == "checked" and is_contradicted(first, second):
        return Scored(0.0, similarity, {"ruled_out": "contradicted"})
    return Scored(similarity, similarity, {})


def semantic_score(first: Reading, second: Reading, cosine: float, rule: Rule) -> Scored:
    """Score two texts by the cosine of their vectors, and what else the rule asks for."""
    if rule.evidence == "cosine":
        return Scored(max(0.0, cosine), cosine, {})
    found = weighed(first, second, cosine)
    said = {"kind": found.kind, "ruled_out": found.ruled_out}
    return Scored(found.score, cosine, {**found.parts, **said})


def is_kept(scored: Scored, rule: Rule) -> bool:
    """Whether a pair is stored: others are so weak that no group depends on them."""
    return scored.similarity >= rule.floor and scored.score >= LEAST_STORED


def near_pairs(texts: Mapping[Key, str], rule: Rule, scheme: Scheme = SCHEME) -> list[Pair]:
    """Find all pairs of texts that are near by their shingles, ascending.

    Args:
        texts: by key; equal texts under two keys are a pair too.
        rule: evidence and floor.
    """
    keys = sorted(texts)
    signed = signatures_of([texts[key] for key in keys], scheme)
    found = []
    for one, other in zip(*candidates_of(signed.bands, signed.is_empty), strict=True):
        scored = near_score(texts[keys[one]], texts[keys[other]], rule, scheme)
        if is_kept(scored, rule):
            found.append(pair_of(keys[one], keys[other], scored.score, scored.similarity))
    return sorted(found)


def semantic_pairs(
    keys: Sequence[Key], texts: Sequence[str], vectors: NDArray[np.float32], rule: Rule
) -> list[Pair]:
    """Find all pairs of texts that may say the same by their vectors, ascending.

    Args:
        keys, texts: n each.
        vectors: shape (n, d); a text without a direction (zero, NaN) is like nothing.
        rule: evidence and floor.
    """
    alike = semantic.alike_pairs(vectors, rule.floor)
    readings = {row: reading_of(texts[row]) for row in {*alike.first, *alike.second}}
    found = []
    for one, other, cosine in zip(alike.first, alike.second, alike.cosine, strict=True):
        scored = semantic_score(readings[one], readings[other], float(cosine), rule)
        if is_kept(scored, rule):
            found.append(pair_of(keys[one], keys[other], scored.score, scored.similarity))
    return sorted(found)
