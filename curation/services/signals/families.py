"""Works out one family of signals of a batch of comparisons, from what the database holds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from annotation.domain.content import text_of
from annotation.domain.errors import DomainError
from annotation.models import Comparison
from annotation.selectors import feedback
from curation.domain.signals import imported, judges, juries, text, vectors, votes
from curation.domain.signals.signal import Values
from curation.domain.texts import prompt_text
from curation.domain.vocabulary import SignalFamily
from curation.models import Generation
from curation.selectors import signal_inputs as inputs
from curation.selectors.imported_signals import given_of
from curation.selectors.judge_opinions import configured_of, opinions_of
from curation.selectors.vectors import active_generation

AT_A_TIME = 50  # comparisons whose texts are in memory
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, DomainError)


@dataclass
class Outcome:
    """What became of a batch: values by comparison, None where there are none; and the errors."""

    values: dict[int, Values | None] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)

    def note(
        self, comparisons: Sequence[Comparison], work_out: Callable[[Comparison], Values | None]
    ) -> None:
        """Keep the values of each comparison, or why they cannot be worked out."""
        for comparison in comparisons:
            try:
                self.values[comparison.pk] = storable(work_out(comparison))
            except UNREADABLE as error:
                self.errors[comparison.pk] = error


def storable(values: Values | None) -> Values | None:
    """Refuse what no JSON can hold."""
    for name, value in (values or {}).items():
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{name} is {value}")
    return values


Comparisons = Sequence[Comparison]


def of_texts(comparisons: Comparisons) -> Outcome:
    outcome = Outcome()
    for start in range(0, len(comparisons), AT_A_TIME):
        some = comparisons[start : start + AT_A_TIME]
        reader = TextReader(inputs.prompts_of(some), inputs.response_contents(some))
        outcome.note(some, reader.signals)
    return outcome


@dataclass
class TextReader:
    """Reads each text of a batch once, whatever the number of comparisons that it is in."""

    prompts: dict[int, Any]
    contents: dict[int, Any]
    read_prompts: dict[int, text.ReadPrompt] = field(default_factory=dict)
    read_responses: dict[int, text.ReadResponse] = field(default_factory=dict)

    def signals(self, comparison: Comparison) -> Values:
        responses = [self.response(pk) for pk in comparison.response_ids]
        return text.text_signals(self.prompt(comparison.item_id), responses)

    def prompt(self, item_id: int) -> text.ReadPrompt:
        if item_id not in self.read_prompts:
            messages = self.prompts[item_id]
            self.read_prompts[item_id] = text.read_prompt(prompt_text(messages), len(messages))
        return self.read_prompts[item_id]

    def response(self, response_id: int) -> text.ReadResponse:
        if response_id not in self.read_responses:
            said = text_of(self.contents[response_id])
            self.read_responses[response_id] = text.read_response(said)
        return self.read_responses[response_id]


def of_vectors(comparisons: Comparisons) -> Outcome:
    outcome = Outcome()
    generation = active_generation()
    if generation is None:
        outcome.values = {comparison.pk: None for comparison in comparisons}
        return outcome
    prompts = inputs.prompt_text_ids(comparisons)
    answers = inputs.response_text_ids(comparisons)
    known = inputs.vectors_by_text({*prompts.values(), *answers.values()}, generation)
    nearest = nearest_judged(comparisons, prompts, known, generation)
    model = f"{generation.name} {generation.revision[:12]}".strip()

    def signals(comparison: Comparison) -> Values:
        prompt = known.get(prompts.get(comparison.item_id, 0))
        of_responses = [known.get(answers.get(pk, 0)) for pk in comparison.response_ids]
        return vectors.vector_signals(prompt, of_responses, nearest.get(comparison.pk), model)

    outcome.note(comparisons, signals)
    return outcome


def nearest_judged(
    comparisons: Comparisons,
    prompts: dict[int, int],
    known: dict[int, Any],
    generation: Generation,
) -> dict[int, float | None]:
    """The greatest cosine of each comparison's prompt to prompts judged through others."""
    by_project: dict[int, list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        if prompts.get(comparison.item_id) in known:
            by_project[comparison.project_id].append(comparison)
    nearest: dict[int, float | None] = {}
    for project_id, some in by_project.items():
        judged = inputs.judged_prompts(project_id, generation)
        texts = [prompts[comparison.item_id] for comparison in some]
        own = [judged.row_of_own(t, c.pk) for t, c in zip(texts, some, strict=True)]
        found = vectors.nearest_cosines(np.stack([known[t] for t in texts]), judged.vectors, own)
        nearest |= {c.pk: cosine for c, cosine in zip(some, found, strict=True)}
    return nearest


def of_topics(comparisons: Comparisons) -> Outcome:
    topics = inputs.topics_of(comparisons)
    outcome = Outcome()

    def signals(comparison: Comparison) -> Values | None:
        number, label = topics.get(comparison.pk, (None, ""))
        return None if number is None else {"topic": number, "topic_label": label}

    outcome.note(comparisons, signals)
    return outcome


def of_votes(comparisons: Comparisons) -> Outcome:
    outcome = Outcome()
    ids = [comparison.pk for comparison in comparisons]
    said, hints = inputs.judgments_of(ids), feedback.hints_on(ids)
    weights = feedback.weights_of({comparison.project_id for comparison in comparisons})

    def signals(comparison: Comparison) -> Values:
        return votes.vote_signals(
            comparison.response_ids,
            said[comparison.pk].people,
            hints.get(comparison.pk, ()),
            weights[comparison.project_id],
        )

    outcome.note(comparisons, signals)
    return outcome


def of_judges(comparisons: Comparisons) -> Outcome:
    outcome = Outcome()
    said = inputs.judgments_of([comparison.pk for comparison in comparisons])
    opinions = opinions_of(comparisons)
    configured = configured_of(comparisons, opinions)

    def signals(comparison: Comparison) -> Values:
        both, known = said[comparison.pk], configured.get(comparison.pk, judges.NONE_CONFIGURED)
        values = judges.judge_signals(comparison.response_ids, both.judges, both.people, known)
        return values | juries.jury_signals(opinions.get(comparison.pk, []))

    outcome.note(comparisons, signals)
    return outcome


def of_imports(comparisons: Comparisons) -> Outcome:
    outcome = Outcome()
    given = given_of(comparisons)

    def signals(comparison: Comparison) -> Values | None:
        known = given.get(comparison.pk)
        return imported.imported_signals(known) if known else None

    outcome.note(comparisons, signals)
    return outcome


WORK: dict[SignalFamily, Callable[[Comparisons], Outcome]] = {
    SignalFamily.TEXT: of_texts,
    SignalFamily.VECTORS: of_vectors,
    SignalFamily.TOPIC: of_topics,
    SignalFamily.VOTES: of_votes,
    SignalFamily.JUDGES: of_judges,
    SignalFamily.IMPORTED: of_imports,
}
