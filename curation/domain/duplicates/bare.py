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
    comparisons that make another number or formula. Program text keeps its punctuation. Of a text
    without any word its symbols stay, such as emoji: a row of "#" says as little as no text.
    """
    if looks_like_code(text):
        return folded(text)
    words = TELLING.findall(unicodedata.normalize("NFC", text).casefold())
    return " ".join(words) or "".join(filter(is_symbol, folded(text)))


def is_symbol(character: str) -> bool:
    return unicodedata.category(character).startswith("S")
