"""How likely two texts are to say the same, from their vectors and from the texts themselves.

Only the two texts count, never the rest of the project, so a pair has the same score whatever else
was imported, and before or after what.
"""

from dataclasses import dataclass

VERSION = 1  # of features and weights, stored with each pair; another version is weighed again


@dataclass(frozen=True, slots=True)
class Features:
    """What is read from one text, once for all its pairs.

    Attributes:
        kind: "prose", "problem" (a question with numbers in it) or "code".
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a pair.

    Attributes:
        score: probability in [0, 1] that the texts say the same.
        parts: the features by name, each in [-1, 1], as they are shown and stored.
    """

    score: float
    parts: dict[str, float]


def features_of(text: str) -> Features:
    """Read a text's features."""
    return Features("prose")


def weighed(first: Features, second: Features, cosine: float) -> Evidence:
    """Weigh what speaks for two texts; the order of the two does not matter.

    Args:
        first, second: features of the texts.
        cosine: of their vectors, in [-1, 1].
    """
    return Evidence(max(0.0, cosine), {"cosine": round(float(cosine), 4)})
