"""What a user's feedback says about pairs of answers: a rule with a version.

It speaks of one user and one item at a time, so a user who likes everything prefers nothing, and
how friendly somebody is in general cancels out. Feedback on a single answer says nothing about
another one and stays an event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotation.domain.vocabulary import FeedbackKind

VERSION = 1
VALUED = (FeedbackKind.THUMB, FeedbackKind.REACTION, FeedbackKind.TEXT, FeedbackKind.COPY)


@dataclass(frozen=True, slots=True)
class Event:
    """What one user did with an answer to one item. `other` and `value` as in the event."""

    id: int
    kind: FeedbackKind
    response: int
    other: int | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Implied:
    """One response preferred to another, by feedback of one kind; `event` is what settled it."""

    kind: FeedbackKind
    winner: int
    loser: int
    event: int

    @property
    def pair(self) -> tuple[int, int]:
        return min(self.winner, self.loser), max(self.winner, self.loser)


def implied_preferences(
    events: Iterable[Event], revisions: Mapping[int, Sequence[int]]
) -> list[Implied]:
    """Read one user's preferences among the answers to one item out of what they did.

    - An edit prefers the edited answer to the original: the response that the event names, else
      the only one that revises the original.
    - A regeneration prefers the answer that the user kept to the one given up, unless they dislike
      what they kept. Whoever regenerates again has not kept the answer in between.
    - A liked answer is preferred to one that the user dislikes, and to one shown beside it on
      which they gave no opinion. The last opinion of a kind on an answer counts; an answer that is
      disliked by any kind of feedback is not liked.

    Args:
        events: of one user on one item, oldest first.
        revisions: for each response of the item, those that revise it.

    Returns:
        At most one preference a kind and pair, in a fixed order; nothing where both directions of
        a pair are implied by one kind.
    """
    events = list(events)
    opinions = Opinions.of(events)
    found = [
        *edited(events, revisions),
        *regenerated(events, opinions.disliked),
        *opinions.preferences(),
    ]
    return without_contradictions(found)


def edited(events: Sequence[Event], revisions: Mapping[int, Sequence[int]]) -> Iterable[Implied]:
    for event in events:
        if event.kind is FeedbackKind.EDIT:
            known = revisions.get(event.response, ())
            other = event.other or (known[0] if len(known) == 1 else None)
            if other is not None:
                yield Implied(event.kind, other, event.response, event.id)


def regenerated(events: Sequence[Event], disliked: Mapping[int, int]) -> Iterable[Implied]:
    later = {
        event.response: event.other
        for event in events
        if event.kind is FeedbackKind.REGENERATE and event.other is not None
    }
    for event in events:
        if event.kind is FeedbackKind.REGENERATE and later.get(event.response) == event.other:
            kept = last_of(later, event.response)
            if kept is not None and kept not in disliked:
                yield Implied(event.kind, kept, event.response, event.id)


def last_of(later: Mapping[int, int | None], response: int) -> int | None:
    """Follow the regenerations to the answer that was kept; None if they go in a circle."""
    seen = {response}
    while (following := later.get(response)) is not None:
        if following in seen:
            return None
        seen.add(following)
        response = following
    return response if len(seen) > 1 else None


@dataclass(frozen=True)
class Opinions:
    """A user's opinions on the answers to an item.

    Attributes:
        liked: the event of the last opinion by kind and response, where it is above 0.
        disliked: the last event against each response that any kind of feedback dislikes.
        beside: by response, the events that name it as shown beside another one.
    """

    liked: dict[tuple[FeedbackKind, int], int]
    disliked: dict[int, int]
    beside: dict[tuple[int, int], int]
    valued: frozenset[int]

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Opinions":
        valued = [event for event in events if event.kind in VALUED and event.value is not None]
        last = {(event.kind, event.response): event for event in valued}
        against = {e.response: e.id for e in last.values() if e.value is not None and e.value < 0}
        return cls(
            liked={
                place: event.id
                for place, event in last.items()
                if event.value is not None and event.value > 0 and event.response not in against
            },
            disliked=against,
            beside={(e.response, e.other): e.id for e in valued if e.other is not None},
            valued=frozenset(event.response for event in valued),
        )

    def preferences(self) -> Iterable[Implied]:
        for (kind, winner), event in self.liked.items():
            for loser, against in self.disliked.items():
                yield Implied(kind, winner, loser, max(event, against))
            for (liked, other), shown in self.beside.items():
                if liked == winner and other not in self.valued:
                    yield Implied(kind, winner, other, shown)


def without_contradictions(found: Iterable[Implied]) -> list[Implied]:
    kept: dict[tuple[FeedbackKind, int, int], Implied] = {}
    for one in found:
        kept[one.kind, one.winner, one.loser] = one
    return [
        one
        for (kind, winner, loser), one in sorted(kept.items())
        if (kind, loser, winner) not in kept
    ]
