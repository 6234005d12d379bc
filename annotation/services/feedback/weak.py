"""Keeps the weak judgments of users in step with their feedback, by appending only.

Weak judgments are no votes: nothing counts them, so no consensus goes stale. A preference that
later feedback takes back is superseded by a judgment that takes no side.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from annotation.domain.feedback import rule
from annotation.domain.feedback.rule import Implied
from annotation.domain.vocabulary import FeedbackKind, Outcome
from annotation.models import (
    Annotator,
    Comparison,
    FeedbackEvent,
    Judgment,
    Project,
    Response,
    WeakJudgment,
)
from annotation.services.feedback.users import annotators_of
from annotation.services.importing import copying
from annotation.services.importing.items import add_comparisons

KEYS = UUID("5b5a1f0e-4a0b-5f0e-9f5c-0d3f2f0f6c11")
# These two are about a pair by themselves, so its comparison is made if nobody planned it. It gets
# no slots: feedback alone asks nobody for a judgment.
MAKES_COMPARISONS = (FeedbackKind.EDIT, FeedbackKind.REGENERATE)

Place = tuple[str, int]  # a user's hash and an item
Pair = tuple[int, tuple[int, int]]  # an item and two of its responses, ascending
Said = tuple[int, str]  # a comparison and a kind of feedback
Standing = defaultdict[tuple[int, int], dict[Said, Judgment]]  # by annotator and item


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one user's feedback on an item now implies; `last` is the latest event of theirs."""

    user_hash: str
    item_id: int
    implied: list[Implied]
    last: FeedbackEvent
    events: dict[int, FeedbackEvent]


@dataclass(frozen=True, slots=True)
class News:
    """A weak judgment to be written; without a ranking it takes back the one `before`."""

    comparison_id: int
    kind: str
    ranking: list[list[int]]
    event: FeedbackEvent
    before: Judgment | None


def judge_anew(*, project: Project, touched: Collection[Place], now: datetime) -> int:
    """Append what users' feedback on these items says and was not said yet; give how much.

    In the caller's transaction, which holds the project's lock. Safe to repeat.
    """
    opinions = opinions_of(project, touched)
    if not opinions:
        return 0
    hashes = {opinion.user_hash for opinion in opinions}
    annotators = annotators_of(project=project, hashes=hashes, now=now)
    comparisons = comparisons_of(project, opinions, now)
    standing = standing_of(project, [a.pk for a in annotators.values()], opinions)
    fresh = []
    for opinion in opinions:
        annotator = annotators[opinion.user_hash]
        stands = standing[annotator.pk, opinion.item_id]
        for news in news_of(opinion, comparisons, stands):
            fresh.append(weak_row(project, annotator, news, opinion.last.pk))
    Judgment.objects.bulk_create([one.judgment for one in fresh])
    WeakJudgment.objects.bulk_create(fresh)
    return len(fresh)


def opinions_of(project: Project, touched: Collection[Place]) -> list[Opinion]:
    """Apply the rule to all events of these users on these items."""
    places = set(touched)
    items = {item for _, item in places}
    found = FeedbackEvent.objects.filter(
        project=project, item__in=items, user_hash__in={user for user, _ in places}
    ).defer("raw")
    events: defaultdict[Place, list[FeedbackEvent]] = defaultdict(list)
    for event in sorted(found, key=lambda one: (one.happened_at or one.imported_at, one.pk)):
        events[event.user_hash, event.item_id].append(event)
    revisions = revisions_of(items)
    return [
        Opinion(
            user_hash=user,
            item_id=item,
            implied=rule.implied_preferences(map(told, events[user, item]), revisions),
            last=max(events[user, item], key=lambda event: event.pk),
            events={event.pk: event for event in events[user, item]},
        )
        for user, item in sorted(places)
    ]


def told(event: FeedbackEvent) -> rule.Event:
    return rule.Event(
        id=event.pk,
        kind=FeedbackKind(event.kind),
        response=event.response_id,
        other=event.other_response_id,
        value=event.value,
    )


def revisions_of(items: Collection[int]) -> dict[int, list[int]]:
    found = Response.objects.filter(item__in=items, revision_of__isnull=False).order_by("id")
    revisions: defaultdict[int, list[int]] = defaultdict(list)
    for original, response in found.values_list("revision_of_id", "id"):
        revisions[original].append(response)
    return revisions


def comparisons_of(project: Project, opinions: Sequence[Opinion], now: datetime) -> dict[Pair, int]:
    """Find the comparisons of the pairs; make those that edits and regenerations lack."""
    items = {opinion.item_id for opinion in opinions}
    planned = Comparison.objects.filter(
        project=project, item__in=items, context="", other_item__isnull=True, response_ids__len=2
    )
    found: dict[Pair, int] = {
        (item, (first, second)): pk
        for item, (first, second), pk in planned.values_list("item_id", "response_ids", "id")
    }
    wanted = {
        (opinion.item_id, one.pair)
        for opinion in opinions
        for one in opinion.implied
        if one.kind in MAKES_COMPARISONS
    }
    missing = sorted(wanted - found.keys())
    ids = copying.next_ids(Comparison, len(missing))
    made = [(pk, item, pair) for pk, (item, pair) in zip(ids, missing, strict=True)]
    add_comparisons(project, made, now)
    return found | dict(zip(missing, ids, strict=True))


def standing_of(
    project: Project, annotator_ids: Collection[int], opinions: Sequence[Opinion]
) -> Standing:
    """The weak judgments in force of these users on these items."""
    rows = WeakJudgment.objects.filter(
        judgment__project=project,
        judgment__annotator__in=annotator_ids,
        judgment__comparison__item__in={opinion.item_id for opinion in opinions},
        judgment__superseded_by__isnull=True,
    ).select_related("judgment__comparison")
    standing: Standing = defaultdict(dict)
    for row in rows:
        judgment = row.judgment
        of_item = standing[judgment.annotator_id, judgment.comparison.item_id]
        of_item[judgment.comparison_id, row.kind] = judgment
    return standing


def news_of(
    opinion: Opinion, comparisons: Mapping[Pair, int], standing: Mapping[Said, Judgment]
) -> list[News]:
    """Compare what is implied now with what stands, and say what is new."""
    wanted = {
        (comparisons[opinion.item_id, one.pair], one.kind.value): one
        for one in opinion.implied
        if (opinion.item_id, one.pair) in comparisons
    }
    fresh = []
    for said, one in wanted.items():
        before, ranking = standing.get(said), [[one.winner], [one.loser]]
        if before is None or before.ranking != ranking:
            fresh.append(News(*said, ranking, opinion.events[one.event], before))
    for said, before in standing.items():
        if said not in wanted and before.ranking:
            fresh.append(News(*said, [], opinion.last, before))
    return fresh


def weak_row(project: Project, annotator: Annotator, news: News, last: int) -> WeakJudgment:
    """Make the rows of a weak judgment. Its key, with the last event, is written only once."""
    spelled = f"{rule.VERSION} {news.kind} {news.comparison_id} {news.ranking} {last}"
    judgment = Judgment(
        project=project,
        comparison_id=news.comparison_id,
        annotator=annotator,
        supersedes=news.before,
        outcome=Outcome.RANKED if news.ranking else Outcome.UNSURE,
        ranking=news.ranking,
        client_key=uuid5(KEYS, spelled),
        metadata={"feedback": news.kind, "rule": rule.VERSION},
        judged_at=news.event.happened_at or news.event.imported_at,
    )
    return WeakJudgment(
        judgment=judgment, event=news.event, kind=news.kind, rule_version=rule.VERSION
    )
