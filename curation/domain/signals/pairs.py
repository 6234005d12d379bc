"""How a number about each pair of responses becomes a number about the comparison."""

from collections.abc import Sequence

from curation.domain.signals.signal import Values

DECIMALS = 6


def rounded(number: float) -> float:
    """Round as signals are stored; never -0."""
    return round(float(number), DECIMALS) + 0.0


def over_pairs(name: str, measured: Sequence[float]) -> Values:
    """Give the mean over all pairs, and the least and the most where there are several.

    Args:
        measured: the number about each pair, at least one.
    """
    mean = rounded(sum(measured) / len(measured))
    if len(measured) == 1:
        return {name: mean}
    return {
        name: mean,
        f"{name}_min": rounded(min(measured)),
        f"{name}_max": rounded(max(measured)),
    }
