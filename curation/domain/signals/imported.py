"""The signals that come from numbers worked out elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev

from curation.domain.signals.pairs import rounded
from curation.domain.signals.registry import IMPORTED_PREFIX
from curation.domain.signals.signal import Value, Values

LOGPROB, TOKENS, REWARD = "ref_logprob", "ref_tokens", "reward:"
PAIR = 2


@dataclass(frozen=True, slots=True)
class Imported:
    """What was imported about one comparison.

    Attributes:
        whole: by name, of the comparison, or else of its item.
        by_response: by name, the value of each response compared in stored order, None where it
            has none.
        n_tokens: estimated tokens of each response, for where `ref_tokens` was not imported.
        chosen: place of the response that people's consensus prefers; None without a single one.
    """

    whole: Mapping[str, float] = field(default_factory=dict)
    by_response: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    n_tokens: Sequence[int] = ()
    chosen: int | None = None


def imported_signals(given: Imported) -> Values:
    """Work out the signals of the family "imported", those of what was imported only.

    Source for the reference gap: Chen et al. (2024), Preference Learning Algorithms Do Not Learn
    Preference Rankings: c = log p(rejected) - log p(chosen). For mean and standard deviation over
    reward models: Wang et al. (2024), Secrets of RLHF in LLMs, part II.
    """
    values: Values = {}
    for name, value in given.whole.items():
        values[f"{IMPORTED_PREFIX}{name}"] = rounded(value)
    for name, by_response in given.by_response.items():
        values |= of_responses(name, by_response)
    return values | reference_signals(given) | reward_signals(given)


def of_responses(name: str, by_response: Sequence[float | None]) -> Values:
    base = f"{IMPORTED_PREFIX}{name}"
    values: Values = {
        f"{base}.{place}": None if value is None else rounded(value)
        for place, value in enumerate(by_response, 1)
    }
    known = complete(by_response)
    if known:
        values[f"{base}.spread"] = rounded(max(known) - min(known))
        values[f"{base}.difference"] = rounded(known[0] - known[1]) if len(known) == PAIR else None
    return values


def complete(by_response: Sequence[float | None]) -> list[float]:
    """The values of all responses; none where one is missing."""
    known = [value for value in by_response if value is not None]
    return known if len(known) == len(by_response) else []


def reference_signals(given: Imported) -> Values:
    """Log-probability ratios and gaps of a reference model, as sums and per token."""
    if LOGPROB not in given.by_response:
        return {}
    logprobs = complete(given.by_response[LOGPROB])
    lengths = complete(given.by_response.get(TOKENS, [None])) or list(given.n_tokens)
    per_token = [p / max(n, 1) for p, n in zip(logprobs, lengths, strict=False)]
    values: Values = {}
    for suffix, each in (("", logprobs), ("_per_token", per_token)):
        ratio = each[0] - each[1] if len(each) == PAIR else None
        values[f"reference_log_ratio{suffix}"] = none_or_rounded(ratio)
        # Positive where the reference prefers the rejected response.
        gap = signed(ratio, given.chosen)
        values[f"reference_gap{suffix}"] = None if gap is None else rounded(-gap)
    return values


def reward_signals(given: Imported) -> Values:
    """Mean and standard deviation over reward models of the difference of rewards."""
    scored = [v for name, v in given.by_response.items() if name.startswith(REWARD)]
    if not scored:
        return {}
    known = [each for each in map(complete, scored) if each]
    gaps = [each[0] - each[1] for each in known if len(each) == PAIR]
    mean = fmean(gaps) if gaps else None
    return {
        "n_reward_models": len(known),
        "reward_gap_mean": none_or_rounded(mean),
        "reward_gap_sd": rounded(pstdev(gaps)) if len(gaps) > 1 else None,
        "reward_gap_chosen": none_or_rounded(signed(mean, given.chosen)),
    }


def signed(difference: float | None, chosen: int | None) -> float | None:
    """Turn first less second into chosen less rejected; None where either is not known."""
    if difference is None or chosen is None:
        return None
    return difference if chosen == 0 else -difference


def none_or_rounded(number: float | None) -> Value:
    return None if number is None else rounded(number)
