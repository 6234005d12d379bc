"""Names that people give: one line of visible text, so that no name can pose as another."""

import unicodedata

from annotation.domain.errors import InvalidField

UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")  # Unicode categories without a visible form


def visible_name(text: str, *, field: str, longest: int) -> str:
    """Check a name and return it unchanged.

    Raises:
        InvalidField: it is blank, too long, or holds control, direction or other unseen characters.
    """
    if not text.strip():
        raise InvalidField("Give it a name.", field=field)
    if len(text) > longest:
        raise InvalidField(f"A name has at most {longest} characters.", field=field)
    hidden = next((letter for letter in text if unicodedata.category(letter) in UNSEEN), None)
    if hidden:
        raise InvalidField(
            f"The name holds an invisible character (U+{ord(hidden):04X}); leave it out.",
            field=field,
        )
    return text
