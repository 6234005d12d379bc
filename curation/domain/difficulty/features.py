"""What difficulty is foretold from."""

from collections.abc import Mapping

import numpy as np

from annotation.domain.verdicts import FIRST, SECOND, Floats, Ints
from curation.domain.difficulty.strengths import Pairs, forecast
from curation.domain.difficulty.target import disagreement

FORECAST_VOTES = 20.0  # votes that the forecast from other comparisons is worth beside own ones
USUAL_VOTES = 8.0  # comparisons of average disagreement added to every mean over some
JEFFREYS = 0.5

# In words that follow "harder" or "easier", for people.
MEANINGS = {
    "strength_gap": "the responses' strengths are further apart, by everybody's votes on them",
    "expected_disagreement": "votes on the same responses, models and prompt foretell disagreement",
    "updated_disagreement": "the same with the votes on this comparison added",
    "early_disagreement": "the votes on this comparison are divided",
    "response_disagreement": "people disagree on other comparisons of the same responses",
    "prompt_disagreement": "people disagree on other comparisons under the same prompt",
    "relative_length_gap": "the responses differ more in length",
    "shortest_words": "the shorter response is longer",
    "response_cosine": "the responses mean more nearly the same",
    "rouge_l": "the responses share more words in the same order",
    "judge_entropy": "the LLM judges are undecided",
    "judge_disagreement": "the LLM judges differ among themselves",
    "reward_gap": "the reward models see a greater difference",
    "reward_gap_sd": "the reward models differ among themselves",
    "reference_log_ratio": "the reference model finds one response far likelier",
}
FROM_VOTES = tuple(MEANINGS)[:6]
# From which signal each of the others is taken; those that rest on people's votes may not be used.
SOURCES = {
    "relative_length_gap": "relative_length_gap",
    "shortest_words": "shortest_words",
    "response_cosine": "response_cosine",
    "rouge_l": "rouge_l",
    "judge_entropy": "judge_entropy",
    "judge_disagreement": "judge_disagreement",
    "reward_gap": "reward_gap_mean",
    "reward_gap_sd": "reward_gap_sd",
    "reference_log_ratio": "reference_log_ratio_per_token",
}
SIZED = {"reward_gap", "reference_log_ratio"}  # the sign says which is better, not how clearly
SKEWED = {"shortest_words"}


def from_signals(values: Mapping[str, object]) -> list[float]:
    """Read the features that need no votes out of a comparison's signals, NaN where missing.

    Returns:
        One number for each of `SOURCES`, in that order.
    """
    found = []
    for name, signal in SOURCES.items():
        value = values.get(signal)
        number = float(value) if isinstance(value, int | float) else np.nan
        number = abs(number) if name in SIZED else number
        found.append(float(np.log1p(max(number, 0.0))) if name in SKEWED else number)
    return found


def from_votes(visible: Floats, pairs: Pairs, n_outcomes: int) -> Floats:
    """Work out the features that rest on votes.

    Args:
        visible: (I, 4) votes that may be seen. pairs: the I comparisons.
        n_outcomes: K, how many answers are open.
    Returns:
        (I, 6) in the order of `FROM_VOTES`; NaN for the votes on a comparison that has none. Means
        over other comparisons leave out the comparison itself, whatever votes it has.
    """
    told = forecast(visible, pairs)
    three = np.column_stack([visible[:, FIRST], visible[:, SECOND], visible[:, 2:].sum(axis=1)])
    n = visible.sum(axis=1)
    updated = three + FORECAST_VOTES * told.shares
    own = (visible + JEFFREYS)[:, np.argsort(-visible.sum(axis=0), kind="stable")[:n_outcomes]]
    seen = disagreement(visible)
    return np.column_stack(
        [
            np.abs(told.gap),
            diversity(told.shares),
            diversity(updated / updated.sum(axis=1, keepdims=True)),
            np.where(n > 0, diversity(own / own.sum(axis=1, keepdims=True)), np.nan),
            mean_of_others(pairs.response, seen),
            mean_of_others(pairs.prompt[:, None], seen),
        ]
    )


def diversity(shares: Floats) -> Floats:
    """Probability that two draws from each row of shares differ, (I,), in [0, 1 - 1/K]."""
    left: Floats = 1 - (shares**2).sum(axis=1)
    return left


def mean_of_others(groups: Ints, values: Floats) -> Floats:
    """Average over the other rows of the same groups.

    Args:
        groups: (I, g) numbers of the groups that each row is in. values: (I,) NaN where missing.
    Returns:
        (I,) means over the groups of means over their other rows, each drawn towards the mean of
        all as if `USUAL_VOTES` rows had it. NaN where there are no other rows: the mean of all
        would tell nothing but which votes were kept back.
    """
    known = ~np.isnan(values)
    if not known.any():
        return np.full(len(values), np.nan)
    filled, usual = np.where(known, values, 0.0), values[known].mean()
    size = int(groups.max(initial=-1)) + 1
    sums, n = np.zeros(size), np.zeros(size)
    for column in groups.T:
        sums += np.bincount(column, filled, size)
        n += np.bincount(column, known, size)
    total, n_others = np.zeros(len(values)), np.zeros(len(values))
    for column in groups.T:
        own = (groups == column[:, None]).sum(axis=1)
        n_here = n[column] - own * known
        n_others += n_here
        total += (sums[column] - own * filled + USUAL_VOTES * usual) / (n_here + USUAL_VOTES)
    return np.where(n_others > 0, total / groups.shape[1], np.nan)
