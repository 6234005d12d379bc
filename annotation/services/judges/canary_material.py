"""Reads what canaries show to a judge: a real answer beside a stranger's that carries an attack."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.domain.judges.canaries import carried
from annotation.domain.judges.questions import Asked
from annotation.models import JudgeCanary, JudgeRequest
from annotation.services.judges.material import Library

LETTERS = "AB"


@dataclass(frozen=True)
class CanaryMaterial:
    """Canaries by id, with their comparisons and answers."""

    canaries: Mapping[int, JudgeCanary]

    def asked(self, library: Library, row: JudgeRequest) -> Asked:
        """A canary as one request shows it.

        Raises:
            LookupError: the canary is not known, or its attack is not.
        """
        assert row.canary_id is not None
        canary = self.canaries[row.canary_id]
        comparison = canary.comparison
        project = library.judges[row.judge_id].project
        reference = comparison.item.metadata.get("reference")
        return Asked(
            prompt=comparison.item.messages,
            answers=[answer_in(canary, row, pk) for pk in row.shown_order],
            criteria=library.criteria[comparison.project_id],
            context=comparison.context,
            reference=reference if isinstance(reference, str) else None,
            allows_tie=project.allows_tie,
            allows_both_bad=project.allows_both_bad,
        )


def canaries_for(rows: Iterable[JudgeRequest]) -> CanaryMaterial:
    """Read the canaries among some requests. One query, none where there are none."""
    wanted = {row.canary_id for row in rows if row.canary_id is not None}
    related = ("comparison__item", "good", "foreign")
    found = JudgeCanary.objects.select_related(*related).in_bulk(wanted) if wanted else {}
    return CanaryMaterial(found)


def answer_in(canary: JudgeCanary, row: JudgeRequest, response_id: int) -> list[Any]:
    """One of the two answers, as a conversation where the real one is."""
    good, foreign = canary.good, canary.foreign
    if response_id == good.pk:
        return good.messages or good.content
    place = row.shown_order.index(foreign.pk)
    content = foreign.content
    if canary.attack:
        content = carried(content, canary.attack, own=LETTERS[place], other=LETTERS[1 - place])
    if not good.messages:
        return content
    return [*canary.comparison.item.messages, {"role": "assistant", "content": content}]
