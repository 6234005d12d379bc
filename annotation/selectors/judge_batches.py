"""What became of the batches of a run."""

from dataclasses import dataclass
from datetime import datetime

from annotation.domain.vocabulary import BatchState
from annotation.models import JudgeBatch, JudgeRun

MOST_SHOWN = 10
SENTENCES = {
    BatchState.FILLING: "being put together",
    BatchState.SUBMITTING: "being sent",
    BatchState.SUBMITTED: "at the endpoint",
    BatchState.COMPLETED: "answered",
    BatchState.EXPIRED: "expired at the endpoint",
    BatchState.CANCELLED: "cancelled",
    BatchState.FAILED: "not taken by the endpoint",
    BatchState.LOST: "lost",
}


@dataclass(frozen=True)
class BatchShown:
    """A batch in words. `n_answered` is what the endpoint says while it works, then what was
    booked; `remarks` are on whatever went wrong."""

    state: str
    sentence: str
    n_requests: int
    n_answered: int
    n_missing: int
    submitted_at: datetime | None
    finished_at: datetime | None
    remarks: str


def batches_of(run: JudgeRun) -> list[BatchShown]:
    """The newest batches of a run, at most 10."""
    return [shown(batch) for batch in run.batches.order_by("-pk")[:MOST_SHOWN]]


def shown(batch: JudgeBatch) -> BatchShown:
    state = BatchState(batch.state)
    is_cancelled = batch.cancel_asked_at is not None and batch.finished_at is None
    return BatchShown(
        state=state.value,
        sentence="being cancelled" if is_cancelled else SENTENCES[state],
        n_requests=batch.n_requests,
        n_answered=batch.n_done if batch.finished_at is None else batch.n_matched,
        n_missing=batch.n_missing,
        submitted_at=batch.submitted_at,
        finished_at=batch.finished_at,
        remarks=remarks_on(batch),
    )


def remarks_on(batch: JudgeBatch) -> str:
    """Say what of a batch's files was passed over, and what the endpoint said last."""
    counted = (
        (batch.n_doubled, "answers again to what was answered"),
        (batch.n_unknown, "answers to nothing that was asked"),
        (batch.n_garbled, "lines that are no answers"),
    )
    passed = ", ".join(f"{n:,} {what}" for n, what in counted if n)
    told = f"Passed over: {passed}." if passed else ""
    return f"{told} {batch.error}".strip()
