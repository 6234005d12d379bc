"""How far curation is with a project's texts, and what holds it up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Item, Project
from annotation.selectors.totals import MOST_COUNTED, Total, total_of
from curation.domain.vocabulary import GenerationState
from curation.models import (
    DuplicateRequest,
    Embedding,
    EmbeddingRequest,
    Generation,
    Intake,
    ItemTexts,
    RegroupRequest,
    ResponseText,
    SignalRequest,
)

LATELY = timedelta(minutes=5)  # over which throughput is measured
MOST_LOOKED_AT = 100_000  # rows at the head of a queue that are searched for a project's
MOST_FAULTS = 20


@dataclass(frozen=True)
class Stage:
    """One stage of a project: how many are `done` of `all`; `share` in [0, 1], None of nothing."""

    done: Total
    all: Total
    waiting: Total

    @property
    def share(self) -> float | None:
        return min(1.0, max(0.0, 1 - self.waiting.n / self.all.n)) if self.all.n else None


@dataclass(frozen=True)
class Speed:
    """Texts embedded a second over the last minutes, and how long the oldest request waits."""

    per_second: float
    oldest: timedelta | None


@dataclass(frozen=True)
class Fault:
    """A row that was set aside: what it is about, the item to look at, and the error."""

    what: str
    error: str
    item: Item | None


@dataclass(frozen=True)
class Faults:
    """What was set aside in a project: how many rows, and the first of them."""

    n: int
    rows: Sequence[Fault]

    @property
    def first(self) -> Fault | None:
        return self.rows[0] if self.rows else None


@dataclass(frozen=True)
class Progress:
    """What the overview of curation shows. `building` is how far a new model's vectors are."""

    items: Stage
    texts: Stage
    active: Generation | None
    building: Generation | None
    building_stage: Stage | None
    speed: Speed
    faults: Faults

    @property
    def oldest_seconds(self) -> int | None:
        return None if self.speed.oldest is None else int(self.speed.oldest.total_seconds())

    @property
    def is_moving(self) -> bool:
        return bool(self.items.waiting.n or self.texts.waiting.n or self.building)


def progress_of(project: Project, now: datetime) -> Progress:
    """Look at every stage of a project. Each count is bounded; large ones are estimates."""
    active, building = in_state(GenerationState.ACTIVE), in_state(GenerationState.BUILDING)
    return Progress(
        items=items_stage(project),
        texts=texts_stage(project, active),
        active=active,
        building=building,
        building_stage=whole_stage(building) if building else None,
        speed=speed(now),
        faults=faults_of(project),
    )


def in_state(state: GenerationState) -> Generation | None:
    return Generation.objects.filter(state=state).first()


def items_stage(project: Project) -> Stage:
    return Stage(
        done=total_of(ItemTexts.objects.filter(project=project)),
        all=total_of(Item.objects.filter(project=project)),
        waiting=total_of(unread(project)),
    )


def texts_stage(project: Project, generation: Generation | None) -> Stage:
    everything = texts_in(project)
    if generation is None:
        return Stage(Total(0), everything, everything)
    waiting = total_of(unembedded(project, generation))
    done = Total(max(0, everything.n - waiting.n), everything.is_exact and waiting.is_exact)
    return Stage(done, everything, waiting)


def whole_stage(generation: Generation) -> Stage:
    """How far a generation is with the texts of all projects."""
    done = total_of(Embedding.objects.filter(generation=generation))
    waiting = total_of(requests(generation))
    return Stage(done, Total(done.n + waiting.n, done.is_exact and waiting.is_exact), waiting)


def texts_in(project: Project) -> Total:
    """Count a project's distinct texts; where they stand in too many places, the places."""
    prompts = ItemTexts.objects.filter(project=project)
    answers = ResponseText.objects.filter(project=project)
    places = [total_of(prompts), total_of(answers)]
    if sum(total.n for total in places) > MOST_COUNTED:
        return Total(sum(total.n for total in places), is_exact=False)
    distinct = prompts.values_list("prompt").union(answers.values_list("text"))
    return Total(distinct.count())


def unread(project: Project) -> QuerySet[Intake]:
    return Intake.objects.filter(item__project=project, tries__lt=MOST_TRIES)


def requests(generation: Generation) -> QuerySet[EmbeddingRequest]:
    return EmbeddingRequest.objects.filter(generation=generation, tries__lt=MOST_TRIES)


def unembedded(project: Project, generation: Generation) -> QuerySet[EmbeddingRequest]:
    """A project's texts without a vector, among those that wait longest."""
    head = requests(generation).order_by("pk").values("pk")[:MOST_LOOKED_AT]
    return EmbeddingRequest.objects.filter(pk__in=head).filter(stands_in(project, "text"))


def stands_in(project: Project, column: str) -> Q:
    """Rows whose text is a prompt or a response of a project."""
    prompts = ItemTexts.objects.filter(prompt=OuterRef(column), project=project)
    answers = ResponseText.objects.filter(text=OuterRef(column), project=project)
    return Q(Exists(prompts)) | Q(Exists(answers))


def items_waiting(project: Project) -> int:
    return total_of(unread(project)).n


def texts_waiting(project: Project) -> int:
    used = Generation.objects.exclude(state=GenerationState.RETIRED)
    if not used:
        return texts_in(project).n
    return sum(total_of(unembedded(project, generation)).n for generation in used)


def speed(now: datetime) -> Speed:
    """How fast texts of all projects are embedded, under whatever generation. Three queries."""
    used = list(Generation.objects.exclude(state=GenerationState.RETIRED))
    lately = Embedding.objects.filter(generation__in=used, embedded_at__gt=now - LATELY)
    waiting = EmbeddingRequest.objects.filter(generation__in=used, tries__lt=MOST_TRIES)
    since = waiting.order_by("pk").values_list("queued_at", flat=True).first()
    return Speed(total_of(lately).n / LATELY.total_seconds(), now - since if since else None)


def faults_of(project: Project) -> Faults:
    """Find what was set aside in a project after too many tries, of every queue."""
    queues = list(set_aside(project))
    rows: list[Fault] = []
    for found, label in queues:
        rows += [fault(row, label) for row in found.order_by("pk")[: MOST_FAULTS - len(rows)]]
    return Faults(sum(found.count() for found, _ in queues), rows)


def set_aside(project: Project) -> Iterator[tuple[QuerySet[Any], str]]:
    """Each queue's rows of a project that are no longer tried, and what such a row is about."""
    aside = {"tries__gte": MOST_TRIES}
    yield Intake.objects.filter(item__project=project, **aside).select_related("item"), "Item"
    texts = EmbeddingRequest.objects.filter(stands_in(project, "text"), **aside)
    yield texts.select_related("text__item"), "Vector of a text"
    pairs = DuplicateRequest.objects.filter(project=project, **aside)
    yield pairs.select_related("text__item"), "Duplicates of a text"
    groups = RegroupRequest.objects.filter(project=project, **aside)
    yield groups.select_related("item"), "Groups of an item"
    signals = SignalRequest.objects.filter(comparison__project=project, **aside)
    yield signals.select_related("comparison__item"), "Signals of a comparison"


def fault(row: Any, label: str) -> Fault:
    item = item_of(row)
    kind = getattr(row, "kind", "") or getattr(row, "family", "")
    return Fault(f"{label} ({kind})" if kind else label, row.error, item)


def item_of(row: Any) -> Item | None:
    for holder in ("comparison", "text"):
        if hasattr(row, holder):
            return getattr(row, holder).item
    return row.item
