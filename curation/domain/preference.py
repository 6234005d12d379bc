"""Preference pairs as TRL reads them: explicit conversational prompt, chosen and rejected."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import pyarrow as pa

from annotation.domain.consensus import Ballot, ballots_of, pair_probability
from annotation.domain.content import Message, chat_messages
from curation.domain.canonical import unscaled
from curation.domain.recipes import Recipe
from curation.domain.records import Record, votes_of

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA = pa.schema(
    [
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("margin", pa.float64()),
        ("soft_label", pa.float64()),
        ("strength", pa.float64()),
        ("agreement", pa.float64()),
        ("n_votes", pa.int32()),
        ("n_human_votes", pa.int32()),
        ("n_llm_votes", pa.int32()),
        ("project", pa.string()),
        ("item", pa.string()),
        ("comparison", pa.string()),
        ("chosen_id", pa.string()),
        ("rejected_id", pa.string()),
        ("judgments", pa.list_(pa.string())),
    ]
)

Pair = tuple[str, str]


def preference_rows(record: Record, recipe: Recipe) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Turn an item into preference pairs.

    Yields:
        (row, "") for each pair kept; (None, reason) for each comparison that was dropped whole
        and for each pair of a kept one that is not a preference.
    """
    responses = {row["response"]: row for row in record["responses"]}
    for comparison in record["comparisons"]:
        if comparison["drop_reason"]:
            yield None, comparison["drop_reason"]
            continue
        votes = votes_of(comparison["judgments"], recipe.kinds)
        ballots = ballots_of(votes)
        for pair in pairs_of(comparison["consensus"]["ranking"], recipe.pairs):
            yield preference_row(record, comparison, responses, ballots, pair)


def pairs_of(ranking: Sequence[Sequence[str]], strategy: str) -> Iterator[Pair]:
    """List the pairs of a ranking, the better response first.

    Args:
        ranking: tiers, best first. Responses of one tier are equal and never form a pair.
        strategy: "all_pairs", "adjacent" (a response with those of the next tier), or
            "best_versus_rest" (those of the best tier with all below).

    Source: Pattnaik et al. (2024), Curry-DPO, for best versus rest.
    """
    if strategy == "adjacent":
        tiers = list(pairwise(ranking))
    elif strategy == "all_pairs":
        tiers = list(combinations(ranking, 2))
    else:
        tiers = [(ranking[0], tier) for tier in ranking[1:]]
    for better_tier, worse_tier in tiers:
        for better in better_tier:
            for worse in worse_tier:
                yield better, worse


def preference_row(
    record: Record,
    comparison: Record,
    responses: Mapping[str, Record],
    ballots: Sequence[Ballot],
    pair: Pair,
) -> tuple[dict[str, Any] | None, str]:
    """Make one row, or say why this pair is no preference.

    `soft_label` is the posterior mean that a further annotator prefers the chosen response, ties
    and "both bad" as half: (a + 1/2) / (n + 1). `margin` is its log-odds, in nats. A pair whose
    own votes do not favour the chosen response ("even_votes") is dropped, so that soft_label is
    in (0.5, 1) and margin is positive on every row.
    """
    chosen, rejected = (conversation_of(record, responses[name]) for name in pair)
    soft_label, margin = pair_probability(*pair, ballots)
    if chosen == rejected:
        return None, "identical_responses"
    if not all(is_text(conversation) for conversation in (chosen, rejected)):
        return None, "not_text"
    if margin <= 0:
        return None, "even_votes"
    turns = shared_turns(chosen, rejected)
    voters = {str(ballot.vote.annotator) for ballot in ballots}
    consensus = comparison["consensus"]
    return {
        "prompt": chosen[:turns],
        "chosen": chosen[turns:],
        "rejected": rejected[turns:],
        "margin": margin,
        "soft_label": soft_label,
        "strength": unscaled(consensus["strength"]),
        "agreement": unscaled(consensus["agreement"]),
        "n_votes": len(voters),
        "n_human_votes": n_of_kind(voters, "human"),
        "n_llm_votes": n_of_kind(voters, "llm"),
        "project": record["project"],
        "item": record["item"],
        "comparison": comparison["comparison"],
        "chosen_id": pair[0],
        "rejected_id": pair[1],
        "judgments": [row["judgment"] for row in comparison["judgments"]],
    }, ""


def n_of_kind(voters: Iterable[str], kind: str) -> int:
    return sum(voter.startswith(f"{kind}:") for voter in voters)


def conversation_of(record: Record, response: Record) -> list[dict[str, Any]]:
    """Give a response with everything said before it.

    A response with messages of its own brings its whole conversation, which may or may not end
    with the response itself; all others answer the item's.
    """
    answer: Message = {"role": "assistant", "content": response["content"]}
    turns = response["messages"] or record["messages"]
    if response["messages"] and turns[-1] == answer:
        return chat_messages(turns)
    return chat_messages([*turns, answer])


def is_text(conversation: Sequence[Mapping[str, Any]]) -> bool:
    return all(isinstance(message["content"], str) for message in conversation)


def shared_turns(chosen: Sequence[Any], rejected: Sequence[Any]) -> int:
    """Count the turns that two conversations start with, leaving each at least its last one."""
    most = min(len(chosen), len(rejected)) - 1
    return next((n for n in range(most) if chosen[n] != rejected[n]), most)
