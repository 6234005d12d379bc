"""A lane leads to one endpoint: threads that send, as many as there are seats."""

import time
from collections.abc import Container
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from annotation.domain.judges.patience import OPENS_AT
from annotation.services.judges.sending import Blame, Call, Line, Outcome, Ticket

TURNAROUND = 0.3  # seconds that booking and taking need: for so long, work lies ready
MOST_READY = 3  # calls for each seat
WEIGHT = 0.1  # of the newest call in the mean of their seconds
GLANCE = 0.5  # seconds after which an idle thread looks whether it is to leave


class Lane:
    """Sends calls through one line, each in a thread that keeps its connection.

    A thread sits on a seat. After five failures in a row, or when told to wait, the lane shuts:
    what lies ready is handed back unsent. Everything comes out of `results`, an `Outcome` for what
    was sent, a `Ticket` for what was not.
    """

    def __init__(self, line: Line, results: "SimpleQueue[Outcome | Ticket]") -> None:
        self.line, self.results = line, results
        self.ready: SimpleQueue[Call | None] = SimpleQueue()
        self.threads: dict[int, Thread] = {}
        self.tickets: dict[int, Ticket] = {}
        self.places: list[int] = []
        self.seats: list[int] = []
        self.leaving: set[int] = set()
        self.left: set[int] = set()
        self.lock = Lock()
        self.n_failures, self.is_shut, self.is_probing = 0, False, False
        self.seconds: float | None = None

    @property
    def n_seats(self) -> int:
        """How many seats it keeps."""
        return len(self.seats) - len(self.leaving)

    @property
    def room(self) -> int:
        """How many more calls to take: one for each seat, and what lies ready behind them."""
        if self.is_shut:
            return 0
        if self.is_probing:
            return 1 - len(self.tickets) if self.n_seats else 0
        return self.n_seats + self.n_ready - len(self.tickets)

    @property
    def n_ready(self) -> int:
        """How many calls to hold ready: as many as are sent while one batch is booked."""
        if self.seconds is None:
            return 0
        sent = round(self.n_seats * TURNAROUND / max(self.seconds, 0.001))
        return min(sent, MOST_READY * self.n_seats)

    def open(self, n_failures: int) -> None:
        """Send again. An endpoint that failed too often gets one call to prove itself."""
        self.n_failures, self.is_shut = n_failures, False
        self.is_probing = n_failures >= OPENS_AT

    def keep(self, n_seats: int, allowed: Container[int]) -> list[int]:
        """Leave the seats that are too many, or not allowed; give those where nobody sits now."""
        kept = [seat for seat in self.seats if seat in allowed][:n_seats]
        self.leaving = set(self.seats) - set(kept)
        if not kept:
            self.give_back_ready()
        free = [seat for seat in self.leaving if not self.is_taken(seat)]
        self.seats = [seat for seat in self.seats if seat not in free]
        self.leaving -= set(free)
        self.sit_down()
        return free

    def is_taken(self, seat: int) -> bool:
        return seat in self.threads and self.threads[seat].is_alive()

    def put(self, calls: list[Call]) -> None:
        for call in calls:
            self.tickets[call.ticket.request_id] = call.ticket
            self.ready.put(call)
        self.sit_down()

    def sit_down(self) -> None:
        """Start threads on the seats that it keeps, no more than there is work for."""
        n_sitting = sum(map(self.is_taken, set(self.seats) - self.leaving))
        for seat in self.seats:
            if n_sitting >= min(len(self.tickets), self.n_seats):
                break
            if seat not in self.leaving and not self.is_taken(seat):
                self.left.discard(seat)
                self.threads[seat] = Thread(target=self.work, args=[seat], daemon=True)
                self.threads[seat].start()
                n_sitting += 1

    def work(self, seat: int) -> None:
        while seat not in self.leaving:
            with suppress(Empty):
                call = self.ready.get(timeout=GLANCE)
                if call is None:
                    break
                self.pass_on(call)
        self.line.transport.close()
        self.left.add(seat)

    def pass_on(self, call: Call) -> None:
        if self.is_shut or time.monotonic() > call.ticket.until:
            self.results.put(call.ticket)
            return
        outcome = self.line.send(call)
        self.note(outcome)
        self.results.put(outcome)

    def renew(self, line: Line) -> None:
        """Send through another line from now on; what lies ready was written for the former."""
        self.line = line
        self.give_back_ready()

    def give_back_ready(self) -> None:
        with suppress(Empty):
            while (call := self.ready.get_nowait()) is not None:
                self.results.put(call.ticket)

    def note(self, outcome: Outcome) -> None:
        with self.lock:
            former = self.seconds
            self.seconds = (
                outcome.seconds if former is None else former + WEIGHT * (outcome.seconds - former)
            )
            if outcome.blame in (Blame.NOBODY, Blame.REQUEST):
                self.n_failures = 0
                return
            self.n_failures += 1
            says_later = outcome.blame == Blame.BUSY and outcome.retry_after is not None
            if self.n_failures >= OPENS_AT or outcome.blame == Blame.SETTINGS or says_later:
                self.is_shut = True

    def close(self) -> None:
        """Let the threads end: after what they are sending, what lies ready comes back."""
        self.is_shut = True
        for _ in self.threads:
            self.ready.put(None)

    def join(self) -> None:
        """Wait until the threads have ended."""
        for thread in self.threads.values():
            thread.join()

    def check(self) -> None:
        """Threads stay on their seats; one that died has left its traceback in the log."""
        # In this order: a thread says that it has left, and then ends.
        gone = {seat for seat in self.threads if not self.is_taken(seat)}
        if gone - self.left:
            raise RuntimeError("a thread that sends to a judge's endpoint has died")
