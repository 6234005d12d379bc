"""How good each response is and how often it is tied, from everybody's votes on all comparisons."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from annotation.domain.verdicts import FIRST, SECOND, Floats, Ints

MOST_STEPS = 200
RELATIVE_STEP = 1e-7  # of the log posterior, below which the search ends
# Prior precisions, so that the standard deviation is 0.7 logits for a response, 1 for the tie rate
# of a prompt and 1.8 for a model. Chosen on the sets that benchmarks.difficulty reads; halving or
# doubling any changes the rank correlation in the third digit.
OF_RESPONSE, OF_PROMPT, OF_MODEL, OF_CONSTANT, OF_NOBODY = 2.0, 1.0, 0.3, 1e-3, 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """I comparisons of two responses.

    Attributes:
        response: (I, 2) number of each response's text, equal for equal texts.
        prompt: (I,) number of the prompt. model: (I, 2) who wrote them, -1 unknown.
    """

    response: Ints
    prompt: Ints
    model: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What a vote on each comparison will be.

    Attributes:
        gap: (I,) logits by which the first response is better.
        shares: (I, 3) probability that it goes to the first, to the second, to neither.
    """

    gap: Floats
    shares: Floats


def forecast(votes: Floats, pairs: Pairs) -> Forecast:
    """Fit what everybody's votes say about responses, models and prompts, and foretell votes.

    A vote goes to the first response, to the second, or to neither (ties and "both bad"), with
    logits d/2, -d/2 and t: d is the difference in strength of the two responses and of their
    models, t the sum of how often each of these, and the prompt, is tied. All terms have Gaussian
    priors, so that what nobody has judged is taken for average. Nothing belongs to the comparison
    itself: votes on it count only as votes on its responses.

    Args:
        votes: (I, 4) votes by verdict code; fractions are fine.
        pairs: the I comparisons.
    Returns:
        The posterior mode. Without votes: no gap, and equal shares.

    Source: Bradley and Terry (1952) with a third answer as in Davidson (1970), whose sqrt(ab) is
    the logit 0 here; the sums of tie rates are ours.
    """
    seen = np.flatnonzero(votes.sum(axis=1))
    told = np.column_stack([votes[:, FIRST], votes[:, SECOND], votes[:, SECOND + 1 :].sum(axis=1)])
    design = Design(pairs)
    if not len(seen):
        return design.foretold(np.zeros(design.size), np.arange(len(votes)), has_ties=True)
    has_ties = bool(told[:, 2].any())
    found = minimize(
        design.slope,
        np.zeros(design.size),
        args=(seen, told[seen], has_ties),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "ftol": RELATIVE_STEP},
    )
    return design.foretold(found.x, np.arange(len(votes)), has_ties)


class Design:
    """Which terms the logits of each comparison are made of.

    The terms lie in one vector: strengths of responses, of models; ties of responses, of models,
    of prompts; one constant. A last model stands for unknown ones and is held at zero.
    """

    def __init__(self, pairs: Pairs) -> None:
        n_responses = int(pairs.response.max(initial=-1)) + 1
        n_prompts = int(pairs.prompt.max(initial=-1)) + 1
        n_models = int(pairs.model.max(initial=-1)) + 2
        model = np.where(pairs.model < 0, n_models - 1, pairs.model)
        sizes = [n_responses, n_models, n_responses, n_models, n_prompts, 1]
        starts = np.cumsum([0, *sizes])
        self.size = int(starts[-1])
        self.strength = [pairs.response + starts[0], model + starts[1]]
        self.ties = [pairs.response + starts[2], model + starts[3], (pairs.prompt + starts[4])]
        self.constant = int(starts[5])
        precisions = [OF_RESPONSE, OF_MODEL, OF_RESPONSE, OF_MODEL, OF_PROMPT, OF_CONSTANT]
        self.precision = np.repeat(precisions, sizes)
        self.precision[[starts[2] - 1, starts[4] - 1]] = OF_NOBODY

    def logits(self, terms: Floats, rows: Ints, has_ties: bool) -> tuple[Floats, Floats]:
        """Add up the terms of some comparisons: the gap (m,), and the logits (m, 3)."""
        gap = sum(terms[part[rows, 0]] - terms[part[rows, 1]] for part in self.strength)
        tie = terms[self.constant] + terms[self.ties[2][rows]]
        tie = tie + sum(terms[part[rows]].sum(axis=1) for part in self.ties[:2])
        tie = tie if has_ties else np.full(len(rows), -np.inf)
        return gap, np.column_stack([gap / 2, -gap / 2, tie])

    def foretold(self, terms: Floats, rows: Ints, has_ties: bool) -> Forecast:
        gap, logits = self.logits(terms, rows, has_ties)
        return Forecast(gap, softmax(logits, axis=1))

    def slope(
        self, terms: Floats, rows: Ints, told: Floats, has_ties: bool
    ) -> tuple[float, Floats]:
        """Minus the log posterior, and its gradient."""
        _, logits = self.logits(terms, rows, has_ties)
        shares = softmax(logits, axis=1)
        n = told.sum(axis=1)
        likely = np.log(np.maximum(shares, 1e-300))
        loss = -(told * likely).sum() + 0.5 * (self.precision * terms**2).sum()
        surplus = shares * n[:, None] - told
        by_gap, by_tie = (surplus[:, 0] - surplus[:, 1]) / 2, surplus[:, 2]
        gradient = self.precision * terms
        for part in self.strength:
            gradient += np.bincount(part[rows, 0], by_gap, self.size)
            gradient -= np.bincount(part[rows, 1], by_gap, self.size)
        for part in self.ties[:2]:
            for side in (0, 1):
                gradient += np.bincount(part[rows, side], by_tie, self.size)
        gradient += np.bincount(self.ties[2][rows], by_tie, self.size)
        gradient[self.constant] += by_tie.sum()
        return float(loss), gradient
