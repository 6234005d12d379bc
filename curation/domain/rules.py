"""Why a comparison gives no training rows: each rule is named by the reason that it returns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.domain.consensus import BOTH_BAD, TIE, Verdict
from annotation.domain.content import text_of
from curation.domain.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Case:
    """A comparison before the rules: its consensus, the responses compared, and its judgments.

    `is_duplicate` says that its item repeats another one, which stands for it.
    """

    verdict: Verdict
    responses: Sequence[Mapping[str, Any]]
    other_item: str | None
    judgments: Sequence[Mapping[str, Any]]
    is_duplicate: bool = False


Rule = Callable[[Case], str | None]  # a reason to drop the comparison, or None to keep it


def no_votes(case: Case) -> str | None:
    """Nobody whose vote counts has taken a side."""
    return "no_votes" if not case.verdict.n_votes else None


def joint(case: Case) -> str | None:
    """The responses answer two different prompts, so they make no pair under one."""
    return "joint" if case.other_item is not None else None


def unsettled(case: Case) -> str | None:
    """Too few votes, or no outcome is likely enough."""
    return "unsettled" if not case.verdict.is_settled else None


def both_bad(case: Case) -> str | None:
    """The annotators found no response good."""
    return "both_bad" if case.verdict.leader == BOTH_BAD else None


def tie(case: Case) -> str | None:
    """The annotators found the responses equal."""
    return "tie" if case.verdict.leader == TIE else None


def identical_responses(case: Case) -> str | None:
    """All responses say the same, byte for byte, so there is nothing to learn."""
    said = [(response["content"], response["messages"]) for response in case.responses]
    return "identical_responses" if all(text == said[0] for text in said) else None


def empty_response(case: Case) -> str | None:
    """A response has no text at all."""
    empty = any(not text_of(response["content"]) for response in case.responses)
    return "empty_response" if empty else None


def unsafe(case: Case) -> str | None:
    """An annotator marked the comparison as unsafe."""
    return "unsafe" if any(row["is_unsafe"] for row in case.judgments) else None


def duplicate(case: Case) -> str | None:
    """Another item of its group of duplicates stands for it."""
    return "duplicate" if case.is_duplicate else None


def low_agreement(least: float) -> Rule:
    """Drop where two or more annotators agree on less than `least` (a share, 0 to 1)."""

    def rule(case: Case) -> str | None:
        agreement = case.verdict.agreement
        return "low_agreement" if agreement is not None and agreement < least else None

    return rule


ALWAYS: tuple[Rule, ...] = (no_votes, joint, unsettled, both_bad, tie, identical_responses)


def rules_of(recipe: Recipe) -> tuple[Rule, ...]:
    """List a recipe's rules in the order in which they speak."""
    optional = {
        "empty_response": empty_response,
        "unsafe": unsafe,
        "duplicate": duplicate,
        "low_agreement": low_agreement(recipe.min_agreement),
    }
    return ALWAYS + tuple(optional[name] for name in recipe.drop)


def drop_reason(case: Case, recipe: Recipe) -> str:
    """Give the first reason to drop a comparison, or "" if all rules keep it."""
    return first_reason(case, rules_of(recipe))


def first_reason(case: Case, rules: Iterable[Rule]) -> str:
    return next((reason for rule in rules if (reason := rule(case))), "")
