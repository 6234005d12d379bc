"""How strong models are in the judges' eyes: a verdict against it is likelier wrong."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotation.domain.verdicts import Floats, Ints

USUAL_VOTES = 2.0  # comparisons of 1/2 that are added to each model's
UNKNOWN = -1


def strengths_of(models: Ints, p_first: Floats, n_models: int) -> Floats:
    """Mean share that judges give the responses of each model, drawn towards 1/2.

    Args:
        models: (n, 2) number of each response's model, `UNKNOWN` where it is not known.
        p_first: (n,) how much the judges favour the first response, in [0, 1].
    Returns:
        (n_models,) in (0, 1).
    """
    total, n = sums_of(models, p_first, n_models)
    found: Floats = (total + USUAL_VOTES / 2) / (n + USUAL_VOTES)
    return found


def sums_of(models: Ints, p_first: Floats, n_models: int) -> tuple[Floats, Floats]:
    total, n = np.zeros(n_models), np.zeros(n_models)
    for side, share in ((0, p_first), (1, 1 - p_first)):
        known = models[:, side] != UNKNOWN
        total += np.bincount(models[known, side], share[known], n_models)
        n += np.bincount(models[known, side], minlength=n_models)
    return total, n


def gaps_without(models: Ints, p_first: Floats, n_models: int) -> Floats:
    """First model's strength less the second's, each without the comparison itself.

    Returns:
        (n,) in (-1, 1); NaN where a model is not known.
    """
    if not n_models:
        return np.full(len(models), np.nan)
    total, n = sums_of(models, p_first, n_models)
    sides = []
    for side, share in ((0, p_first), (1, 1 - p_first)):
        left = total[models[:, side]] - share + USUAL_VOTES / 2
        sides.append(left / (n[models[:, side]] - 1 + USUAL_VOTES))
    known = (models != UNKNOWN).all(axis=1)
    return np.where(known, sides[0] - sides[1], np.nan)


def gaps_of(names: Sequence[Sequence[str]], strength: Mapping[str, float]) -> Floats:
    """The same by known strengths, for comparisons that these need not rest on.

    Args:
        names: of both responses' models, for each comparison. strength: by name.
    """
    unknown = float("nan")
    listed = [strength.get(name, unknown) for pair in names for name in pair]
    known = np.array(listed, float).reshape(-1, 2)
    gap: Floats = known[:, 0] - known[:, 1]
    return gap
