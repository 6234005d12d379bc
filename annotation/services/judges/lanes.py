"""A lane leads to one endpoint: threads that send, as many as there are seats."""

from queue import SimpleQueue
from threading import Lock, Thread

from annotation.domain.judges.patience import OPENS_AT
from annotation.services.judges.sending import Blame, Call, Line, Outcome, Ticket

TURNAROUND = 0.15  # seconds that booking and taking need: for so long, work lies ready
WEIGHT = 0.1  # of the newest call in the mean of their seconds


class Lane:
    """Sends calls through one line, each in a thread that keeps its connection.

    After five failures in a row, or when told to wait, it shuts: what lies ready is handed back
    unsent. Everything comes out of `results`, an `Outcome` for what was sent, a `Ticket` for what
    was not.
    """

    def __init__(self, line: Line, results: "SimpleQueue[Outcome | Ticket]") -> None:
        self.line, self.results = line, results
        self.ready: SimpleQueue[Call | None] = SimpleQueue()
        self.threads: list[Thread] = []
        self.tickets: dict[int, Ticket] = {}
        self.seats: list[int] = []
        self.lock = Lock()
        self.n_failures, self.is_shut, self.is_probing = 0, False, False
        self.seconds: float | None = None

    @property
    def room(self) -> int:
        """How many more calls to take: one for each seat, and what lies ready behind them."""
        if self.is_shut:
            return 0
        if self.is_probing:
            return 1 - len(self.tickets) if self.seats else 0
        return len(self.seats) + self.n_ready - len(self.tickets)

    @property
    def n_ready(self) -> int:
        """How many calls to hold ready: as many as are sent while one batch is booked."""
        if self.seconds is None:
            return 0
        n_seats = len(self.seats)
        return min(round(n_seats * TURNAROUND / max(self.seconds, 0.001)), 2 * n_seats)

    def open(self, n_failures: int) -> None:
        """Send again. An endpoint that failed too often gets one call to prove itself."""
        self.n_failures, self.is_shut = n_failures, False
        self.is_probing = n_failures >= OPENS_AT

    def put(self, calls: list[Call]) -> None:
        for call in calls:
            self.tickets[call.ticket.request_id] = call.ticket
            if len(self.threads) < min(len(self.tickets), len(self.seats)):
                self.threads.append(Thread(target=self.work, daemon=True))
                self.threads[-1].start()
            self.ready.put(call)

    def work(self) -> None:
        while (call := self.ready.get()) is not None:
            if self.is_shut:
                self.results.put(call.ticket)
                continue
            outcome = self.line.send(call)
            self.note(outcome)
            self.results.put(outcome)
        self.line.transport.close()

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
        for thread in self.threads:
            thread.join()

    def check(self) -> None:
        """Threads live as long as their lane; one that died has left its traceback in the log."""
        if not all(thread.is_alive() for thread in self.threads):
            raise RuntimeError("a thread that sends to a judge's endpoint has died")
