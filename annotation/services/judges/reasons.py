"""What a judge's answers say beside the overall verdict: on criteria, and why."""

from collections.abc import Iterable, Sequence
from typing import Any

from annotation.domain.answers import LONGEST_RATIONALE
from annotation.domain.judges.combining import Answered, combined, combined_ratings
from annotation.domain.judges.recorded import Explained
from annotation.domain.vocabulary import CriterionKind, Outcome
from annotation.models import Comparison, Criterion


def criteria_of(
    comparison: Comparison, said: Sequence[Explained], asked: Iterable[Criterion]
) -> dict[str, Any]:
    """What the answers say on the project's criteria, combined like the verdict.

    A preference that flips with the order, or that nobody leads, is left out.
    """
    found: dict[str, Any] = {}
    for criterion in asked:
        if criterion.kind == CriterionKind.PREFERENCE:
            answer = preferred(comparison, criterion.key, said)
        else:
            answer = rated(criterion, said)
        if answer:
            found[criterion.key] = answer
    return found


def preferred(comparison: Comparison, key: str, said: Sequence[Explained]) -> dict[str, Any]:
    answers = [
        Answered(one.answered.order, one.answered.shown, Outcome.RANKED, one.rankings[key])
        for one in said
        if key in one.rankings
    ]
    verdict = combined(comparison.response_ids, answers, allows_tie=comparison.project.allows_tie)
    return {"ranking": verdict.ranking} if verdict.ranking else {}


def rated(criterion: Criterion, said: Sequence[Explained]) -> dict[str, Any]:
    means = combined_ratings(
        one.ratings[criterion.key] for one in said if criterion.key in one.ratings
    )
    within = {
        str(response): number
        for response, number in means.items()
        if criterion.scale_min <= number <= criterion.scale_max
    }
    return {"ratings": within} if within else {}


def rationale_of(comparison: Comparison, said: Sequence[Explained]) -> str:
    """The judge's words in the first order, and those in the other where they differ.

    Answers speak of places, so the order in which the responses were shown stands before them
    unless it is that in which they are kept.
    """
    words: dict[str, tuple[int, ...]] = {}
    orders: set[int] = set()
    for one in said:
        if one.why.strip() and one.answered.order not in orders:
            orders.add(one.answered.order)
            words.setdefault(one.why.strip(), one.answered.shown)
    parts = [told(text, shown, comparison.response_ids) for text, shown in words.items()]
    return "\n\n".join(parts)[:LONGEST_RATIONALE]


def told(text: str, shown: Sequence[int], responses: Sequence[int]) -> str:
    if list(shown) == list(responses):
        return text
    places = ", ".join(str(responses.index(response) + 1) for response in shown)
    return f"(Shown in the order {places}.) {text}"
