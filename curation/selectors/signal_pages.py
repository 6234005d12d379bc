"""What the pages about signals show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.fields.json import KeyTransform

from annotation.domain.content import text_of
from annotation.domain.errors import NotFound
from annotation.models import Comparison, Project
from annotation.selectors.totals import Total, total_of
from curation.domain.signals import summary
from curation.domain.signals.registry import IMPORTED_PREFIX, SIGNALS, signal_named
from curation.domain.signals.signal import Kind, Signal, Value
from curation.domain.signals.summary import Bin, Correlation
from curation.domain.vocabulary import SignalFamily
from curation.models import Signals

MOST_SAMPLED = 20_000  # the newest comparisons, whose values a page reads
MOST_CORRELATED = 3_000
MOST_IMPORTED_SCANNED = 500
EXTREMES = 10
EXCERPT = 160
FAMILY_TITLES = {
    SignalFamily.DIFFICULTY: "Difficulty",
    SignalFamily.VOTES: "People’s votes",
    SignalFamily.JUDGES: "LLM judges",
    SignalFamily.VECTORS: "Meaning, by vectors",
    SignalFamily.TOPIC: "Topic",
    SignalFamily.TEXT: "Texts",
    SignalFamily.IMPORTED: "Imported",
}


@dataclass(frozen=True)
class Extreme:
    """A comparison with a value among the least or the greatest."""

    comparison: int
    item: str
    excerpt: str
    value: Value


@dataclass(frozen=True)
class Overview:
    """One signal over a project.

    `n_sampled` of the newest comparisons were looked at; `n_told` of them have a value.
    """

    signal: Signal
    n_comparisons: Total
    n_sampled: int
    n_told: int
    bins: Sequence[Bin]
    words: Sequence[tuple[str, int]]
    mean: float | None
    highest: Sequence[Extreme]
    lowest: Sequence[Extreme]


@dataclass(frozen=True)
class Told:
    """One signal of one comparison."""

    signal: Signal
    value: Value


@dataclass(frozen=True)
class FamilyOfOne:
    """The signals of one family about one comparison."""

    title: str
    version: int
    computed_at: datetime
    told: Sequence[Told]


def names_in(project: Project) -> list[tuple[str, list[str]]]:
    """The names to choose from, by family: all that there are, and what was imported here."""
    by_family: dict[SignalFamily, list[str]] = {family: [] for family in FAMILY_TITLES}
    for signal in SIGNALS.values():
        by_family[signal.family].append(signal.name)
    by_family[SignalFamily.IMPORTED] += imported_names(project)
    return [(FAMILY_TITLES[family], names) for family, names in by_family.items() if names]


def imported_names(project: Project) -> list[str]:
    """Names of imported values among the newest comparisons."""
    rows = Signals.objects.filter(project=project, family=SignalFamily.IMPORTED)
    newest = rows.order_by("-comparison").values_list("values", flat=True)
    names = {name for values in newest[:MOST_IMPORTED_SCANNED] for name in values}
    return sorted(name for name in names if name.startswith(IMPORTED_PREFIX))


def overview_of(project: Project, signal: Signal) -> Overview:
    """Summarise one signal over the newest comparisons of a project."""
    rows = Signals.objects.filter(project=project, family=signal.family)
    sampled = list(
        rows.order_by("-comparison")
        .annotate(told=KeyTransform(signal.name, "values"))
        .values_list("comparison_id", "told")[:MOST_SAMPLED]
    )
    told: list[tuple[int, Value]] = [(pk, value) for pk, value in sampled if value is not None]
    values = [value for _, value in told]
    numbers = [float(value) for value in values] if signal.kind == Kind.NUMBER else []  # type: ignore[arg-type]
    is_number = bool(numbers)
    in_order = sorted(told, key=lambda pair: (pair[1], pair[0])) if is_number else []
    return Overview(
        signal=signal,
        n_comparisons=total_of(Comparison.objects.filter(project=project)),
        n_sampled=len(sampled),
        n_told=len(told),
        bins=summary.histogram(numbers),
        words=[] if signal.kind == Kind.NUMBER else summary.word_counts(values, signal.kind),
        mean=sum(numbers) / len(numbers) if is_number else None,
        highest=extremes(in_order[::-1][:EXTREMES]),
        lowest=extremes(in_order[:EXTREMES]),
    )


def extremes(told: Sequence[tuple[int, Value]]) -> list[Extreme]:
    found = Comparison.objects.filter(pk__in=[pk for pk, _ in told])
    rows = found.values_list("pk", "item__external_id", "item__messages")
    items = {pk: (name, excerpt_of(messages)) for pk, name, messages in rows}
    return [Extreme(pk, *items[pk], value) for pk, value in told if pk in items]


def excerpt_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The beginning of the last message."""
    said = text_of(messages[-1]["content"]) if messages else ""
    return said[:EXCERPT] + "…" * (len(said) > EXCERPT)


def with_disagreement(project: Project) -> list[Correlation]:
    """Correlate every signal with how much people disagree about the same comparisons.

    Disagreement is 1 less the agreement of people's votes, of the newest comparisons with two or
    more. Signals of these votes themselves are left out, and what rests on them.
    """
    votes = Signals.objects.filter(project=project, family=SignalFamily.VOTES)
    judged = votes.annotate(agreement=KeyTransform("vote_agreement", "values")).order_by(
        "-comparison"
    )
    agreement = {
        pk: value
        for pk, value in judged.values_list("comparison_id", "agreement")[:MOST_SAMPLED]
        if value is not None
    }
    chosen = list(agreement)[:MOST_CORRELATED]
    others = Signals.objects.filter(comparison__in=chosen).exclude(
        family__in=[SignalFamily.VOTES, SignalFamily.DIFFICULTY]
    )
    by_comparison: dict[int, dict[str, Value]] = {pk: {} for pk in chosen}
    for pk, values in others.values_list("comparison_id", "values"):
        by_comparison[pk].update(values)
    names = sorted({name for values in by_comparison.values() for name in values})
    left_out = {"judge_human_gap", "reference_gap", "reference_gap_per_token", "reward_gap_chosen"}
    return summary.correlations(
        list(by_comparison.values()),
        [1 - agreement[pk] for pk in chosen],
        [name for name in names if name not in left_out],
    )


def comparison_in(project: Project, comparison_id: int) -> Comparison:
    """Find a comparison of a project.

    Raises:
        NotFound: there is none.
    """
    found = Comparison.objects.filter(project=project, pk=comparison_id)
    comparison = found.select_related("item", "other_item").first()
    if comparison is None:
        raise NotFound("There is no such comparison in this project.")
    return comparison


def families_of(comparison: Comparison) -> list[FamilyOfOne]:
    """All signals of one comparison with their meanings, family by family."""
    rows = {row.family: row for row in Signals.objects.filter(comparison=comparison)}
    return [
        FamilyOfOne(title, rows[family].version, rows[family].computed_at, told_by(rows[family]))
        for family, title in FAMILY_TITLES.items()
        if family in rows
    ]


def told_by(row: Signals) -> list[Told]:
    named = ((signal_named(name), value) for name, value in row.values.items())
    place = {name: place for place, name in enumerate(SIGNALS)}
    told = [Told(signal, value) for signal, value in named if signal is not None]
    return sorted(told, key=lambda one: (place.get(one.signal.name, len(place)), one.signal.name))
