"""Drains what judges are to be asked: takes and books it in batches, sends it in threads.

All tables are read and written by the one thread that drains; no transaction is open while a call
is on its way.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from django.db import Error

from annotation.domain.errors import DomainError
from annotation.models import Endpoint, Project
from annotation.services.judges import booking, breaker, canaries, leases, seats, taking, writing
from annotation.services.judges.batches.tenders import Tenders
from annotation.services.judges.configuring import key_of
from annotation.services.judges.due import due_endpoints, left_alone, settings_of
from annotation.services.judges.lanes import Lane
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Line, Outcome, Ticket

LOOK = 0.5  # seconds between two looks at what else is due
PATIENCE = 2.0  # seconds for which a drain waits for what is due soon, instead of for the next bell
GATHER = 0.1  # seconds in which answers gather to be booked together
BATCH = 128


def never() -> bool:
    return False


def answer_next(
    *,
    now: datetime,
    project: Project | None = None,
    limit: int | None = None,
    is_stopping: Callable[[], bool] = never,
) -> int:
    """Ask judges what is due, until nothing is, about `limit` were asked, or `is_stopping()`.

    Any number of workers may do this at once. At each endpoint no more calls are on their way than
    it allows, over all workers; a slow or dead endpoint holds up no other. No judge's budget is
    overrun. A worker that is killed loses what was on its way: when its lease ends, that is asked
    again. Safe to repeat.

    Args:
        now: when it starts, by the database's clock; leases and waits run on from there.
    Returns:
        How many requests were answered, given up or put back after a failure.
    """
    drain = Drain(Clock(now), project, limit, is_stopping)
    try:
        return drain.run()
    finally:
        drain.close()


class Clock:
    """Goes on from a moment."""

    def __init__(self, start: datetime) -> None:
        self.start, self.started = start, time.monotonic()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=time.monotonic() - self.started)


@dataclass
class Drain:
    """One worker at work: a lane to each endpoint that has something due."""

    clock: Clock
    project: Project | None
    limit: int | None
    is_stopping: Callable[[], bool]
    library: Library = field(default_factory=Library)
    lanes: dict[int, Lane] = field(default_factory=dict)
    tenders: Tenders = field(init=False)
    endpoints: dict[int, Endpoint] = field(default_factory=dict)
    results: "SimpleQueue[Outcome | Ticket]" = field(default_factory=SimpleQueue)
    n_taken: int = 0
    looked_at: float = 0.0
    gathered_at: float = 0.0
    idle_since: float | None = None
    is_writing: bool = False

    def __post_init__(self) -> None:
        self.tenders = Tenders(self.project, self.clock.now, lambda: self.is_over)

    @property
    def n_in_hand(self) -> int:
        return sum(len(lane.tickets) for lane in self.lanes.values())

    @property
    def is_over(self) -> bool:
        return self.is_stopping() or (self.limit is not None and self.n_taken >= self.limit)

    def run(self) -> int:
        n_done = leases.book_expired(library=self.library, now=self.clock.now())
        while True:
            came = self.collect()
            n_taken = self.take()  # first, so that the lanes have work while this one books
            n_booked = self.put_down(came)
            n_done += n_booked
            if n_taken or n_booked or self.n_in_hand:
                self.idle_since = None
            elif not self.waits():
                leases.finish_runs(now=self.clock.now())
                canaries.conclude_checks(now=self.clock.now())
                return n_done

    def take(self) -> int:
        """Take what the lanes have room for; what needs no call is booked at once."""
        if self.is_over:
            return 0
        if time.monotonic() - self.looked_at >= LOOK:
            self.look_around()
        return sum(self.fill(pk, lane) for pk, lane in self.lanes.items() if lane.room > 0)

    def fill(self, endpoint_id: int, lane: Lane) -> int:
        limit = lane.room if self.limit is None else min(lane.room, self.limit - self.n_taken)
        # Small batches cost as much as large ones: wait until a quarter of what lies ready is gone.
        if limit <= 0 or (lane.tickets and lane.room * 4 < min(lane.n_ready, BATCH)):
            return 0
        taken = taking.take(
            endpoint=self.endpoints[endpoint_id],
            limit=min(limit, BATCH),
            project_id=self.project.pk if self.project else None,
            library=self.library,
            now=self.clock.now(),
        )
        lane.put(taken.calls)
        self.book(taken.outcomes)
        n_taken = len(taken.calls) + len(taken.outcomes)
        self.n_taken += n_taken
        return n_taken

    def look_around(self) -> None:
        """See which endpoints have something due and may be asked, and take seats there."""
        self.looked_at = time.monotonic()
        now = self.clock.now()
        leases.book_expired(library=self.library, now=now)
        self.is_writing = writing.write_next(now=now, project=self.project) > 0
        canaries.conclude_checks(now=now)
        self.tenders.look_around()
        for pk in left_alone(self.lanes, now):
            self.lanes[pk].is_shut |= not self.lanes[pk].is_probing
        self.library = Library()
        for endpoint in due_endpoints(self.project, now):
            if lane := self.lane_to(endpoint, now):
                self.sit_down(lane, endpoint)
                may_open = lane.n_seats and lane.is_shut and not lane.tickets
                if may_open and breaker.may_send(endpoint=endpoint, now=now):
                    lane.open(endpoint.n_failures)

    def lane_to(self, endpoint: Endpoint, now: datetime) -> Lane | None:
        """The lane to an endpoint, by its settings of now; None while its key cannot be read."""
        former, lane = self.endpoints.get(endpoint.pk), self.lanes.get(endpoint.pk)
        self.endpoints[endpoint.pk] = endpoint
        if lane is not None and former is not None and settings_of(former) == settings_of(endpoint):
            lane.check()
            return lane
        try:
            line = Line(endpoint.base_url, key_of(endpoint), endpoint.timeout_seconds)
        except DomainError as error:
            del self.endpoints[endpoint.pk]
            if lane is not None:
                lane.is_shut = True
            breaker.leave_unkeyed(endpoint=endpoint, reason=error.detail, now=now)
            return None
        if lane is not None:
            lane.renew(line)
            return lane
        lane = self.lanes[endpoint.pk] = Lane(line, self.results)
        lane.is_shut = True
        return lane

    def sit_down(self, lane: Lane, endpoint: Endpoint) -> None:
        """Take the free seats of this worker's share; leave those beyond it."""
        if not lane.places:
            lane.places = seats.enter(endpoint_id=endpoint.pk)
        share = seats.share_of(endpoint_id=endpoint.pk, n_seats=endpoint.max_concurrency)
        allowed = range(1, endpoint.max_concurrency + 1)
        seats.give_seats(endpoint_id=endpoint.pk, numbers=lane.keep(share, allowed))
        wanted = [seat for seat in allowed if seat not in lane.seats]
        lane.seats += seats.take_seats(
            endpoint_id=endpoint.pk, numbers=wanted, most=share - len(lane.seats)
        )

    def collect(self) -> list[Outcome | Ticket]:
        """Take what has come back out of the lanes; wait a moment for it, but not past a look."""
        came = self.came(most=min(self.n_in_hand, BATCH))
        for one in came:
            ticket = one if isinstance(one, Ticket) else one.ticket
            self.lanes[ticket.endpoint_id].tickets.pop(ticket.request_id, None)
        return came

    def put_down(self, came: Sequence[Outcome | Ticket]) -> int:
        """Book what was sent, hand back what was not."""
        leases.hand_back(tickets=[one for one in came if isinstance(one, Ticket)])
        return self.book([one for one in came if isinstance(one, Outcome)])

    def came(self, most: int) -> list[Outcome | Ticket]:
        """What gathered while the last batch was booked counts: after a long one it is enough."""
        came: list[Outcome | Ticket] = []
        until = time.monotonic() + LOOK
        gather = max(self.gathered_at + GATHER - time.monotonic(), 0)
        try:
            while len(came) < most:
                came.append(self.results.get(timeout=max(until - time.monotonic(), 0)))
                until = min(until, time.monotonic() + gather) if len(came) == 1 else until
        except Empty:
            pass
        self.gathered_at = time.monotonic()
        return came

    def book(self, outcomes: list[Outcome]) -> int:
        n_booked = booking.book(
            outcomes=outcomes,
            library=self.library,
            in_hand={pk for lane in self.lanes.values() for pk in lane.tickets},
            now=self.clock.now(),
        )
        for lane in self.lanes.values():
            if lane.is_probing and not lane.is_shut and lane.n_failures == 0:
                lane.is_probing = False
        return n_booked

    def waits(self) -> bool:
        """Whether something is due so soon that it is worth waiting for; then wait a little."""
        if self.is_writing and not self.is_over:
            self.looked_at = 0.0
            return True
        if self.tenders.are_busy:
            time.sleep(LOOK / 5)
            return True
        self.idle_since = self.idle_since or time.monotonic()
        if self.is_over or time.monotonic() - self.idle_since > PATIENCE:
            return False
        soon = self.clock.now() + timedelta(seconds=PATIENCE)
        if not due_endpoints(self.project, soon):
            return False
        time.sleep(LOOK / 5)
        self.looked_at = 0.0
        return True

    def close(self) -> None:
        """Give up the seats, once nothing is on its way any more."""
        for lane in self.lanes.values():
            lane.close()
        for pk, lane in self.lanes.items():
            lane.join()
            with suppress(Error):  # a connection that is gone has taken its seats along
                seats.give_seats(endpoint_id=pk, numbers=lane.seats + lane.places)
        self.tenders.close()
