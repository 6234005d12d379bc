"""How the practice endpoint behaves, and the names of everything that it can do wrong."""

from dataclasses import dataclass, fields, replace
from typing import Any

FINE = "fine"
RULES = ("both", "longer", "overlap")
# What is wrong with the message of an answer that is fine otherwise.
MESSAGES = (
    "always-first", "always-second", "always-tie", "deep", "duplicate-keys", "empty", "extra-text",
    "fenced", "filtered", "garbage", "huge", "huge-number", "list", "lowercase", "nan", "no-nonce",
    "nul", "obeys", "refuses", "refuses-in-words", "surrogate", "tool-call", "truncated",
    "two-objects", "wrong-nonce",
)  # fmt: skip
# What is wrong with the body, or with the answer as HTTP.
BODIES = (
    "cut-body", "error-with-200", "html", "leaks-key", "no-choices", "no-usage", "two-choices",
)  # fmt: skip
PACES = ("closes", "drips", "hangs", "resets", "resets-after-headers", "slow")
RETRIES = {"429-date": "date", "429-huge": "1000000000", "429-negative": "-5", "429-none": ""}
# What is wrong with a batch or its files.
BATCHES = (
    "cut", "doubled", "errors", "expired", "failed", "garbled", "missing", "refused", "reordered",
    "swapped", "truncated", "unheard", "unknown",
)  # fmt: skip
MODES = (FINE, *MESSAGES, *BODIES, *PACES, *RETRIES)


@dataclass(frozen=True)
class Behaviour:
    """Settings of the endpoint, changed by command line, by `behave` or over HTTP.

    `mode` is one of MODES or an error status (400 to 599); a model called `practice-MODE` has that
    mode whatever is set. `share` of the requests meet it, spread evenly, and with `times` only the
    next so many. `latency` and `pause` (of the modes slow and drips) are seconds. Of the
    judging: quality by `rule`, times `sharpness`, plus `noise` (standard deviation, the same for
    the same texts) and `bias` in logits for what is shown first; of the answers that give it orders
    it obeys the share `obedience`. With a `key`, others are turned away. The last `keeps` requests
    are kept to be looked at. Batches take `batch_seconds`, and `batch` is one of BATCHES: with
    `batch_times` it is met only so often. Each line of a batch meets `mode` as a request does.
    """

    mode: str = FINE
    share: float = 1.0
    times: int | None = None
    latency: float = 0.0
    pause: float = 61.0
    retry_after: str = "1"
    rule: str = "both"
    sharpness: float = 1.0
    noise: float = 0.0
    bias: float = 0.0
    obedience: float = 0.0
    seed: int = 0
    has_logprobs: bool = True
    key: str = ""
    keeps: int = 0
    has_batches: bool = True
    batch: str = FINE
    batch_times: int | None = None
    batch_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not is_mode(self.mode):
            raise ValueError(f"mode must be a status from 400 to 599 or of: {', '.join(MODES)}")
        if self.batch not in (FINE, *BATCHES):
            raise ValueError(f"batch must be one of: {', '.join((FINE, *BATCHES))}")
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of: {', '.join(RULES)}")

    def changed(self, **settings: Any) -> "Behaviour":
        """Give another behaviour; a setting that does not exist is a ValueError."""
        if unknown := set(settings) - {field.name for field in fields(self)}:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        return replace(self, **settings)

    def mode_of(self, model: str, number: int) -> str:
        """Name what the request with this number, counted from 1, meets."""
        named = model.removeprefix("practice-")
        if named != model and is_mode(named):
            return named
        is_met = int(number * self.share) > int((number - 1) * self.share)
        return self.mode if is_met else FINE


def is_mode(name: str) -> bool:
    return name in MODES or (name.isdecimal() and 400 <= int(name) <= 599)
