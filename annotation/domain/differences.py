"""What changed between two versions of a text, line by line."""

from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 2  # unchanged lines shown around a change


@dataclass(frozen=True)
class Line:
    """One line. `kind` is "same", "added", "removed", or "gap" where lines are left out."""

    kind: str
    text: str = ""


def lines_changed(before: str, after: str) -> list[Line]:
    """List removed and added lines in order, with a little of what surrounds them.

    Returns:
        Empty when the texts have the same lines.
    """
    old, new = before.splitlines(), after.splitlines()
    shown: list[Line] = []
    for number, group in enumerate(
        SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    ):
        if number:
            shown.append(Line("gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                shown += [Line("same", text) for text in old[i1:i2]]
                continue
            shown += [Line("removed", text) for text in old[i1:i2]]
            shown += [Line("added", text) for text in new[j1:j2]]
    return shown
