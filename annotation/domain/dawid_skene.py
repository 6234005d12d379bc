"""Dawid-Skene: what each item most likely is, and how each annotator errs, from labels alone.

Labels are any K categories, such as first better, second better, tie and both bad, told about the
items themselves and not about sides. Where the side on which an item was shown is known, an
annotator gets one confusion matrix per side, so that a habit of choosing the first shown is
learned as such.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from annotation.domain.comparisons import Floats, Ints, tally
from annotation.domain.errors import DomainError

TINY = 1e-300


class BadVotes(DomainError):
    """The arrays do not describe votes."""

    code = "bad_votes"


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """N votes in long format, one row each, in any order; missing votes are simply absent.

    Attributes:
        item: (N,) integers in [0, n_items). annotator: (N,) integers in [0, n_annotators).
        label: (N,) integers in [0, n_labels).
        n_items, n_annotators, n_labels: sizes; items and annotators may have no votes.
        side: (N,) integers in [0, n_sides), such as which response was shown first; None where
            it is unknown or does not matter. Use a side of its own for "unknown".
        n_sides: number of sides, 1 where `side` is None.
    Raises:
        BadVotes: lengths differ or a number is out of range.
    """

    item: Ints
    annotator: Ints
    label: Ints
    n_items: int
    n_annotators: int
    n_labels: int
    side: Ints | None = None
    n_sides: int = 1

    def __post_init__(self) -> None:
        columns = {
            "item": (self.item, self.n_items),
            "annotator": (self.annotator, self.n_annotators),
            "label": (self.label, self.n_labels),
        }
        if self.side is not None:
            columns["side"] = (self.side, self.n_sides)
        for field, (numbers, size) in columns.items():
            if len(numbers) != len(self.item):
                raise BadVotes("The columns of the votes differ in length.", field=field)
            if len(numbers) and (numbers.min() < 0 or numbers.max() >= size):
                raise BadVotes(f"A number of “{field}” is not in 0 to {size - 1}.", field=field)


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Votes that every annotator is given before any are counted.

    Attributes:
        right, wrong: pseudo-votes in each cell on and off the diagonal.
        pool: pseudo-votes per row that agree with what all annotators together do. They rule
            while an annotator has few votes of that class and vanish as votes come in.
    """

    right: float = 0.6
    wrong: float = 0.1
    pool: float = 3.0


UNSMOOTHED = Smoothing(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What the votes say about items and annotators, and how it was obtained.

    Attributes:
        posterior: (n_items, K), rows sum to 1. An item without votes has the prior.
        prior: (K,) class shares among items with votes.
        confusion: (n_annotators, K, K), [annotator, truth, label], rows sum to 1. The pooled
            matrix, drawn to the diagonal, for an annotator without votes.
        by_side: (n_annotators, n_sides, K, K), the same by side; these make the posterior.
        pooled: (n_sides, K, K), all annotators together.
        n_votes: (n_items,) integers.
        effective_votes: (n_items,) floats in [0, n_votes]: what the votes are worth in votes of
            an annotator who never errs. See `informativeness`.
        log_likelihood: of the votes, <= 0; pseudo-votes are left out.
        n_iterations: rounds of expectation and maximisation.
        has_converged: False where the posterior still moved by more than the tolerance.
    """

    posterior: Floats
    prior: Floats
    confusion: Floats
    by_side: Floats
    pooled: Floats
    n_votes: Ints
    effective_votes: Floats
    log_likelihood: float
    n_iterations: int
    has_converged: bool


def fit(
    votes: Votes,
    *,
    gold: Ints | None = None,
    smoothing: Smoothing = Smoothing(),  # noqa: B008  frozen
    max_iterations: int = 200,
    tolerance: float = 1e-8,
) -> Consensus:
    """Estimate classes and confusion matrices by expectation-maximisation.

    Starts from vote shares, or from what gold says about the annotators where there is gold. One
    round costs O(N K) and touches each vote twice.

    Args:
        votes: any number; at least 2 per item and 10 per annotator make it worth while.
        gold: (n_items,) known classes in [0, K), -1 where unknown; fixed throughout, and counted
            in the class shares. None without gold.
        smoothing: see `Smoothing`; `UNSMOOTHED` for maximum likelihood.
        max_iterations: upper bound on the rounds, at least 1.
        tolerance: stops when no probability moves by more, in (0, 1).
    Returns:
        The consensus. Without votes: a flat posterior.
    Raises:
        BadVotes: `gold` has another length or an unknown class.

    Source: Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using
    the EM algorithm, eq. 2.3-2.5; pseudo-votes make it a posterior mode.
    """
    known = known_classes(gold, votes)
    one_hot = one_hot_votes(votes)
    n_votes = np.bincount(votes.item, minlength=votes.n_items)
    posterior = first_guess(one_hot, vote_shares(votes, n_votes), votes, known)
    change, rounds = np.inf, 0
    while change > tolerance and rounds < max_iterations:
        rounds += 1
        prior = class_shares(posterior, n_votes)
        counts = expected_counts(one_hot, posterior, votes)
        by_side, pooled = confusions(counts, smoothing)
        fresh, log_likelihood = classify(one_hot, by_side, prior, known)
        change = largest_change(posterior, fresh)
        posterior = fresh
    worth = informativeness(by_side, prior).reshape(-1)
    return Consensus(
        posterior=posterior,
        prior=prior,
        confusion=confusions(counts.sum(1, keepdims=True), smoothing)[0][:, 0],
        by_side=by_side,
        pooled=pooled,
        n_votes=n_votes,
        effective_votes=tally(votes.item, worth[group_of(votes)], votes.n_items),
        log_likelihood=log_likelihood,
        n_iterations=rounds,
        has_converged=change <= tolerance,
    )


def known_classes(gold: Ints | None, votes: Votes) -> tuple[Ints, Ints]:
    """Split gold into the items whose class is known, and their classes.

    Raises:
        BadVotes: another length than items, or a class outside [-1, K).
    """
    if gold is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if len(gold) != votes.n_items:
        raise BadVotes("Gold has another length than there are items.", field="gold")
    if len(gold) and (gold.min() < -1 or gold.max() >= votes.n_labels):
        raise BadVotes("A gold class is not among the labels.", field="gold")
    items = np.flatnonzero(gold >= 0)
    return items, gold[items]


def set_known(posterior: Floats, known: tuple[Ints, Ints]) -> None:
    """Write certainty into the rows of gold items."""
    items, classes = known
    posterior[items] = 0.0
    posterior[items, classes] = 1.0


def group_of(votes: Votes) -> Ints:
    """Number the confusion matrix that made each vote: annotator, then side."""
    group = votes.annotator.astype(np.int64)
    return group if votes.side is None else group * votes.n_sides + votes.side


def one_hot_votes(votes: Votes) -> csr_array:
    """Lay votes out as (n_items, annotators x sides x labels), a one for each.

    Rows are items, so that both steps walk through items in order and jump about only in the
    small table of confusion matrices.
    """
    n_columns = votes.n_annotators * votes.n_sides * votes.n_labels
    column = (group_of(votes) * votes.n_labels + votes.label).astype(np.int32)
    entries = (np.ones(len(column)), (votes.item.astype(np.int32), column))
    sparse = coo_array(entries, shape=(votes.n_items, n_columns))
    # Repeated votes may stay apart: merging them would sort every row, and nobody looks them up.
    sparse.has_canonical_format = True
    return sparse.tocsr()


def vote_shares(votes: Votes, n_votes: Ints) -> Floats:
    """Share of each label among an item's votes, (n_items, K); equal shares without votes."""
    k = votes.n_labels
    cells = votes.item.astype(np.int64) * k + votes.label
    counts = np.bincount(cells, minlength=votes.n_items * k).reshape(-1, k).astype(float)
    counts[n_votes == 0] = 1.0
    counts /= counts.sum(1, keepdims=True)
    return counts


def first_guess(
    one_hot: csr_array, shares: Floats, votes: Votes, known: tuple[Ints, Ints]
) -> Floats:
    """Start from vote shares; where there is gold, from how annotators did on it.

    A crowd that is mostly wrong would otherwise keep being believed.
    """
    if not len(known[0]):
        return shares
    on_gold = np.zeros_like(shares)
    set_known(on_gold, known)
    by_side, _ = confusions(expected_counts(one_hot, on_gold, votes), Smoothing())
    return classify(one_hot, by_side, shares.mean(0), known)[0]


def class_shares(posterior: Floats, n_votes: Ints) -> Floats:
    """Average the posterior over items with votes; equal shares where there is none."""
    if not n_votes.any():
        return np.full(posterior.shape[1], 1 / posterior.shape[1])
    shares: Floats = (n_votes > 0) @ posterior / np.count_nonzero(n_votes)
    return shares


def expected_counts(one_hot: csr_array, posterior: Floats, votes: Votes) -> Floats:
    """Count votes by annotator, side, true class and label, each by its probability."""
    k = votes.n_labels
    counts = (one_hot.T @ posterior).reshape(votes.n_annotators, votes.n_sides, k, k)
    turned: Floats = np.ascontiguousarray(counts.swapaxes(2, 3))
    return turned


def confusions(counts: Floats, smoothing: Smoothing) -> tuple[Floats, Floats]:
    """Turn counts into rows of probabilities, drawn to the diagonal and to the pool.

    Args:
        counts: (n_annotators, n_sides, K, K), [annotator, side, truth, label].
    Returns:
        The annotators' matrices, shaped as `counts`, and the pool's, (n_sides, K, K). A row
        without votes or pseudo-votes is uniform.
    """
    k = counts.shape[-1]
    base = np.full((k, k), smoothing.wrong)
    np.fill_diagonal(base, smoothing.right)
    pooled = normalised(counts.sum(0) + base)
    return normalised(counts + base + smoothing.pool * pooled), pooled


def normalised(counts: Floats) -> Floats:
    """Scale rows to sum to one; a row of zeros becomes uniform."""
    totals = counts.sum(-1, keepdims=True)
    empty = np.full_like(counts, 1 / counts.shape[-1])
    return np.divide(counts, totals, out=empty, where=totals > 0)


def classify(
    one_hot: csr_array, by_side: Floats, prior: Floats, known: tuple[Ints, Ints]
) -> tuple[Floats, float]:
    """Give each item's class probabilities under given matrices, and the log likelihood.

    Args:
        one_hot: the votes. by_side: (n_annotators, n_sides, K, K). prior: (K,).
        known: gold items and classes; their likelihood is that of the known class.
    Returns:
        (n_items, K) with rows that sum to 1, and a number <= 0.
    """
    k = len(prior)
    emission = np.log(np.maximum(by_side, TINY)).swapaxes(2, 3).reshape(-1, k)
    logits = one_hot @ emission
    logits += np.log(np.maximum(prior, TINY))
    items, classes = known
    of_known = logits[items, classes]
    top = logits.max(1)
    logits -= top[:, None]
    np.exp(logits, out=logits)
    totals = logits.sum(1)
    logits /= totals[:, None]
    evidence = np.log(totals) + top
    evidence[items] = of_known
    set_known(logits, known)
    return logits, float(evidence.sum())


def largest_change(before: Floats, after: Floats) -> float:
    """Largest absolute difference of two equal-shaped arrays; `before` is used up."""
    before -= after
    return float(np.abs(before, out=before).max(initial=0.0))


def informativeness(confusion: Floats, prior: Floats) -> Floats:
    """Say what one vote of an annotator is worth, in votes of one who never errs.

    It is the mutual information of truth and label over the entropy of the truth: 1 for an
    annotator who never errs (or always errs in the same way), 0 for one whose labels do not
    depend on the item.

    Args:
        confusion: (..., K, K), [truth, label], rows sum to 1. prior: (K,), class shares.
    Returns:
        (...) in [0, 1]; 1 where the prior leaves nothing to learn.

    Source: Cover and Thomas (2006), Elements of information theory, eq. 2.28.
    """
    entropy = -float(np.sum(prior * np.log(np.maximum(prior, TINY))))
    if entropy <= 0:
        return np.ones(confusion.shape[:-2])
    joint = prior[:, None] * confusion
    apart = prior[:, None] * joint.sum(-2, keepdims=True)
    ratio = np.log(np.maximum(joint, TINY)) - np.log(np.maximum(apart, TINY))
    shared: Floats = (joint * ratio).sum((-2, -1))
    return np.clip(shared / entropy, 0.0, 1.0)
