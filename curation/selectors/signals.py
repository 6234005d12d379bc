"""Signals of comparisons, whatever family they are of."""

from collections import defaultdict
from collections.abc import Iterable

from curation.domain.signals.signal import Values
from curation.models import Signals


def signals_of(comparison_ids: Iterable[int]) -> dict[int, Values]:
    """Read all signals of some comparisons, by comparison and name.

    Names and meanings are those of `curation.domain.signals.registry`.

    Returns:
        A comparison without any signal is left out; a signal that could not be told is null.
    """
    found: dict[int, Values] = defaultdict(dict)
    rows = Signals.objects.filter(comparison__in=list(comparison_ids))
    for comparison, values in rows.values_list("comparison_id", "values"):
        found[comparison].update(values)
    return dict(found)
