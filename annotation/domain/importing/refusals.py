"""How a line is refused: where, which field, which rule, and one sentence for its reader."""

from dataclasses import dataclass

FIELD_MAX = 200
DETAIL_MAX = 500


class LineRefused(Exception):
    """A record breaks a rule; whoever reads the file knows its line."""

    def __init__(self, rule: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.rule, self.detail, self.field = rule, storable(detail), storable(field)

    def at(self, line: int) -> "RefusedLine":
        return RefusedLine(line, self.field[:FIELD_MAX], self.rule, self.detail[:DETAIL_MAX])


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not taken. `field` is "" where the line as a whole is at fault."""

    line: int
    field: str
    rule: str
    detail: str


def storable(text: str) -> str:
    """Spell out what a database text cannot hold, so that a refusal can always be stored."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
