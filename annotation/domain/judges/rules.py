"""Quorum's own rules: how the material reaches a judge, and what its answer must look like."""

from collections.abc import Sequence

from annotation.domain.judges.questions import Asked, JudgedCriterion, Template, criteria_of
from annotation.domain.judges.schemas import BOTH_BAD, verdict_words
from annotation.domain.judges.sentences import SENTENCES
from annotation.domain.vocabulary import CriterionKind


def rules_for(template: Template, asked: Asked) -> list[str]:
    """Say how the material reaches the judge and what its answer must look like: paragraphs."""
    names = ["material", "untrusted", "letters"]
    if template.uses_reference:
        names.insert(1, "reference")
    keys = [SENTENCES["nonce"]]
    if template.asks_why:
        keys.append(SENTENCES["why"])
    if criteria := criteria_of(template, asked):
        lines = [criterion_line(criterion, asked) for criterion in criteria]
        keys.append("\n  - ".join([SENTENCES["criteria"], *lines]))
    keys += verdict_lines(asked)
    listed = "\n".join(f"- {key}" for key in keys)
    return [*(SENTENCES[name] for name in names), f"{SENTENCES['format']}\n{listed}"]


def verdict_lines(asked: Asked) -> list[str]:
    if len(asked.answers) == 2:
        lines = [SENTENCES["verdict"].format(words=listing(verdict_words(asked)))]
        lines += [SENTENCES[word] for word in verdict_words(asked) if word in SENTENCES]
        return [" ".join(lines)]
    places = SENTENCES["places"].format(n=len(asked.answers))
    tied = SENTENCES["tied" if asked.allows_tie else "untied"]
    lines = [SENTENCES["all_bad"]] if asked.allows_both_bad else []
    return [*lines, f"{places} {tied}"]


def criterion_line(criterion: JudgedCriterion, asked: Asked) -> str:
    if criterion.kind == CriterionKind.RATING:
        return SENTENCES["rating"].format(
            key=criterion.key, lowest=criterion.scale_min, highest=criterion.scale_max
        )
    if len(asked.answers) > 2:
        return SENTENCES["preference_of_many"].format(key=criterion.key)
    words = [word for word in verdict_words(asked) if word != BOTH_BAD]
    return SENTENCES["preference"].format(key=criterion.key, words=listing(words))


def listing(words: Sequence[str]) -> str:
    """Join words in quotation marks: “A”, “B” or “tie”."""
    quoted = [f"“{word}”" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
