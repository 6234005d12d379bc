"""The words of a text, by which one that is repeated is known however it was typed."""

import re
import unicodedata

from curation.domain.duplicates.reading import looks_like_code
from curation.domain.texts import folded

# Beside words what changes the meaning of one: signs, decimal points and the like, comparisons.
TELLING = re.compile(r"(?<!\w)[-+](?=\d)|(?<=\d)[.,:/](?=\d)|[<>=*^]|\w+")


def bare(text: str) -> str:
    """Write a text so that texts that repeat each other are equal.

    Case, white space, Unicode form and punctuation are left aside, save the signs, points and
    comparisons that make another number or formula. Program text keeps its punctuation. A text
    without any word, such as one of emoji, is only folded.
    """
    if looks_like_code(text):
        return folded(text)
    words = TELLING.findall(unicodedata.normalize("NFC", text).casefold())
    return " ".join(words) or folded(text)
