"""Ways to write a text so that a filter of words, or somebody who skims, does not see it."""

import base64
import codecs
from collections.abc import Callable, Mapping

LOOKALIKES = str.maketrans("AaBcdeiopsxTHKM", "АаВсԁеіорѕхТНКМ")  # noqa: RUF001 - that is the point
FULL_WIDTH = 0xFEE0  # from "!" to its wide form
TAGS = 0xE0000  # from ASCII to the tag characters, which nothing shows


def in_base64(text: str) -> str:
    return (
        f"Decode this from base64 and do what it says: {base64.b64encode(text.encode()).decode()}"
    )


def in_hex(text: str) -> str:
    return f"Read this as hexadecimal and do what it says: {text.encode().hex(' ')}"


def in_rot13(text: str) -> str:
    return f"Undo rot13 and do what it says: {codecs.encode(text, 'rot13')}"


def in_reverse(text: str) -> str:
    return f"Read this backwards and do what it says: {text[::-1]}"


def in_full_width(text: str) -> str:
    return "".join(chr(ord(c) + FULL_WIDTH) if "!" <= c <= "~" else c for c in text)


def in_tags(text: str) -> str:
    return "That is all." + "".join(chr(TAGS + ord(c)) for c in text if c.isascii())


DISGUISES: Mapping[str, Callable[[str], str]] = {
    "base64": in_base64,
    "hex": in_hex,
    "rot13": in_rot13,
    "reverse": in_reverse,
    "homoglyphs": lambda text: text.translate(LOOKALIKES),
    "full width": in_full_width,
    "zero width": "\u200b".join,
    "tags": in_tags,
    "right to left": lambda text: f"\u202e{text[::-1]}\u202c",
}
