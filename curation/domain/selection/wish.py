"""What somebody wants picked, as a selection stores it: every field has a default."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotation.domain.errors import InvalidField
from curation.domain.recipes import number, one_word
from curation.domain.selection.rankings import Rule
from curation.domain.signals.registry import signal_named
from curation.domain.signals.signal import Kind
from curation.domain.vocabulary import SelectionMethod

LOWEST = "-"  # before a signal's name: the lowest value first
METADATA = "metadata."
GROUPINGS = ("topic", "language", "duplicates")  # or metadata.KEY, or "" for none
FLOORS = ("none", "proportional", "given")
QUALITIES = ("", "consensus")  # or imported.NAME
MOST_PICKED, MOST_MINUTES, MOST_WEIGHT = 100_000, 1_000_000, 10
MOST_SIGNALS, MOST_SUBSET = 10, 9
RANKED_KINDS = (Kind.NUMBER, Kind.FLAG)


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked wish.

    Attributes:
        signals: what the score is made of, highest first, or lowest with a "-" before the name.
            One signal counts by its value, several by `rule` over their rankings.
        n: how many comparisons at most, or items where responses are picked; None leaves it to
            the budget.
        minutes: of reading that may be asked for in all; None asks no budget.
        groups: by what candidates are grouped, "" by nothing.
        floors: none, in proportion to the groups, or as given in `leasts`.
        weight: of the likeness to an earlier pick, against scores between 0 and 1.
        k, quality, subset_weight: how many responses of an item are picked, what is good about
            them ("" for how well they stand for all), and the weight of their likeness.
    """

    method: SelectionMethod = SelectionMethod.COMPARISONS
    signals: tuple[str, ...] = ()
    rule: Rule = Rule.BORDA
    n: int | None = None
    minutes: float | None = None
    groups: str = ""
    floors: str = "none"
    leasts: Mapping[str, int] = field(default_factory=dict)
    weight: float = 0.0
    leaves_out_duplicates: bool = True
    k: int = 2
    quality: str = ""
    subset_weight: float = 1.0


def wish_of(value: Mapping[str, Any]) -> Wish:
    """Check a wish given as JSON.

    Raises:
        InvalidField: a field is unknown or its value breaks a rule.
    """
    if unknown := sorted(set(value) - set(Wish.__dataclass_fields__)):
        raise InvalidField(f"A selection has no field '{unknown[0]}'.", field=unknown[0])
    wish = Wish(
        method=SelectionMethod(one_word(value, "method", tuple(SelectionMethod))),
        signals=_signals(value.get("signals", [])),
        rule=Rule(one_word(value, "rule", tuple(Rule))),
        n=number(value, "n", 1, MOST_PICKED, whole=True),
        minutes=number(value, "minutes", 0, MOST_MINUTES),
        groups=_grouping(value.get("groups", "")),
        floors=one_word(value, "floors", FLOORS),
        leasts=_leasts(value.get("leasts", {})),
        weight=number(value, "weight", 0, MOST_WEIGHT) or 0.0,
        leaves_out_duplicates=value.get("leaves_out_duplicates", True) is True,
        k=number({"k": value.get("k", 2)}, "k", 1, MOST_SUBSET, whole=True),
        quality=_quality(value.get("quality", "")),
        subset_weight=number(
            {"subset_weight": value.get("subset_weight", 1.0)}, "subset_weight", 0, MOST_WEIGHT
        ),
    )
    _refuse_contradictions(wish)
    return wish


def wish_json(wish: Wish) -> dict[str, Any]:
    """Write a wish with every default spelled out, as a selection keeps it."""
    value = asdict(wish)
    return value | {"signals": list(wish.signals), "leasts": dict(wish.leasts)}


def signal_name(signal: str) -> str:
    return signal.removeprefix(LOWEST)


def _refuse_contradictions(wish: Wish) -> None:
    if wish.n is None and wish.minutes is None:
        raise InvalidField("Say how many to pick, or how many minutes of reading.", field="n")
    if wish.method == SelectionMethod.RESPONSES and wish.minutes is not None:
        raise InvalidField(
            "A budget of minutes is for comparisons; say how many items.", field="minutes"
        )
    if wish.method == SelectionMethod.RESPONSES and wish.k < 2:
        raise InvalidField("Pick two responses or more: one cannot be compared.", field="k")
    if wish.method == SelectionMethod.COMPARISONS and not wish.signals and not wish.weight:
        raise InvalidField("Choose a signal, or give diversity a weight.", field="signals")
    if wish.floors != "none" and not wish.groups:
        raise InvalidField("Floors need groups: choose by what to group.", field="floors")
    if wish.floors == "proportional" and wish.n is None:
        raise InvalidField("Proportional floors need a number to pick.", field="n")


def _signals(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_SIGNALS:
        raise InvalidField(f"'signals' is a list of at most {MOST_SIGNALS} names.", field="signals")
    for given in value:
        found = signal_named(signal_name(given)) if isinstance(given, str) else None
        if found is None or found.kind not in RANKED_KINDS:
            raise InvalidField(f"No signal can be ranked by '{given}'.", field="signals")
    return tuple(dict.fromkeys(value))


def _grouping(value: Any) -> str:
    is_key = isinstance(value, str) and value.startswith(METADATA) and value != METADATA
    if value and value not in GROUPINGS and not is_key:
        known = ", ".join(GROUPINGS)
        raise InvalidField(f"'groups' is one of {known}, or metadata.KEY.", field="groups")
    return value or ""


def _leasts(value: Any) -> dict[str, int]:
    is_map = isinstance(value, Mapping) and all(isinstance(group, str) for group in value)
    if not is_map or not all(type(n) is int and 0 <= n <= MOST_PICKED for n in value.values()):
        raise InvalidField("'leasts' gives each group a whole number, 0 or more.", field="floors")
    return {group: n for group, n in value.items() if n}


def _quality(value: Any) -> str:
    is_imported = isinstance(value, str) and value.startswith("imported.")
    if value not in QUALITIES and not is_imported:
        raise InvalidField("'quality' is empty, consensus, or imported.NAME.", field="quality")
    return value
