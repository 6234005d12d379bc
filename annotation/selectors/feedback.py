"""Feedback of users: how much there is, what it is worth, and what it says about pairs."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db import connection
from django.db.models import Count, F
from django.db.models.functions import Coalesce, TruncDate

from annotation.domain.feedback.trust import Hint
from annotation.domain.verdicts import (
    DECISIVE,
    N_VERDICTS,
    NO_VERDICT,
    SECOND,
    Bools,
    Ints,
    plurality,
)
from annotation.domain.vocabulary import AnnotatorKind, FeedbackKind, Outcome
from annotation.models import (
    Annotator,
    FeedbackEvent,
    FeedbackTrust,
    Item,
    Project,
    WeakJudgment,
)
from annotation.selectors.votes import ballots_of

# News is what was imported, or what judgments were counted, since the figures were worked out. A
# transaction that is still open may carry an earlier time, so a few minutes are looked back upon.
DUE = """
    SELECT p.id FROM project p
    CROSS JOIN LATERAL (SELECT max(computed_at) AS at FROM feedback_trust
                        WHERE project_id = p.id) last
    WHERE EXISTS (SELECT FROM feedback_event WHERE project_id = p.id)
      AND (last.at IS NULL OR last.at < %(now)s - interval '1 minute' AND (
          EXISTS (SELECT FROM vote_tally WHERE project_id = p.id AND criterion_id IS NULL
                  AND changed_at > last.at - interval '5 minutes')
          OR (SELECT count(*) FROM feedback_event WHERE project_id = p.id)
             <> (SELECT sum(n_events) FROM feedback_trust WHERE project_id = p.id)
      ))
    ORDER BY p.id
"""


@dataclass(frozen=True)
class Anchors:
    """n implied preferences of one kind on comparisons that people judged too.

    user: (n,) database ids of the users. right: (n,) whether most people prefer the same.
    """

    user: Ints
    right: Bools


@dataclass(frozen=True)
class TrustRow:
    """What feedback of one kind is worth; shares in [0, 1], `response_rate` None without items."""

    kind: str
    n_events: int
    n_users: int
    n_weak: int
    response_rate: float | None
    n_anchors: int
    weight: float
    low: float
    high: float


@dataclass(frozen=True)
class FeedbackPage:
    """`days` are (day, kind, number of events), the oldest first."""

    rows: list[TrustRow]
    days: list[tuple[date, str, int]]
    n_events: int
    n_users: int
    n_weak: int


def projects_due(now: datetime) -> list[int]:
    """Projects whose figures on feedback have been overtaken, or are not there yet."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now})
        return [pk for (pk,) in cursor.fetchall()]


def anchors_of(project: Project) -> dict[FeedbackKind, Anchors]:
    """Hold the weak judgments in force against what most people say on the same pair.

    Comparisons on which as many people say one thing as another, or most say that neither answer
    is better, are no anchors.
    """
    winner = people_choose(project)
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    rows = WeakJudgment.objects.filter(
        judgment__project=project,
        judgment__comparison__in=list(winner),
        judgment__outcome=Outcome.RANKED,
        judgment__superseded_by__isnull=True,
    ).order_by("judgment_id")
    for kind, user, comparison, ranking in rows.values_list(
        "kind", "judgment__annotator_id", "judgment__comparison_id", "judgment__ranking"
    ):
        found[kind].append((user, ranking[0][0] == winner[comparison]))
    return {
        FeedbackKind(kind): Anchors(
            np.array([user for user, _ in told], np.int64), np.array([r for _, r in told], bool)
        )
        for kind, told in found.items()
    }


def people_choose(project: Project) -> dict[int, int]:
    """The response that most people prefer, by comparison with weak judgments."""
    hinted = WeakJudgment.objects.filter(judgment__project=project)
    pairs = dict(
        hinted.values_list("judgment__comparison_id", "judgment__comparison__response_ids")
    )
    if not pairs:
        return {}
    ballots = ballots_of(project)
    people = Annotator.objects.filter(
        pk__in=ballots.annotator_ids.tolist(), kind=AnnotatorKind.HUMAN
    ).values_list("pk", flat=True)
    told = np.isin(ballots.annotator_ids, list(people))[ballots.voter]
    told &= ballots.choice != NO_VERDICT
    counts = np.zeros((len(ballots.comparison_ids), N_VERDICTS), np.int64)
    np.add.at(counts, (ballots.pair[told], ballots.choice[told]), 1)
    best = plurality(counts)
    return {
        comparison: pairs[comparison][int(best[place] == SECOND)]
        for place, comparison in enumerate(ballots.comparison_ids.tolist())
        if best[place] in DECISIVE and comparison in pairs
    }


def hints_on(comparison_ids: Collection[int]) -> dict[int, list[Hint]]:
    """What weak judgments in force say about pairs, by comparison; one without is left out."""
    rows = WeakJudgment.objects.filter(
        judgment__comparison__in=comparison_ids,
        judgment__outcome=Outcome.RANKED,
        judgment__superseded_by__isnull=True,
    ).order_by("judgment_id")
    hints: dict[int, list[Hint]] = defaultdict(list)
    for kind, user, comparison, responses, ranking in rows.values_list(
        "kind",
        "judgment__annotator_id",
        "judgment__comparison_id",
        "judgment__comparison__response_ids",
        "judgment__ranking",
    ):
        is_first = ranking[0][0] == responses[0]
        hints[comparison].append(Hint(user, FeedbackKind(kind), is_first))
    return hints


def weights_of(project_ids: Collection[int]) -> dict[int, dict[FeedbackKind, float]]:
    """How likely feedback of each kind is right, by project."""
    weights: dict[int, dict[FeedbackKind, float]] = defaultdict(dict)
    rows = FeedbackTrust.objects.filter(project__in=project_ids)
    for project, kind, weight in rows.values_list("project_id", "kind", "weight"):
        weights[project][FeedbackKind(kind)] = weight
    return weights


def weight_of_judgments(judgment_ids: Collection[int]) -> dict[int, tuple[str, float | None]]:
    """Kind and weight of weak judgments; the weight is None until it has been worked out."""
    rows = WeakJudgment.objects.filter(judgment__in=judgment_ids)
    found = list(rows.values_list("judgment_id", "kind", "judgment__project_id"))
    weights = weights_of({project for _, _, project in found})
    return {
        judgment: (kind, weights[project].get(FeedbackKind(kind)))
        for judgment, kind, project in found
    }


def counts_by_kind(project: Project) -> dict[str, tuple[int, int, float | None]]:
    """Events, users and response rate (share of the project's items) of each kind there is."""
    n_items = Item.objects.filter(project=project).count()
    rows = FeedbackEvent.objects.filter(project=project).order_by().values_list("kind")
    return {
        kind: (n, users, items / n_items if n_items else None)
        for kind, n, users, items in rows.annotate(
            n=Count("id"),
            users=Count("user_hash", distinct=True),
            items=Count("item", distinct=True),
        )
    }


def trust_rows(project: Project) -> list[TrustRow]:
    """What feedback of each kind is worth, as last worked out, the most trusted first."""
    weak = WeakJudgment.objects.filter(
        judgment__project=project, judgment__superseded_by__isnull=True
    )
    n_weak = dict(
        weak.exclude(judgment__ranking=[]).order_by().values_list("kind").annotate(n=Count("pk"))
    )
    return [
        TrustRow(
            kind=row.kind,
            n_events=row.n_events,
            n_users=row.n_users,
            n_weak=n_weak.get(row.kind, 0),
            response_rate=row.response_rate,
            n_anchors=row.n_anchors,
            weight=row.weight,
            low=row.low,
            high=row.high,
        )
        for row in FeedbackTrust.objects.filter(project=project).order_by("-weight", "kind")
    ]


def feedback_page(project: Project) -> FeedbackPage:
    events = FeedbackEvent.objects.filter(project=project)
    days = (
        events.order_by()
        .values(day=TruncDate(Coalesce("happened_at", "imported_at")), what=F("kind"))
        .annotate(n=Count("id"))
        .order_by("day", "what")
    )
    counted = events.aggregate(n=Count("id"), users=Count("user_hash", distinct=True))
    rows = trust_rows(project)
    return FeedbackPage(
        rows=rows,
        days=[(row["day"], row["what"], row["n"]) for row in days],
        n_events=counted["n"],
        n_users=counted["users"],
        n_weak=sum(row.n_weak for row in rows),
    )
