"""Signals of comparisons, whatever family they are of."""

from collections import defaultdict
from collections.abc import Iterable

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.signals.signal import Values
from curation.domain.vocabulary import SignalFamily
from curation.models import SignalRequest, Signals


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


def requests_waiting(project: Project) -> int:
    """How many signal families of comparisons are out of date, difficulty and poison left out."""
    waiting = SignalRequest.objects.filter(comparison__project=project, tries__lt=MOST_TRIES)
    return waiting.exclude(family=SignalFamily.DIFFICULTY).count()
