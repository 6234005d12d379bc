"""From what the learned router tells where judges are right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.domain.verdicts import Floats
from curation.domain.signals.formats import FORMS

CONFIDENCE = "confidence"
CLIP = 1e-4  # as far as probabilities of judges are told from certainty
MOST_WORDS = 12  # languages or topics with a column of their own, the commonest first
FEWEST_OF_A_WORD = 20  # comparisons

# People's votes may not be told from: not votes, difficulty, or gaps to what people chose, as the
# very labels that are to be foretold are in them.
AS_THEY_ARE = (
    "judge_entropy",
    "judge_disagreement",
    "judge_agreement",
    "order_flip",
    "n_judges",
    "relative_length_gap",
    "rouge_1",
    "rouge_l",
    "ngram_similarity",
    "edit_similarity",
    "entity_overlap",
    "format_distance",
    "response_cosine",
    "prompt_response_cosine",
    "reward_gap_sd",
    "n_turns",
    "identical_responses",
    "empty_response",
    "no_entities",
    "language_mismatch",
    *(f"prompt_has_{form}" for form in FORMS),
    *(f"responses_with_{form}" for form in FORMS),
)
SKEWED = ("prompt_words", "shortest_words", "longest_words")
# About the first response less the second: told about the judges' choice less the other one.
SIGNED = (
    "relative_length_difference",
    "prompt_response_cosine_difference",
    "reward_gap_mean",
    "reference_log_ratio_per_token",
    "judged_strength_gap",
    *(f"{form}_difference" for form in FORMS),
)
SIZED = ("judged_strength_gap",)  # its size says something, too, whichever response is better
# Worked out for this alone, by `juries` and `strengths`; the rest are facts of their own.
FROM_JURY = (
    "judge_confidence",
    "judge_probability",
    "judge_agreement",
    "order_flip",
    "judged_strength_gap",
)
WORDS = ("prompt_language", "topic_label")
# Every fact that is read.
SOURCES = (
    "judge_confidence",
    "judge_probability",
    *AS_THEY_ARE,
    *SKEWED,
    *SIGNED,
    *WORDS,
)


def sources_of(names: Sequence[str]) -> set[str]:
    """The facts that features of these names are told from."""
    told = {f"log_{name}": name for name in SKEWED}
    told |= {f"chosen_{name}": name for name in SIGNED}
    told |= {f"size_of_{name}": name for name in SIZED}
    return {told.get(name, name.partition("=")[0]) for name in names}


def features_of(
    columns: Mapping[str, NDArray[Any]], wanted: Sequence[str] | None = None
) -> tuple[Floats, list[str]]:
    """Turn facts about n comparisons into features.

    Args:
        columns: by the names in `SOURCES`, each (n,); numbers with NaN, words with None, where a
            comparison lacks it. A name may be missing altogether.
        wanted: the features that a fitted model asks for; None for all that these facts give.
    Returns:
        (n, F) with NaN where unknown, and the F names; the first is the confidence, in logits. A
        feature of a word is 1 where the fact is this word, else 0.
    """
    n = len(next(iter(columns.values()))) if columns else 0
    told = confidence_features(columns, n)
    told |= {name: number(columns, name, n) for name in AS_THEY_ARE}
    told |= {f"log_{name}": np.log1p(np.maximum(number(columns, name, n), 0)) for name in SKEWED}
    side = np.sign(number(columns, "judge_probability", n) - 0.5)
    told |= {f"chosen_{name}": side * squeezed(number(columns, name, n)) for name in SIGNED}
    told |= {f"size_of_{name}": np.abs(number(columns, name, n)) for name in SIZED}
    names = list(told) + common_words(columns) if wanted is None else list(wanted)
    found = [told[name] if name in told else word(columns, name, n) for name in names]
    return np.column_stack(found) if found else np.empty((n, 0)), names


def confidence_features(columns: Mapping[str, NDArray[Any]], n: int) -> dict[str, Floats]:
    share = np.clip(number(columns, "judge_confidence", n), CLIP, 1 - CLIP)
    is_even = number(columns, "judge_probability", n) == 0.5
    return {CONFIDENCE: np.log(share / (1 - share)), "judges_even": is_even.astype(float)}


def number(columns: Mapping[str, NDArray[Any]], name: str, n: int) -> Floats:
    return np.asarray(columns[name], float) if name in columns else np.full(n, np.nan)


def squeezed(values: Floats) -> Floats:
    """Bring counts of any size into a range where one outlier does not rule."""
    found: Floats = np.sign(values) * np.log1p(np.abs(values))
    return found


def common_words(columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """Name the features of the commonest words of each fact of words, as "fact=word"."""
    names = []
    for fact in WORDS:
        said = [one for one in columns.get(fact, np.empty(0, object)).tolist() if one is not None]
        words, times = np.unique(np.array(said, str), return_counts=True)
        order = np.argsort(-times, kind="stable")[:MOST_WORDS]
        names += [f"{fact}={words[place]}" for place in order if times[place] >= FEWEST_OF_A_WORD]
    return names


def word(columns: Mapping[str, NDArray[Any]], name: str, n: int) -> Floats:
    fact, _, value = name.partition("=")
    if fact not in columns:
        return np.zeros(n)
    return np.array([one == value for one in columns[fact].tolist()], float)
