"""What is said of difficulty before there are votes enough to foretell it."""

from collections.abc import Mapping

DECIMALS = 4
USUAL = 0.5  # where nothing is known
# Which signals are averaged, and without which other one they say nothing.
PARTS = {"vote_entropy": "people_votes", "judge_entropy": "n_judges", "response_cosine": ""}
IN_WORDS = (
    "the mean of what is known of how undecided people are, how undecided the LLM judges are, and "
    "how alike the responses are; 0.5 where nothing is known"
)


def guess(values: Mapping[str, object]) -> float:
    """Average the signals that hint at difficulty; nothing here has been checked against votes.

    Args:
        values: signals of one comparison by name.
    Returns:
        In [0, 1]: see `IN_WORDS`.
    """
    found = []
    for name, counted in PARTS.items():
        value = values.get(name)
        if isinstance(value, int | float) and (not counted or values.get(counted)):
            found.append(min(max(float(value), 0.0), 1.0))
    return round(sum(found) / len(found), DECIMALS) if found else USUAL
