"""Words, names and numbers of a text, by light rules that need no model."""

import re

MOST_CHARACTERS = 20_000  # of a text are looked through for names

# Scripts without spaces between words count each character as a word.
SINGLE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{SINGLE}]|[^\W_{SINGLE}]+")
UPPER = "A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ"
NAMED = rf"[{UPPER}]\w*(?:['’-]\w+)*"
SPAN = re.compile(rf"(?<!\w)(?:{NAMED}(?: {NAMED})*|\d(?:[\d.,]*\d)?(?!\w))")
BEFORE_SENTENCE = frozenset('.!?:;\n"“”*#|>-•)')
NO_NAMES = frozenset({"I", "I'm", "I’m", "I've", "I’ve", "I'll", "I’ll", "I'd", "I’d"})


def words_of(text: str) -> list[str]:
    """Split a text into words, in lower case.

    A word is a run of letters and digits; for ASCII texts that is what the `rouge-score` package
    takes for one. Each character of Chinese and Japanese scripts is a word.
    """
    return WORD.findall(text.lower())


def n_tokens(text: str, n_words: int) -> int:
    """Estimate the tokens of a text: the greater of its words and a quarter of its bytes."""
    return max(n_words, -(-len(text.encode()) // 4))


def entities_of(text: str) -> frozenset[str]:
    """Find what a text names: capitalised spans within sentences, and numbers.

    A span is a run of words with Latin, Greek or Cyrillic capitals and one space between them. The
    first word of a sentence says nothing, unless it is all capitals. Numbers count without commas.

    Args:
        text: any text; the first `MOST_CHARACTERS` are looked at.
    """
    found: set[str] = set()
    for span in SPAN.finditer(text, 0, MOST_CHARACTERS):
        said = span.group()
        if said[0].isdigit():
            found.add(said.replace(",", ""))
            continue
        names = [word for word in said.split(" ") if word not in NO_NAMES]
        if names and starts_sentence(text, span.start()) and not is_acronym(names[0]):
            names = names[1:]
        if names:
            found.add(" ".join(names))
    return frozenset(found)


def starts_sentence(text: str, place: int) -> bool:
    before = text[max(place - 3, 0) : place].rstrip(" ")
    return not before or before[-1] in BEFORE_SENTENCE


def is_acronym(word: str) -> bool:
    return len(word) > 1 and word.isupper()
