"""Reads what judges are asked about: judges with their templates, and comparisons with texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.domain.judges.questions import Asked, JudgedCriterion, Template
from annotation.models import Comparison, Criterion, Item, Judge, Response


@dataclass
class Library:
    """What does not change while a drain works, read once: judges and criteria."""

    judges: dict[int, Judge] = field(default_factory=dict)
    templates: dict[int, Template] = field(default_factory=dict)
    criteria: dict[int, list[JudgedCriterion]] = field(default_factory=dict)

    def learn(self, judge_ids: Iterable[int]) -> None:
        """Read the judges that are not known yet."""
        missing = set(judge_ids) - set(self.judges)
        if not missing:
            return
        found = Judge.objects.filter(pk__in=missing).select_related(
            "project", "endpoint", "template", "annotator"
        )
        for judge in found:
            self.judges[judge.pk] = judge
            self.templates[judge.pk] = template_of(judge)
            if judge.project_id not in self.criteria:
                self.criteria[judge.project_id] = criteria_of(judge.project_id)


@dataclass(frozen=True)
class Material:
    """Comparisons and their responses, by id."""

    comparisons: Mapping[int, Comparison]
    responses: Mapping[int, Response]

    def asked(self, library: Library, row: Any) -> Asked:
        """A comparison as one request shows it."""
        comparison = self.comparisons[row.comparison_id]
        project = library.judges[row.judge_id].project
        shown = [self.responses[pk] for pk in row.shown_order]
        prompt, answers = shown_with(comparison, shown)
        reference = comparison.item.metadata.get("reference")
        return Asked(
            prompt=prompt,
            answers=answers,
            criteria=library.criteria[comparison.project_id],
            context=comparison.context,
            reference=reference if isinstance(reference, str) else None,
            allows_tie=project.allows_tie,
            allows_both_bad=project.allows_both_bad,
        )


def material_for(comparison_ids: Iterable[int]) -> Material:
    """Read comparisons with all that is shown of them. Two queries."""
    comparisons = (
        Comparison.objects.select_related("item", "other_item")
        .only("project_id", "response_ids", "context", "item", "other_item")
        .in_bulk(list(set(comparison_ids)))
    )
    responses = {pk for comparison in comparisons.values() for pk in comparison.response_ids}
    texts = Response.objects.only("item_id", "content", "messages").order_by()
    return Material(comparisons, texts.in_bulk(list(responses)))


def shown_with(
    comparison: Comparison, shown: Sequence[Response]
) -> tuple[list[Any], list[list[Any]]]:
    """The conversation before the answers, and the answers.

    Where each answer has a conversation of its own, or they answer two prompts, the answers are
    whole conversations; of two prompts neither is the common one.
    """
    if comparison.other_item is not None:
        items = {item.pk: item for item in (comparison.item, comparison.other_item)}
        return [], [conversation(items[response.item_id], response) for response in shown]
    prompt = comparison.item.messages
    if any(response.messages for response in shown):
        return prompt, [conversation(comparison.item, response) for response in shown]
    return prompt, [response.content for response in shown]


def conversation(item: Item, response: Response) -> list[Any]:
    if response.messages:
        return response.messages
    return [*item.messages, {"role": "assistant", "content": response.content}]


def template_of(judge: Judge) -> Template:
    row = judge.template
    return Template(row.kind, row.asks_why, row.uses_reference, row.instructions)


def criteria_of(project_id: int) -> list[JudgedCriterion]:
    return [
        JudgedCriterion(
            criterion.key,
            criterion.kind,
            criterion.name,
            criterion.description,
            criterion.scale_min,
            criterion.scale_max,
        )
        for criterion in Criterion.objects.filter(project_id=project_id, is_asked=True)
    ]
