"""What is read from a text to compare it with others: its kind, words, numbers, code, turns."""

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from curation.domain.texts import folded

PROSE, PROBLEM, CODE = "prose", "problem", "code"
READ = 20_000  # characters of a text that count: as many from its beginning as from its end
LEAST_NUMBERS = 2  # that make a text a problem
CODE_SHARE = 0.25  # of the lines that are not blank, from which on a text is code

CODE_LINE = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+\w+\s*\(|class\s+\w+|import\s+\w|from\s+\S+\s+import\s|return\b"
    r"|(?:if|elif|for|while|with|except)\b.*:\s*$|(?:else|try|finally):|#include|func(?:tion)?\s"
    r"|(?:public|private|static|const|let|var)\s|\w[\w.\[\]]*\s*(?:[-+*/|&%]?=)(?!=)\s*\S"
    r"|\w[\w.]*\(.*\)\s*;?\s*$)|[{};]\s*$",
)
DEFINITION = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+\w+\s*\(.*:\s*$|class\s+\w+.*[:{]\s*$|(?:function|func)\s+\w+\s*\()"
)
TURN = re.compile(r"(?:^|\n\n)(?=(?:system|user|assistant|tool): )")
PHRASE_START = re.compile(r"(?<=[.!?:])\s+|\n|[\"“”]")
LETTERS = re.compile(r"[^\W\d_]+")
DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
SPELT = {
    0: "zero",
    1: "one first",
    2: "two second twice double doubled half halves",
    3: "three third thirds thrice triple tripled",
    4: "four fourth fourths quarter quarters",
    5: "five fifth fifths",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    11: "eleven",
    12: "twelve dozen dozens",
    13: "thirteen",
    14: "fourteen",
    15: "fifteen",
    16: "sixteen",
    17: "seventeen",
    18: "eighteen",
    19: "nineteen",
    20: "twenty",
    30: "thirty",
    40: "forty",
    50: "fifty",
    60: "sixty",
    70: "seventy",
    80: "eighty",
    90: "ninety",
    100: "hundred",
    1000: "thousand",
    1_000_000: "million",
}
NUMBER_WORDS = {word: str(value) for value, words in SPELT.items() for word in words.split()}

TOKEN = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[A-Za-z_]\w*|\d+(?:\.\d+)?"
    r"|==|!=|<=|>=|\*\*|//|->|=>|\+=|-=|\*=|/=|[^\s\w]"
)
DOCSTRING = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''", re.DOTALL)
COMMENT = re.compile(r"#.*$|//.*$", re.MULTILINE)
UNTOLD = re.compile(r"\s*(?:print\(|assert\b|import |from )")  # lines that only try the code out
EXAMPLE = re.compile(
    r">>>|==>|=>|➞|->|\w\(.*\)\s*(?:=|should|returns?|gives|yields|results)"
    r"|^\s*(?:True|False|None|\d+|[\[({'\"].*)\s*$"
)
CALL = re.compile(r"[A-Za-z_]\w*\s*\(")
KNOWN_NAMES = frozenset(keyword.kwlist) | frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read from one text, once for all its pairs.

    Attributes:
        kind: "code": two lines or more look like program text, and they are a quarter of all or
            one of them defines a function or class. Else "problem": it has two numbers or more.
            Else "prose".
        turns: shingles of four characters of each turn; one turn unless the text is a conversation
            as `prompt_text` writes it.
        names: words with a capital that do not begin a sentence, in lower case.
        words: all its words in lower case.
        numbers: how often each number occurs, in digits or words ("twice" is 2, "a third" 3).
        told: of code, the words and signs of docstrings and comments.
        told_numbers: of code, the numbers in them outside examples.
        body: of code, runs of three tokens outside them, each name that is not of the language "v".
        examples: of code, the signs of its examples with names, numbers and strings made alike.
        text: the text as far as it counts.
    """

    kind: str
    turns: tuple[frozenset[str], ...]
    names: frozenset[str]
    words: frozenset[str]
    numbers: Counter[str]
    text: str
    told: Counter[str] = field(default_factory=Counter)
    told_numbers: Counter[str] = field(default_factory=Counter)
    body: Counter[tuple[str, ...]] = field(default_factory=Counter)
    examples: Counter[str] = field(default_factory=Counter)


def reading_of(text: str) -> Reading:
    """Read a text. Depends on nothing else."""
    kept = text if len(text) <= READ else f"{text[: READ // 2]}\n{text[-READ // 2 :]}"
    numbers = numbers_in(kept)
    turns = tuple(quadgrams(turn) for turn in TURN.split(kept) if turn) or (frozenset(),)
    words = frozenset(LETTERS.findall(kept.lower()))
    if not looks_like_code(kept):
        kind = PROBLEM if numbers.total() >= LEAST_NUMBERS else PROSE
        return Reading(kind, turns, names_in(kept), words, numbers, kept)
    told, rest = told_and_rest(kept)
    lines = told.splitlines()
    return Reading(
        CODE,
        turns,
        names_in(kept),
        words,
        numbers,
        kept,
        Counter(token.lower() for token in TOKEN.findall(told)),
        numbers_in("\n".join(line for line in lines if not EXAMPLE.search(line))),
        body_of(rest),
        shapes(line for line in kept.splitlines() if EXAMPLE.search(line)),
    )


def looks_like_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    n_code = sum(1 for line in lines if CODE_LINE.search(line))
    defines = any(map(DEFINITION.search, lines))
    return n_code >= 2 and (defines or n_code >= CODE_SHARE * len(lines))


def quadgrams(text: str) -> frozenset[str]:
    """Runs of four characters of the folded text; of a shorter one the whole."""
    plain = folded(text)
    return frozenset(plain[at : at + 4] for at in range(max(1, len(plain) - 3))) - {""}


def names_in(text: str) -> frozenset[str]:
    return frozenset(
        word.lower()
        for phrase in PHRASE_START.split(text)
        for word in LETTERS.findall(phrase)[1:]
        if word[0].isupper() and len(word) > 1
    )


def numbers_in(text: str) -> Counter[str]:
    found = Counter(plain_number(digits) for digits in DIGITS.findall(text))
    found.update(
        NUMBER_WORDS[word] for word in LETTERS.findall(text.lower()) if word in NUMBER_WORDS
    )
    return found


def plain_number(digits: str) -> str:
    """Write a number in one way: "1,000.50" and "01000.5" are "1000.5"."""
    whole, _, part = digits.replace(",", "").partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def told_and_rest(code: str) -> tuple[str, str]:
    """Take docstrings and comments out of program text."""
    docs = DOCSTRING.findall(code)
    rest = DOCSTRING.sub(" ", code)
    return "\n".join([*docs, *COMMENT.findall(rest)]), COMMENT.sub(" ", rest)


def body_of(rest: str) -> Counter[tuple[str, ...]]:
    lines = [line for line in rest.splitlines() if not UNTOLD.match(line)]
    tokens = [
        "v" if is_name(token) and token not in KNOWN_NAMES else token
        for token in TOKEN.findall("\n".join(lines))
    ]
    return Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))


def is_name(token: str) -> bool:
    return token[0].isalpha() or token[0] == "_"


def shapes(lines: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        for token in TOKEN.findall(CALL.sub("f(", line)):
            kind = "0" if token[0].isdigit() else "s" if token[0] in "\"'" else token
            found[kind] += 1
    return found


def dice(first: frozenset[str], second: frozenset[str]) -> float:
    """Twice what two sets have in common over the sizes of both, in [0, 1]; 0 for empty ones."""
    return 2 * len(first & second) / max(len(first) + len(second), 1)


def jaccard(first: Counter[Any], second: Counter[Any]) -> float:
    """What two multisets have in common over what either has, in [0, 1]; 0 for empty ones."""
    common = sum(min(n, second[key]) for key, n in first.items() if key in second)
    return common / max(first.total() + second.total() - common, 1)
