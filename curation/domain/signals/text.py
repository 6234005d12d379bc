"""The signals of a comparison's texts alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from curation.domain.signals.declared_texts import SIMILARITIES
from curation.domain.signals.formats import FORMS, format_counts
from curation.domain.signals.languages import UNDETERMINED, language_of
from curation.domain.signals.pairs import over_pairs, rounded
from curation.domain.signals.signal import Values
from curation.domain.signals.similarity import (
    MOST_WORDS,
    edit_similarity,
    ngram_similarity,
    ngrams_of,
    overlap,
    rouge_1,
    rouge_l,
)
from curation.domain.signals.wording import entities_of, n_tokens, words_of
from curation.domain.texts import folded


class Length(NamedTuple):
    characters: int
    words: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """What the signals ask of a prompt."""

    length: Length
    n_turns: int
    language: str
    forms: dict[str, int]


@dataclass(frozen=True, slots=True)
class ReadResponse:
    """What the signals ask of a response; read once for all comparisons that it is in."""

    text: str
    length: Length
    words: Sequence[str]
    counted: Counter[str]
    ngrams: frozenset[str]
    entities: frozenset[str]
    language: str
    forms: dict[str, int]


def read_prompt(text: str, n_turns: int) -> ReadPrompt:
    """Read a prompt of `n_turns` messages."""
    return ReadPrompt(
        length_of(text, len(words_of(text))), n_turns, language_of(text), format_counts(text)
    )


def read_response(text: str) -> ReadResponse:
    words = words_of(text)
    first = words[:MOST_WORDS]
    return ReadResponse(
        text,
        length_of(text, len(words)),
        first,
        Counter(first),
        ngrams_of(folded(text)),
        entities_of(text),
        language_of(text),
        format_counts(text),
    )


def length_of(text: str, n_words: int) -> Length:
    return Length(len(text), n_words, n_tokens(text, n_words))


def text_signals(prompt: ReadPrompt, responses: Sequence[ReadResponse]) -> Values:
    """Work out the signals of the family "text".

    Args:
        prompt: of a joint comparison that of its first item.
        responses: the 2 to 9 responses compared, in stored order.

    Returns:
        Every signal of the family but, for two responses, the least and the most over pairs, which
        are those of the one pair. Swapping two responses changes the sign of the differences and
        nothing else. No number is infinite or NaN.
    """
    return (
        length_signals(prompt, responses)
        | similarity_signals(responses)
        | language_signals(prompt, responses)
        | format_signals(prompt, responses)
    )


def length_signals(prompt: ReadPrompt, responses: Sequence[ReadResponse]) -> Values:
    values: Values = {"n_turns": prompt.n_turns, "n_responses": len(responses)}
    for unit in Length._fields:
        lengths = [getattr(response.length, unit) for response in responses]
        values[f"prompt_{unit}"] = getattr(prompt.length, unit)
        values[f"shortest_{unit}"], values[f"longest_{unit}"] = min(lengths), max(lengths)
    characters = [response.length.characters for response in responses]
    longest, shortest = max(characters), min(characters)
    values["relative_length_gap"] = relative(longest, shortest)
    is_pair = len(responses) == 2
    values["length_difference"] = characters[0] - characters[1] if is_pair else None
    values["relative_length_difference"] = relative(*characters) if is_pair else None
    return values


def relative(first: int, second: int) -> float:
    """(a - b) / (a + b), 0 where both are 0."""
    return rounded((first - second) / (first + second)) if first + second else 0.0


PairMeasure = Callable[[ReadResponse, ReadResponse], float]
MEASURES: dict[str, PairMeasure] = {
    "rouge_1": lambda a, b: rouge_1(a.counted, b.counted),
    "rouge_l": lambda a, b: rouge_l(a.words, b.words),
    "ngram_similarity": lambda a, b: ngram_similarity(a.ngrams, b.ngrams),
    "edit_similarity": lambda a, b: edit_similarity(a.text, b.text),
    "entity_overlap": lambda a, b: overlap(a.entities, b.entities),
}
assert MEASURES.keys() == SIMILARITIES.keys()


def similarity_signals(responses: Sequence[ReadResponse]) -> Values:
    pairs = list(combinations(responses, 2))
    values: Values = {
        "identical_responses": any(a.text == b.text for a, b in pairs),
        "empty_response": any(not response.text.strip() for response in responses),
        "no_entities": not any(response.entities for response in responses),
    }
    for name, measure in MEASURES.items():
        values |= over_pairs(name, [measure(a, b) for a, b in pairs])
    return values


def language_signals(prompt: ReadPrompt, responses: Sequence[ReadResponse]) -> Values:
    spoken = {response.language for response in responses}
    return {
        "prompt_language": prompt.language,
        "response_languages": sorted(spoken),
        "language_mismatch": len((spoken | {prompt.language}) - {UNDETERMINED}) > 1,
    }


def format_signals(prompt: ReadPrompt, responses: Sequence[ReadResponse]) -> Values:
    values: Values = {}
    for form in FORMS:
        counts = [response.forms[form] for response in responses]
        values[f"prompt_has_{form}"] = prompt.forms[form] > 0
        values[f"responses_with_{form}"] = rounded(sum(n > 0 for n in counts) / len(counts))
        values[f"{form}_difference"] = counts[0] - counts[1] if len(counts) == 2 else None
    used = [{form for form in FORMS if response.forms[form]} for response in responses]
    differing = [len(a ^ b) / len(FORMS) for a, b in combinations(used, 2)]
    values["format_distance"] = rounded(sum(differing) / len(differing))
    return values
