"""How likely two texts are to say the same, from their vectors and from the texts themselves.

A logistic of a few likenesses, other weights for each kind of text, fitted on the pairs of
`benchmarks.duplicates_found`, which fits them again and prints how they do on rows left out. Only
the two texts count, never the rest of the project, so a pair has the same score whatever else was
imported, and before or after what.
"""

import math
from dataclasses import dataclass

from curation.domain.duplicates.reading import CODE, PROBLEM, PROSE, Reading, dice, jaccard
from curation.domain.duplicates.wording import fills_one_template, is_contradicted

VERSION = 1  # of readings and weights, stored with each pair; another version is weighed again
LEAST_TURN = 0.5  # likeness of each turn of two conversations that can be the same
HALF_KNOWN = 0.5  # likeness of the names of texts without names: it speaks for neither side
# Least cosine of texts that can be the same: fewer than one true pair in a hundred is below.
LEAST_COSINE = {PROSE: 0.7, PROBLEM: 0.7, CODE: 0.6}
WORTH_CHECKING = 0.01  # score from which on the words themselves are aligned

# Prose has the weights of the questions with their numbers left aside, less 3: there are no pairs
# of prose to fit on, short prompts are nearer to each other than long questions, and a wrong group
# costs more than a missed one.
WEIGHTS: dict[str, dict[str, float]] = {
    PROSE: {"cosine": 46.0, "names": 5.6, "1": -42.5},
    PROBLEM: {"cosine": 29.1, "names": 5.4, "numbers": 10.2, "1": -30.5},
    CODE: {
        "cosine": 14.0,
        "told": 7.8,
        "told_numbers": 2.4,
        "body": 5.9,
        "examples": 2.9,
        "1": -17.0,
    },
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a pair.

    Attributes:
        score: probability in [0, 1] that the texts say the same; 0 where something rules it out.
        kind: of text, whose weights were used: "code" or "problem" where both texts are, else
            "prose".
        parts: the likenesses by name, each in [0, 1] (the cosine in [-1, 1]).
        ruled_out: why they cannot be the same, or "": "cosine" where it is below the least of the
            kind, "turns" where two conversations differ in a
            turn, "contradicted" where two nearly equal texts differ in a word that matters,
            "template" where they are one template filled in twice.
    """

    score: float
    kind: str
    parts: dict[str, float]
    ruled_out: str = ""


def weighed(first: Reading, second: Reading, cosine: float) -> Evidence:
    """Weigh what speaks for two different texts; which of them comes first does not matter.

    Args:
        first, second: readings of the texts.
        cosine: of their vectors, in [-1, 1].
    """
    kind = kind_of(first, second)
    if cosine < LEAST_COSINE[kind]:
        return Evidence(0.0, kind, {"cosine": round(float(cosine), 4)}, "cosine")
    parts = {
        name: round(value, 4) for name, value in likenesses(first, second, cosine, kind).items()
    }
    score = round(logistic(kind, parts), 4)
    if score < WORTH_CHECKING:
        return Evidence(score, kind, parts)
    reason = objection(first, second, kind)
    return Evidence(0.0 if reason else score, kind, parts, reason)


def kind_of(first: Reading, second: Reading) -> str:
    return first.kind if first.kind == second.kind else PROSE


def likenesses(first: Reading, second: Reading, cosine: float, kind: str) -> dict[str, float]:
    """Measure all that the weights of a kind ask for.

    cosine: of the vectors. names: the share of either text's names that the other has among its
    words. Of multisets, what is common over what either has, 0 if neither has anything: numbers;
    told, of code the docstrings and comments; told_numbers, the numbers in them; body, the code
    without them; examples, the shape of its examples.
    """
    parts = {"cosine": float(cosine)}
    for name in WEIGHTS[kind]:
        if name == "names":
            parts[name] = names_found(first, second)
        elif name not in ("cosine", "1"):
            parts[name] = jaccard(getattr(first, name), getattr(second, name))
    return parts


def names_found(first: Reading, second: Reading) -> float:
    n = len(first.names) + len(second.names)
    found = len(first.names & second.words) + len(second.names & first.words)
    return found / n if n else HALF_KNOWN


def logistic(kind: str, parts: dict[str, float]) -> float:
    weights = WEIGHTS[kind]
    total = weights["1"] + sum(weights[name] * parts[name] for name in weights if name != "1")
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def objection(first: Reading, second: Reading, kind: str) -> str:
    """Say what rules out that two texts are the same, or ""."""
    if len(first.turns) != len(second.turns):
        return "turns"
    if len(first.turns) > 1 and any(
        dice(one, other) < LEAST_TURN for one, other in zip(first.turns, second.turns, strict=True)
    ):
        return "turns"
    if is_contradicted(first.text, second.text):
        return "contradicted"
    return "template" if kind != CODE and fills_one_template(first.text, second.text) else ""
