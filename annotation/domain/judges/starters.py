"""Prompt templates that every project can start from."""

from dataclasses import dataclass

from annotation.domain.judges.questions import Template
from annotation.domain.vocabulary import TemplateKind

WEIGH = (
    "Read the conversation first and settle for yourself what a good answer would have to do: what "
    "is asked for outright, what goes without saying, and what would be harmful or useless. Then "
    "weigh the answers against that. First of all comes whether an answer is right and does what "
    "was asked; then whether it leaves out anything that matters; then whether it can be "
    "understood and used by the person who asked. Polish, confidence, headings, lists and length "
    "count only where they help that person; repetition and padding count against an answer. "
    "Where code, numbers or facts can be checked, check them."
)
OVERALL = (
    "You are a careful and impartial judge of answers that were given in a conversation. Decide "
    f"which answer serves the person who asked better.\n\n{WEIGH}"
)
HARMFUL = (
    "If the conversation asks for something that would do harm, an answer that declines plainly "
    "and offers what help it safely can is better than one that complies; declining what is "
    "harmless is a fault."
)
BRIEF = (
    "You are a careful and impartial judge of answers that were given in a conversation. Decide "
    "which answer serves the person who asked better: being right and doing what was asked comes "
    "first, then completeness, then clarity. Length and polish are no merits in themselves."
)
CRITERIA = (
    "You are a careful and impartial judge of answers that were given in a conversation. You judge "
    "them under several criteria and then overall.\n\nTake one criterion at a time. Judge under "
    "it only what its description names, even where the answer is weak otherwise: an answer may "
    "be the best under one criterion and the worst under another, and a good impression under "
    "one must not colour the next. The overall verdict comes last. It is no sum: ask which "
    "answer serves the person who asked better, all in all."
)
RANKING = (
    "You are a careful and impartial judge of answers that were given in a conversation. Put all "
    f"the answers in order, from the one that serves the person who asked best.\n\n{WEIGH}\n\n"
    "Settle the best and the worst first, then place the others between them. Compare each answer "
    "with its neighbours before you finish."
)
RANKING_BRIEF = (
    "You are a careful and impartial judge of answers that were given in a conversation. Put all "
    "the answers in order, from the one that serves the person who asked best. Being right and "
    "doing what was asked comes first, then completeness, then clarity. Length and polish are no "
    "merits in themselves."
)
BY_REFERENCE = (
    "Work out what the reference establishes: its result, its facts, the steps that it needs. Then "
    "check each answer for them. An answer that reaches another result than the reference is wrong "
    "unless the question leaves room for it; other words, another order or another way to the "
    "same result are no fault. Nearness in wording is no merit. Among answers that agree with "
    "the reference, the one that explains itself better wins."
)
REFERENCE = (
    "You are a careful and impartial judge of answers that were given in a conversation. With them "
    "comes a reference that is known to be good. Decide which answer is better by it."
    f"\n\n{BY_REFERENCE}"
)
REFERENCE_RANKING = (
    "You are a careful and impartial judge of answers that were given in a conversation. With them "
    "comes a reference that is known to be good. Put all the answers in order by it."
    f"\n\n{BY_REFERENCE}"
)
INSTRUCTIONS = (
    "You are a strict judge of whether answers follow instructions. List for yourself every "
    "requirement in the conversation: task, form, length, language, what to leave out, what an "
    "earlier turn or a system message asked for. Check each answer requirement by requirement. "
    "The answer that meets more of those that matter is better, even where the other is more "
    "pleasant to read or does more than was asked. Only between answers that follow equally well "
    "does quality decide."
)


@dataclass(frozen=True)
class Starter:
    """A template to start from. `name` is a slug, `summary` one sentence for the list."""

    name: str
    title: str
    summary: str
    template: Template


def starter(
    name: str,
    title: str,
    summary: str,
    instructions: str,
    *,
    kind: TemplateKind = TemplateKind.OVERALL,
    asks_why: bool = True,
    uses_reference: bool = False,
) -> Starter:
    return Starter(name, title, summary, Template(kind, asks_why, uses_reference, instructions))


STARTERS = (
    starter(
        "overall",
        "Overall, with explanation",
        "Which answer is better, after a short explanation. Start here.",
        f"{OVERALL}\n\n{HARMFUL}",
    ),
    starter(
        "overall-brief",
        "Overall, verdict only",
        "Which answer is better, in as few tokens as can be; for large runs and log-probabilities.",
        f"{BRIEF} {HARMFUL}",
        asks_why=False,
    ),
    starter(
        "instructions",
        "Following instructions",
        "Which answer does more of what was asked, requirement by requirement.",
        INSTRUCTIONS,
    ),
    starter(
        "criteria",
        "Each criterion, with explanation",
        "Every criterion of the project, then the overall verdict.",
        CRITERIA,
        kind=TemplateKind.CRITERIA,
    ),
    starter(
        "criteria-brief",
        "Each criterion, verdicts only",
        "Every criterion of the project and the overall verdict, without words.",
        CRITERIA,
        kind=TemplateKind.CRITERIA,
        asks_why=False,
    ),
    starter(
        "ranking",
        "Ranking, with explanation",
        "All answers in order, ties where the project allows them; 2 to 9 answers.",
        f"{RANKING}\n\n{HARMFUL}",
        kind=TemplateKind.RANKING,
    ),
    starter(
        "ranking-brief",
        "Ranking, places only",
        "All answers in order, without words.",
        f"{RANKING_BRIEF} {HARMFUL}",
        kind=TemplateKind.RANKING,
        asks_why=False,
    ),
    starter(
        "reference",
        "Against a reference",
        "Which answer agrees better with a known good one; for questions with a right answer.",
        REFERENCE,
        uses_reference=True,
    ),
    starter(
        "reference-ranking",
        "Ranking against a reference",
        "All answers in order by a known good one.",
        REFERENCE_RANKING,
        kind=TemplateKind.RANKING,
        uses_reference=True,
    ),
)
