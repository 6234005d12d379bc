"""Every signal there is, by name, and the version of each family."""

from curation.domain.signals.declared_texts import TEXT_SIGNALS, TOPIC_SIGNALS, VECTOR_SIGNALS
from curation.domain.signals.declared_votes import (
    DIFFICULTY_SIGNALS,
    IMPORTED_SIGNALS,
    JUDGE_SIGNALS,
    VOTE_SIGNALS,
)
from curation.domain.signals.signal import Kind, Signal
from curation.domain.vocabulary import SignalFamily

# A higher number makes the drains work out the whole family anew.
VERSIONS: dict[SignalFamily, int] = {
    SignalFamily.TEXT: 1,
    SignalFamily.VECTORS: 1,
    SignalFamily.TOPIC: 1,
    SignalFamily.VOTES: 2,
    SignalFamily.JUDGES: 2,
    SignalFamily.IMPORTED: 1,
    SignalFamily.DIFFICULTY: 1,
}
SIGNALS: dict[str, Signal] = {
    signal.name: signal
    for declared in (
        TEXT_SIGNALS,
        VECTOR_SIGNALS,
        TOPIC_SIGNALS,
        VOTE_SIGNALS,
        JUDGE_SIGNALS,
        IMPORTED_SIGNALS,
        DIFFICULTY_SIGNALS,
    )
    for signal in declared
}
IMPORTED_PREFIX = "imported."


def signal_named(name: str) -> Signal | None:
    """Find a signal; None where there is none of this name.

    What was imported has names of its own: `imported.NAME` is the value about the comparison or
    its item, `imported.NAME.difference` the first response's less the second's,
    `imported.NAME.spread` the greatest less the least, and `imported.NAME.1` and on those of the
    responses in stored order.
    """
    if name in SIGNALS:
        return SIGNALS[name]
    if name.startswith(IMPORTED_PREFIX) and len(name) > len(IMPORTED_PREFIX):
        return Signal(
            name,
            SignalFamily.IMPORTED,
            Kind.NUMBER,
            imported_meaning(name.removeprefix(IMPORTED_PREFIX)),
            "imported as it is",
        )
    return None


def imported_meaning(name: str) -> str:
    base, _, last = name.rpartition(".")
    if base and last == "difference":
        return f"Imported {base}: the first response's less the second's."
    if base and last == "spread":
        return f"Imported {base}: the greatest of the responses' less the least."
    if base and last.isdecimal():
        return f"Imported {base} of response {last} in stored order."
    return f"Imported {name}."
