"""Whether two texts that are nearly word for word the same differ in a word that matters.

A template filled in twice ("argued for: yes", "argued for: no") is as similar as a typing error by
every measure of likeness. So where nearly all words agree, those that do not decide.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from curation.domain.duplicates.alignment import matches
from curation.domain.duplicates.reading import NUMBER_WORDS, dice, jaccard, numbers_in, quadgrams

NEARLY_VERBATIM = 0.8  # share of words in common from which on the others decide
SPARED = 0.1  # of the words of a sentence may be exchanged
SPELLING = 0.75  # likeness of two spellings of one word
RUN = 6  # words in a row that two texts share only if one phrasing made both
MUCH_SHARED = 0.2  # of the words in such runs; nineteen in twenty rephrased questions have less
REST_NUMBERS = 0.5  # likeness of the numbers in what is not shared
REST_WORDING = 0.7  # likeness of its wording where it has no numbers
NEGATIONS = frozenset(
    ["no", "not", "never", "none", "nor", "without", "except", "unless", "cannot"]
)
WORD = re.compile(r"\w+(?:[.,'’-]\w+)*|\n")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")


def is_contradicted(first: str, second: str) -> bool:
    """Say whether two nearly equal texts differ where it matters.

    It matters when a number or a negation differs, when a capitalised name is exchanged, or when
    in some sentence or line more than a tenth of the words (at least one) are exchanged, added or
    left out. Case, punctuation and spelling variants never matter.

    Returns:
        False also for texts with less than four fifths of their words in common: there single
        words say nothing.
    """
    mine, theirs = words_of(first), words_of(second)
    found = matches([w.lower() for w, _ in mine], [w.lower() for w, _ in theirs])
    if not is_nearly_verbatim(found, len(mine) + len(theirs)):
        return False
    changed: list[dict[int, int]] = [{}, {}]
    for one, other in gaps(found, mine, theirs):
        if is_variant(one, other):
            continue
        if any(map(is_decisive, (*one, *other))):
            return True
        for side, words in enumerate((one, other)):
            for _, sentence in words:
                changed[side][sentence] = changed[side].get(sentence, 0) + 1
    return any(
        n > SPARED * size
        for side, words in zip(changed, (mine, theirs), strict=True)
        for n, size in sizes(side, words)
    )


def fills_one_template(first: str, second: str) -> bool:
    """Say whether two texts share their phrasing but are about different things.

    It holds when a fifth of the words stands in common runs of six words or more, and what remains
    has other numbers, or has none and is worded otherwise. Who rephrases a text leaves few such
    runs; where they are, what stands between them was filled in.
    """
    mine, theirs = ([word for word, _ in words_of(text)] for text in (first, second))
    found = matches([w.lower() for w in mine], [w.lower() for w in theirs])
    if is_nearly_verbatim(found, len(mine) + len(theirs)):
        return False
    runs = [match for match in found if match[2] >= RUN]
    if 2 * sum(size for _, _, size in runs) < MUCH_SHARED * (len(mine) + len(theirs)):
        return False
    one = without(mine, [(begin, size) for begin, _, size in runs])
    other = without(theirs, [(begin, size) for _, begin, size in runs])
    numbers = numbers_in(one), numbers_in(other)
    if any(numbers):
        return jaccard(*numbers) < REST_NUMBERS
    return dice(quadgrams(one), quadgrams(other)) < REST_WORDING


def is_nearly_verbatim(found: Sequence[tuple[int, int, int]], n_words: int) -> bool:
    return 2 * sum(size for _, _, size in found) >= NEARLY_VERBATIM * n_words


def without(words: Sequence[str], runs: Sequence[tuple[int, int]]) -> str:
    left = dict(enumerate(words))
    for begin, size in runs:
        for place in range(begin, begin + size):
            del left[place]
    return " ".join(left.values())


Word = tuple[str, int]  # and the number of its sentence


def words_of(text: str) -> list[Word]:
    return [
        (word, number)
        for number, sentence in enumerate(SENTENCE_END.split(text))
        for word in WORD.findall(sentence)
    ]


def gaps(
    found: Sequence[tuple[int, int, int]], mine: Sequence[Word], theirs: Sequence[Word]
) -> Iterator[tuple[Sequence[Word], Sequence[Word]]]:
    at, there = 0, 0
    for begin, other, size in [*found, (len(mine), len(theirs), 0)]:
        if at < begin or there < other:
            yield mine[at:begin], theirs[there:other]
        at, there = begin + size, other + size


def is_variant(one: Sequence[Word], other: Sequence[Word]) -> bool:
    """Two spellings of the same words: "colour" and "color", "e-mail" and "email"."""
    left, right = (re.sub(r"\W", "", "".join(w for w, _ in side)).lower() for side in (one, other))
    if left == right:
        return True
    if not left or not right or any(c.isdigit() for c in left + right):
        return False
    return min(len(left), len(right)) >= 4 and likeness(left, right) >= SPELLING


def likeness(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def is_decisive(word: Word) -> bool:
    plain = word[0].lower()
    return (
        any(c.isdigit() for c in plain)
        or plain in NUMBER_WORDS
        or plain in NEGATIONS
        or plain.endswith(("n't", "n’t"))
    )


def sizes(changed: dict[int, int], words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    for sentence, n in changed.items():
        yield n, sum(1 for _, number in words if number == sentence)
