"""What a project can be picked by: its signals, groups and qualities, as they are there now."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from annotation.models import Item, Project
from curation.domain.selection.plan import UNKNOWN
from curation.domain.selection.wish import METADATA, RANKED_KINDS
from curation.domain.signals.registry import IMPORTED_PREFIX, signal_named
from curation.domain.signals.signal import Signal
from curation.domain.vocabulary import SignalFamily
from curation.models import DuplicateGroup, ImportedSignal, Signals
from curation.selectors.candidates import GROUP_SIGNALS, groups_of, open_candidates

LOOKED_AT = 500  # comparisons and items; what none of them has is not offered
MOST_KEYS = 30
MOST_GROUPS = 50  # that can be given a floor by hand
# The signals that a first selection is best made by come first.
FIRST = ("difficulty", "novelty", "vote_entropy", "judge_entropy", "judge_disagreement")


def ranked_signals(project: Project) -> list[Signal]:
    """Signals that say something about some comparison and can be ranked by, the usual ones first.

    Read off the first comparisons of each family.
    """
    names = {name for family in SignalFamily for name in _told(project, family)}
    found = [signal for name in names if (signal := signal_named(name)) is not None]
    rankable = [signal for signal in found if signal.kind in RANKED_KINDS]
    usual = {name: place for place, name in enumerate(FIRST)}
    return sorted(rankable, key=lambda one: (usual.get(one.name, len(FIRST)), one.name))


def groupings(project: Project) -> list[tuple[str, str]]:
    """By what candidates can be grouped: the word for it, and what a page calls it."""
    found = [
        (by, by) for by, (family, name) in GROUP_SIGNALS.items() if name in _told(project, family)
    ]
    if DuplicateGroup.objects.filter(project=project).exists():
        found.append(("duplicates", "group of duplicates"))
    items = Item.objects.filter(project=project).order_by("id")
    metadata = items.values_list("metadata", flat=True)[:LOOKED_AT]
    counts = Counter(key for told in metadata for key in _short_keys(told))
    keys = sorted(key for key, _ in counts.most_common(MOST_KEYS))
    return found + [(f"{METADATA}{key}", f"metadata: {key}") for key in keys]


def qualities(project: Project) -> list[tuple[str, str]]:
    """What can make a response a good pick, beside how well it stands for all."""
    names = ImportedSignal.objects.filter(project=project, response__isnull=False)
    listed = sorted(names.values_list("name", flat=True).distinct()[:MOST_KEYS])
    imported = [(f"{IMPORTED_PREFIX}{name}", f"imported: {name}") for name in listed]
    return [
        ("", "how well it stands for all"),
        ("consensus", "its share of wins so far"),
    ] + imported


def available(project: Project, by: str) -> list[tuple[str, int]]:
    """The groups of the open comparisons, the largest first, with how many each has."""
    if not by:
        return []
    found = open_candidates(project, leaves_out_duplicates=False)
    named = groups_of(project, by)
    counts = Counter(named.get(item) or UNKNOWN for item in found.items.tolist())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _told(project: Project, family: SignalFamily) -> set[str]:
    rows = Signals.objects.filter(project=project, family=family).order_by("comparison_id")
    values = rows.values_list("values", flat=True)[:LOOKED_AT]
    return {name for told in values for name, value in told.items() if value is not None}


def _short_keys(metadata: dict[str, Any]) -> Iterable[str]:
    return [
        key
        for key, value in metadata.items()
        if isinstance(value, bool | int | str) and len(str(value)) <= 100
    ]
