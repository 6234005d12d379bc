"""What was imported about comparisons, their items and their responses."""

from collections import defaultdict
from collections.abc import Sequence

from annotation.domain.consensus import Vote, ballots_of
from annotation.models import Comparison
from curation.domain.signals.imported import LOGPROB, PAIR, Imported
from curation.domain.signals.votes import pair_chances
from curation.domain.signals.wording import n_tokens, words_of
from curation.models import ImportedSignal
from curation.selectors.signal_inputs import (
    Judgments,
    item_ids_of,
    judgments_of,
    response_contents,
)

Named = dict[str, dict[int, float]]


def given_of(comparisons: Sequence[Comparison]) -> dict[int, Imported]:
    """What was imported about each comparison; one about which nothing was is left out.

    A value about the comparison itself goes before one of its item under the same name.
    """
    of_items, of_comparisons, of_responses = imported_values(comparisons)
    lengths = lengths_of(comparisons) if LOGPROB in of_responses else {}
    said = judgments_of([comparison.pk for comparison in comparisons]) if of_responses else {}
    found = {}
    for comparison in comparisons:
        whole = values_at(of_items, comparison.item_id) | values_at(of_comparisons, comparison.pk)
        by_response = {
            name: [values.get(pk) for pk in comparison.response_ids]
            for name, values in of_responses.items()
            if any(pk in values for pk in comparison.response_ids)
        }
        if whole or by_response:
            found[comparison.pk] = Imported(
                whole,
                by_response,
                [lengths.get(pk, 0) for pk in comparison.response_ids],
                chosen_of(comparison, said[comparison.pk]) if by_response else None,
            )
    return found


def imported_values(comparisons: Sequence[Comparison]) -> tuple[Named, Named, Named]:
    """Values by name, then by item, by comparison, and by response."""
    of_items: Named = defaultdict(dict)
    of_comparisons: Named = defaultdict(dict)
    of_responses: Named = defaultdict(dict)
    found = ImportedSignal.objects.filter(item__in=item_ids_of(comparisons)).order_by("name", "pk")
    for row in found.iterator():
        if row.response_id is not None:
            of_responses[row.name][row.response_id] = row.value
        elif row.comparison_id is not None:
            of_comparisons[row.name][row.comparison_id] = row.value
        else:
            of_items[row.name][row.item_id] = row.value
    return of_items, of_comparisons, of_responses


def values_at(named: Named, key: int) -> dict[str, float]:
    return {name: values[key] for name, values in named.items() if key in values}


def lengths_of(comparisons: Sequence[Comparison]) -> dict[int, int]:
    """Estimated tokens of each response compared; what is no text counts for nothing."""
    texts = {
        pk: "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        for pk, content in response_contents(comparisons).items()
    }
    return {pk: n_tokens(said, len(words_of(said))) for pk, said in texts.items()}


def chosen_of(comparison: Comparison, said: Judgments) -> int | None:
    """The place of the response that people's votes favour; None for an even split."""
    if len(comparison.response_ids) != PAIR:
        return None
    ballots = ballots_of(Vote(one.annotator, one.ranking) for one in said.people if one.is_vote)
    (chance,) = pair_chances(comparison.response_ids, ballots)
    return None if chance == 0.5 else int(chance < 0.5)
