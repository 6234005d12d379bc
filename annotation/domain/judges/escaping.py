"""Writing JSON so that none of its characters can act on the model that reads it.

Escapes of JSON (`\\u003c`) mean the same text and reach a model as plain letters. Escaped are:
characters that nobody sees (controls, format characters, tags, variation selectors, fillers), and
what may begin a control token of some chat template (`<|im_start|>`, `</s>`, `[INST]`), because
servers turn those into tokens wherever they stand.
"""

import re

# Printable for Python, invisible all the same: Unicode's default-ignorable code points that are
# letters or marks (grapheme joiner, Hangul and Khmer fillers, variation selectors).
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
MAY_BEGIN_TOKEN = re.compile(r"<(?![\s=0-9])|\[(?=/?[A-Z_]{2,}\])")


def escaped(line: str) -> str:
    """Escape the hostile characters of a JSON text; it then reads back as the same value.

    Args:
        line: JSON with its structure written by `json.dumps`, so that only strings hold letters.
    """
    line = INVISIBLE.sub(lambda found: escape_of(found.group()), line)
    line = MAY_BEGIN_TOKEN.sub(lambda found: escape_of(found.group()), line)
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else escape_of(char) for char in line)


def escape_of(char: str) -> str:
    """Write one character as JSON's escape, two of them above U+FFFF."""
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
