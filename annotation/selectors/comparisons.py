"""One comparison with everything that was said about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.domain.content import text_of
from annotation.domain.errors import NotFound
from annotation.domain.marking import Mark, Segment, segments_of
from annotation.domain.vocabulary import AnnotatorKind
from annotation.domain.wording import (
    letters_of,
    ranking_sentence,
    strength_word,
    verdict_sentence,
)
from annotation.models import (
    Comparison,
    Consensus,
    Criterion,
    Item,
    Judgment,
    Project,
    Response,
)
from annotation.selectors.feedback import weight_of_judgments
from annotation.selectors.totals import is_disputed

MOST_JUDGMENTS = 300


@dataclass(frozen=True)
class Answer:
    """One criterion of a judgment in words; `is_asked` is false for what only imports carry."""

    criterion: str
    said: str


@dataclass(frozen=True)
class Quote:
    """A stretch of a response that a rationale points at."""

    letter: str
    text: str
    label: str
    criterion: str


@dataclass(frozen=True)
class JudgmentView:
    """A judgment as its readers see it; `earlier` are those that it supersedes, latest first.

    `feedback` is the kind of users' feedback that it was read out of, "" for a vote; `weight` how
    likely such feedback is right, None where that is not known.
    """

    id: int
    who: str
    kind: str
    sentence: str
    strength: str
    rationale: str
    tags: list[str]
    quotes: list[Quote]
    answers: list[Answer]
    shown_order: str
    seconds: float | None
    confidence: int | None
    is_unsafe: bool
    is_late: bool
    is_superseded: bool
    guidelines: int | None
    judged_at: datetime
    earlier: "list[JudgmentView]"
    feedback: str = ""
    weight: float | None = None


@dataclass(frozen=True)
class ResponseView:
    """A compared response. `marked` is its text cut at the spans that rationales mark."""

    id: int
    letter: str
    response: Response
    text: str
    marked: list[Segment]


@dataclass(frozen=True)
class ConsensusView:
    """A consensus in words: each outcome with its probability in [0, 1], likeliest first."""

    outcomes: list[tuple[str, float]]
    sentence: str
    state: str
    strength: float | None
    agreement: float | None
    n_judgments: int
    n_votes: int
    method: str
    computed_at: datetime


@dataclass(frozen=True)
class ComparisonPage:
    comparison: Comparison
    item: Item
    other_item: Item | None
    responses: list[ResponseView]
    judgments: list[JudgmentView]
    consensus: ConsensusView | None
    n_left_out: int


def comparison_page(
    project: Project, comparison_id: int, *, only_of: int | None = None
) -> ComparisonPage:
    """Show a comparison with all judgments, or with those of one annotator and no consensus.

    Raises:
        NotFound: it is not of this project, or `only_of` has not judged it: nobody learns anything
            about a comparison before their own answer.
    """
    found = Comparison.objects.filter(project=project, id=comparison_id)
    comparison = found.select_related("item", "other_item").first()
    if comparison is None:
        raise NotFound("There is no such comparison in this project.")
    judgments = _judgments(comparison, only_of)
    if only_of is not None and not judgments:
        raise NotFound("There is no such comparison in this project, or you have not judged it.")
    return _page(project, comparison, judgments, with_consensus=only_of is None)


def _judgments(comparison: Comparison, only_of: int | None) -> list[Judgment]:
    said = Judgment.objects.filter(comparison=comparison).select_related(
        "annotator", "rationale", "guidelines"
    )
    if only_of is not None:
        said = said.filter(annotator_id=only_of)
    return list(said.prefetch_related("rationale__spans").order_by("id")[: MOST_JUDGMENTS + 1])


def _page(
    project: Project, comparison: Comparison, judgments: list[Judgment], *, with_consensus: bool
) -> ComparisonPage:
    responses = list(Response.objects.filter(id__in=comparison.response_ids))
    responses.sort(key=lambda response: (response.item_id != comparison.item_id, response.position))
    reader = Reader(project, responses, {c.key: c for c in project.criteria.all()})
    users = [j.id for j in judgments if j.annotator.kind == AnnotatorKind.USER]
    reader.weights = weight_of_judgments(users) if users else {}
    consensus = Consensus.objects.filter(comparison=comparison).first() if with_consensus else None
    return ComparisonPage(
        comparison=comparison,
        item=comparison.item,
        other_item=comparison.other_item,
        responses=reader.responses_marked(judgments),
        judgments=reader.chains(judgments[:MOST_JUDGMENTS]),
        consensus=reader.consensus(consensus) if consensus else None,
        n_left_out=max(len(judgments) - MOST_JUDGMENTS, 0),
    )


class Reader:
    """Reads the judgments of one comparison out in words, its responses named A, B, C…"""

    def __init__(
        self, project: Project, responses: list[Response], criteria: Mapping[str, Criterion]
    ) -> None:
        self.project, self.criteria = project, criteria
        self.responses = {response.id: response for response in responses}
        self.texts = {response.id: text_of(response.content) for response in responses}
        self.letters = letters_of(list(self.responses))
        self.weights: Mapping[int, tuple[str, float | None]] = {}

    def responses_marked(self, judgments: list[Judgment]) -> list[ResponseView]:
        marks: dict[int, list[Mark]] = {response: [] for response in self.responses}
        for judgment in judgments:
            for span in self._spans(judgment):
                label = f"{span.label} ({judgment.annotator.name})"
                marks.setdefault(span.response_id, []).append(Mark(span.start, span.end, label))
        return [
            ResponseView(
                id=id,
                letter=self.letters[id],
                response=response,
                text=self.texts[id],
                marked=segments_of(self.texts[id], marks[id]) if marks[id] else [],
            )
            for id, response in self.responses.items()
        ]

    def chains(self, judgments: list[Judgment]) -> list[JudgmentView]:
        """Judgments in force, each with those that it supersedes, the newest first."""
        by_id = {judgment.id: judgment for judgment in judgments}
        superseded = {judgment.supersedes_id for judgment in judgments}
        return [
            self.view(judgment, by_id)
            for judgment in reversed(judgments)
            if judgment.id not in superseded
        ]

    def view(
        self, judgment: Judgment, by_id: Mapping[int, Judgment], *, is_superseded: bool = False
    ) -> JudgmentView:
        rationale = getattr(judgment, "rationale", None)
        earlier = by_id.get(judgment.supersedes_id or 0)
        feedback, weight = self.weights.get(judgment.id, ("", None))
        levels = self.project.strength_levels
        return JudgmentView(
            id=judgment.id,
            who=judgment.annotator.name,
            kind=judgment.annotator.kind,
            sentence=verdict_sentence(
                judgment.outcome,
                judgment.ranking,
                judgment.strength,
                judgment.reason,
                self.letters,
                levels,
            ),
            strength=strength_word(judgment.strength, levels),
            rationale=rationale.text if rationale else "",
            tags=rationale.tags if rationale else [],
            quotes=[self._quote(span) for span in self._spans(judgment)],
            answers=list(self._answers(judgment.criteria)),
            shown_order=", ".join(self.letters.get(r, "?") for r in judgment.shown_order or []),
            seconds=judgment.active_seconds,
            confidence=judgment.confidence,
            is_unsafe=judgment.is_unsafe,
            is_late=judgment.is_late,
            is_superseded=is_superseded,
            guidelines=judgment.guidelines.number if judgment.guidelines else None,
            judged_at=judgment.judged_at,
            earlier=self._earlier(earlier, by_id),
            feedback=feedback,
            weight=weight,
        )

    def _earlier(
        self, judgment: Judgment | None, by_id: Mapping[int, Judgment]
    ) -> list[JudgmentView]:
        chain = []
        while judgment:
            chain.append(self.view(judgment, {}, is_superseded=True))
            judgment = by_id.get(judgment.supersedes_id or 0)
        return chain

    def _spans(self, judgment: Judgment) -> list[Any]:
        rationale = getattr(judgment, "rationale", None)
        return list(rationale.spans.all()) if rationale else []

    def _quote(self, span: Any) -> Quote:
        text = self.texts.get(span.response_id, "")
        letter = self.letters.get(span.response_id, "?")
        return Quote(letter, text[span.start : span.end], span.label, span.criterion)

    def _answers(self, criteria: Mapping[str, Any]) -> Iterable[Answer]:
        for key, answer in criteria.items():
            known = self.criteria.get(key)
            yield Answer(known.name if known else key, self._said(answer))

    def _said(self, answer: Mapping[str, Any]) -> str:
        if "ranking" in answer:
            return ranking_sentence(answer["ranking"], None, self.letters, 1)
        ratings = answer.get("ratings", {})
        return ", ".join(
            f"{letter} {ratings[str(id)]:g}"
            for id, letter in self.letters.items()
            if str(id) in ratings
        )

    def consensus(self, consensus: Consensus) -> ConsensusView:
        outcomes = [
            (self._outcome(outcome), share) for outcome, share in consensus.posterior.items()
        ]
        outcomes.sort(key=lambda one: -one[1])
        disputed = is_disputed(
            consensus.n_votes, consensus.is_settled, self.project.settle_min_votes
        )
        state = "settled" if consensus.is_settled else "disputed" if disputed else "open"
        return ConsensusView(
            outcomes=outcomes,
            sentence=ranking_sentence(consensus.ranking, None, self.letters, 1),
            state=state,
            strength=consensus.strength,
            agreement=consensus.agreement,
            n_judgments=consensus.n_judgments,
            n_votes=consensus.n_votes,
            method=consensus.method.replace("_", " "),
            computed_at=consensus.computed_at,
        )

    def _outcome(self, outcome: str) -> str:
        both = "both bad" if len(self.letters) == 2 else "all bad"
        named = {"tie": "equally good", "both_bad": both}
        return named.get(outcome) or f"{self.letters.get(int(outcome), '?')} is best"
