"""What the quality pages show: agreement now from the tally, the rest from the last report."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from annotation.domain.agreement import tally_from_json
from annotation.domain.errors import NotFound
from annotation.domain.figures import (
    FEWEST_BY_ANNOTATOR,
    Figure,
    annotator_figure,
    bias_figures,
    group_figures,
    live_figures,
    ranking_figures,
    self_preference_figures,
)
from annotation.domain.live_agreement import live_agreement
from annotation.domain.quality_panels import FEWEST_ITEMS
from annotation.domain.rates import wilson
from annotation.domain.verdicts import N_VERDICTS
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import (
    Annotator,
    Criterion,
    Judgment,
    Project,
    QualityReport,
    VoteTally,
)
from annotation.selectors.access import Seat
from annotation.selectors.work_days import WorkDay, days_of

Table = list[list[int]]

MOST_LISTED = 200


@dataclass(frozen=True)
class LiveRow:
    """Agreement on the overall verdict or on one criterion, as of `changed_at`."""

    name: str
    figures: list[Figure]
    n_votes: int
    n_units: int
    prevalence: list[tuple[str, float]]
    changed_at: datetime | None
    is_overall: bool = True


@dataclass(frozen=True)
class Live:
    """Everything that is polled. `version` changes whenever anything here may have changed."""

    version: int
    overall: LiveRow | None
    criteria: list[LiveRow]


VERDICTS = ("first stored is better", "second stored is better", "equally good", "both bad")
SHOWN_VERDICTS = ("first", "second", "tie", "both bad")


def live_version(project: Project) -> int:
    """The changes that the tallies have seen: one row for each criterion is read, no votes."""
    changes = VoteTally.objects.filter(project=project).values_list("n_changes", flat=True)
    return sum(changes)


def live_of(project: Project) -> Live:
    """Agreement of people now. Costs the same however many votes there are."""
    rows = list(VoteTally.objects.filter(project=project).select_related("criterion"))
    rows.sort(key=lambda row: row.criterion.position if row.criterion else -1)
    live = [_live_row(row) for row in rows]
    return Live(
        version=sum(row.n_changes for row in rows),
        overall=next((row for row in live if row.is_overall), None),
        criteria=[row for row in live if not row.is_overall],
    )


def _live_row(row: VoteTally) -> LiveRow:
    live = live_agreement(tally_from_json(row.tally))
    criterion: Criterion | None = row.criterion
    return LiveRow(
        name=criterion.name if criterion else "Overall verdict",
        figures=live_figures(live),
        n_votes=live.n_votes,
        n_units=live.n_units,
        prevalence=[pair for pair in zip(VERDICTS, live.prevalence, strict=True) if pair[1]],
        changed_at=row.changed_at,
        is_overall=criterion is None,
    )


@dataclass(frozen=True)
class Person:
    """An annotator's figures in the report; `is_judge` for LLM judges, `flags` for readers only."""

    id: int
    name: str
    model: str
    is_judge: bool
    n: int
    agreement: Figure
    agreement_no_ties: Figure
    first_shown: Figure
    longer_wins: Figure
    ties: Figure
    gold: Figure
    flips: Figure
    kappa: float | None
    median_seconds: float | None
    flags: list[str]

    @property
    def has_enough(self) -> bool:
        return self.agreement.is_enough


@dataclass(frozen=True)
class Report:
    """The last report in the terms of pages. Empty parts where it says nothing."""

    computed_at: datetime
    n_changes: int
    error: str
    counts: dict[str, int]
    over_time: list[dict[str, Any]]
    groups: list[Figure]
    bias: dict[str, list[Figure]]
    self_preference: list[Figure]
    people: list[Person]
    judges: list[Person]
    confusion: dict[int, Table] = field(default_factory=dict)
    leaderboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    rankings: list[Figure] = field(default_factory=list)
    ratings: list[dict[str, Any]] = field(default_factory=list)


def report_of(project: Project) -> Report | None:
    """The project's last report; None before the first one is computed."""
    row = QualityReport.objects.filter(project=project, computed_at__isnull=False).first()
    if row is None or row.computed_at is None:
        return None
    figures, people = row.figures, row.people
    bias = figures.get("bias", {})
    return Report(
        computed_at=row.computed_at,
        n_changes=row.n_changes,
        error=row.error,
        counts=figures.get("counts", {}),
        over_time=[
            period for period in figures.get("over_time", []) if period["n_items"] >= FEWEST_ITEMS
        ],
        groups=group_figures(figures.get("agreement_by_group", {})),
        bias={
            key: bias_figures(bias.get(key, {}), who)
            for key, who in (("human", "people"), ("llm", "judges"))
        },
        self_preference=self_preference_figures(bias.get("self_preference", {})),
        people=_people(people.get("annotators", []), is_judge=False),
        judges=_people(people.get("judges", []), is_judge=True),
        confusion={
            one["id"]: one["confusion"]
            for one in people.get("annotators", []) + people.get("judges", [])
            if one.get("confusion")
        },
        leaderboards={key: one for key, one in row.leaderboards.items() if one},
        rankings=ranking_figures(figures.get("rankings", {}).get("human") or {}),
        ratings=[one for one in figures.get("criteria", []) if (one["human"] or {}).get("mean")],
    )


def _people(entries: list[dict[str, Any]], *, is_judge: bool) -> list[Person]:
    found = [_person(entry, is_judge=is_judge) for entry in entries]
    return sorted(found, key=lambda one: (not one.flags, -one.n, one.name))


def _person(entry: dict[str, Any], *, is_judge: bool) -> Person:
    flips = {"n": entry.get("n_flips", 0), "order_flip_rate": entry.get("order_flip_rate")}
    flips["n_of"] = {"order_flip_rate": flips["n"]}
    return Person(
        id=entry["id"],
        name=entry["annotator"],
        model=entry.get("model") or "",
        is_judge=is_judge,
        n=entry["n"],
        agreement=annotator_figure(
            entry, "agreement_with_majority", "votes on comparisons that others judged"
        ),
        agreement_no_ties=annotator_figure(
            entry, "agreement_with_majority_no_ties", "decisive votes that others judged, too"
        ),
        first_shown=annotator_figure(
            entry, "first_shown_rate", "decisive votes of known order", usual=0.5
        ),
        longer_wins=annotator_figure(
            entry, "longer_win_rate", "decisive votes on unequal lengths", usual=0.5
        ),
        ties=annotator_figure(entry, "tie_rate", "votes"),
        gold=annotator_figure(entry, "accuracy_vs_gold", "votes on gold comparisons"),
        flips=annotator_figure(flips, "order_flip_rate", "comparisons judged in both orders"),
        kappa=entry.get("kappa") if entry.get("n_compared", 0) >= FEWEST_BY_ANNOTATOR else None,
        median_seconds=entry.get("median_seconds"),
        flags=[flag.replace("_", " ") for flag in entry.get("flags", [])],
    )


def summed(report: Report, people: list[Person]) -> Table:
    """The confusions of several annotators together, (V, V) counts [majority, own]."""
    tables = [report.confusion[one.id] for one in people if one.id in report.confusion]
    return [
        [sum(table[truth][own] for table in tables) for own in range(N_VERDICTS)]
        for truth in range(N_VERDICTS)
    ]


def listed(report: Report, seat: Seat, me: int) -> tuple[list[Person], list[Person]]:
    """Whose figures this seat may see: all for readers, else only oneself and judges.

    Returns:
        Those to list, with signs first, and those with too few votes to say anything.
    """
    people = [one for one in report.people if seat.reads or one.id == me]
    known = [one for one in people if one.has_enough or one.flags or one.id == me]
    return known + report.judges, [one for one in people if one not in known]


def annotator_for(seat: Seat, annotator_id: int, me: int) -> Annotator:
    """Find an annotator of the project whose figures this seat may see.

    Own figures are everybody's, judges are for reviewers, other people for readers.

    Raises:
        NotFound: nobody of that number has judged here, or it is none of this seat's business.
    """
    here = Judgment.objects.filter(project=seat.project, annotator=OuterRef("pk"))
    found = Annotator.objects.filter(Exists(here), pk=annotator_id).first()
    is_open = found is not None and (
        annotator_id == me or seat.reads or (seat.reviews and found.kind == AnnotatorKind.LLM)
    )
    if found is None or not is_open:
        raise NotFound("There is no such annotator in this project, or their figures are private.")
    return found


@dataclass(frozen=True)
class AnnotatorPage:
    """An annotator's own figures, the project's beside them, and their days.

    `person` is None where the report does not know them yet. `compared`: agreement with the
    majority, of this annotator and of everybody together.
    """

    annotator: Annotator | None
    is_own: bool
    report: Report | None
    person: Person | None
    compared: list[Figure]
    usual_seconds: float | None
    confusion: Table | None
    days: list[WorkDay]

    def own_figures(self, seat: Seat) -> list[tuple[str, Figure]]:
        """Their rates by name. Accuracy on gold is for readers: who watches their own after each
        judgment would learn which comparisons are gold."""
        one = self.person
        if one is None:
            return []
        figures = [
            ("Agreement with the majority", one.agreement),
            ("Agreement without ties", one.agreement_no_ties),
            ("First shown wins", one.first_shown),
            ("Longer wins", one.longer_wins),
            ("Ties", one.ties),
            ("Flips with the order", one.flips),
        ]
        return [*figures, ("Right on gold", one.gold)] if seat.reads else figures


def annotator_page(project: Project, annotator_id: int, *, is_own: bool) -> AnnotatorPage:
    """Show an annotator; empty for somebody who has not judged yet (id 0)."""
    report = report_of(project)
    known = {one.id: one for one in (report.people + report.judges if report else [])}
    person = known.get(annotator_id)
    people = report.people if report else []
    seconds = sorted(one.median_seconds for one in people if one.median_seconds is not None)
    return AnnotatorPage(
        annotator=Annotator.objects.filter(pk=annotator_id).first(),
        is_own=is_own,
        report=report,
        person=person,
        compared=compared(person, people, is_own=is_own) if person else [],
        usual_seconds=seconds[len(seconds) // 2] if len(seconds) > 2 else None,
        confusion=report.confusion.get(annotator_id) if report else None,
        days=days_of(annotator_id, project.pk),
    )


def compared(person: Person, people: list[Person], *, is_own: bool) -> list[Figure]:
    """Agreement with the majority of one annotator, and of all people of a project together."""
    own = replace(person.agreement, name="You" if is_own else person.name)
    known = [one.agreement for one in people if one.agreement.value is not None]
    n = sum(one.n for one in known)
    agreed = sum((one.value or 0.0) * one.n for one in known)
    low, high = wilson(agreed, n) if n else (None, None)
    everybody = Figure("Everybody", agreed / n if n else None, low, high, n, own.need, own.of)
    return [own, everybody] if len(known) > 2 else [own]
