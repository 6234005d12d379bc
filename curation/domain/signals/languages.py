"""Which language a text is written in, by py3langid; nothing is downloaded."""

import re
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED = "und"
MOST_CHARACTERS = 500
LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.5

WIDE = re.compile("[\u3040-\u9fff]")
NO_LANGUAGE = re.compile(r"```.*?```|https?://\S+|`[^`\n]+`", re.DOTALL)


@cache
def identifier() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language_of(text: str) -> str:
    """Tell the language of a text.

    Code and addresses are left out; so is all behind the first `MOST_CHARACTERS` of the rest.

    Returns:
        An ISO 639-1 code such as "en"; "und" for a text with fewer than `LEAST_LETTERS` letters
        (half as many where one character is a word), or where the model gives no language
        `LEAST_CONFIDENCE`. The same text always gives the same.
    """
    prose = NO_LANGUAGE.sub(" ", text[: 4 * MOST_CHARACTERS])[:MOST_CHARACTERS]
    letters = sum(map(str.isalpha, prose))
    wide = len(WIDE.findall(prose))
    if letters + wide < LEAST_LETTERS:
        return UNDETERMINED
    language, confidence = identifier().classify(prose)
    return language if confidence >= LEAST_CONFIDENCE else UNDETERMINED
