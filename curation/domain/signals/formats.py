"""Which formats a text uses: code, maths, lists, tables, headings, bold text, quotes, addresses."""

import re
from collections.abc import Callable

MOST_CHARACTERS = 100_000

FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.MULTILINE)
INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
# A dollar before a digit is money, as in Pandoc's rule.
DOLLARS = re.compile(r"(?<![$\\])\$(?![\s$])[^$\n]*[^\s$\\]\$(?![\d$])|\$[A-Za-z]\$")
ENVIRONMENT = re.compile(r"\\begin\{(?:equation|align|gather|[bpv]?matrix|cases|array)\*?\}")
PATTERNS = {
    "list": re.compile(r"^[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE),
    "table": re.compile(r"^[ \t]{0,3}\|?[ \t]{0,9}:?-{3,}:?[ \t]{0,9}\|[-:| \t]*$", re.MULTILINE),
    "heading": re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE),
    "bold": re.compile(r"\*\*(?=[^\s*])[^*\n]+\*\*|(?<!\w)__(?=[^\s_])[^_\n]+__(?!\w)"),
    "quote": re.compile(r"^[ \t]{0,3}>[ \t]{0,3}\S", re.MULTILINE),
    "url": re.compile(r"\bhttps?://\w|\bwww\.\w", re.IGNORECASE),
}


def n_code(text: str) -> int:
    return (len(FENCE.findall(text)) + 1) // 2 + len(INLINE_CODE.findall(text))


def n_maths(text: str) -> int:
    """Count formulas between TeX's delimiters."""
    displayed = text.count("$$") // 2
    bracketed = sum(min(text.count(rf"\{o}"), text.count(rf"\{c}")) for o, c in ("()", "[]"))
    inline = len(DOLLARS.findall(text.replace("$$", " ")))
    return displayed + bracketed + inline + len(ENVIRONMENT.findall(text))


def matches(pattern: re.Pattern[str]) -> Callable[[str], int]:
    return lambda text: sum(1 for _ in pattern.finditer(text))


COUNTS: dict[str, Callable[[str], int]] = {"code": n_code, "maths": n_maths} | {
    form: matches(pattern) for form, pattern in PATTERNS.items()
}
FORMS = tuple(COUNTS)


def format_counts(text: str) -> dict[str, int]:
    """Count the pieces of each format in a text, from 0.

    Args:
        text: any text, taken for Markdown; the first `MOST_CHARACTERS` are looked at. A list, table
            or quote counts by its lines (a table by its rule), code that is fenced by its blocks.
    """
    start = text[:MOST_CHARACTERS]
    return {form: count(start) for form, count in COUNTS.items()}
