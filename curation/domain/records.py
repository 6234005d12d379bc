"""The canonical record: one item with its responses, comparisons, judgments and consensus.

A record names everything by what it is called outside: nothing in it depends on ids in the
database, on the order of insertion, on the clock, or on a locale. Its canonical JSON is what is
hashed, stored, and turned into every training format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.domain import consensus
from annotation.domain.consensus import Settlement, Verdict, Vote
from annotation.domain.families import family_named
from annotation.domain.vocabulary import VOTERS, AnnotatorKind
from curation.domain.canonical import canonical_json, digest_of, pseudonym_of, scaled
from curation.domain.recipes import Recipe, split_of
from curation.domain.rules import Case, drop_reason

Facts = Mapping[str, Any]
Record = dict[str, Any]

SPEC = "quorum-record/1"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a project's items are cut.

    `anchors` names, for the prompts of groups of duplicates, the prompt that decides their split.
    """

    recipe: Recipe
    settlement: Settlement
    pseudonym_key: bytes
    anchors: Mapping[str, str] = field(default_factory=dict)


def record_of(facts: Facts, terms: Terms) -> Record:
    """Freeze one item.

    Args:
        facts: the item as the snapshot holds it: `project`, `external_id`, `messages`, `metadata`,
            `responses`, and `comparisons` with their `judgments`; rows name each other by
            database id. `duplicates` lists the groups that the item is in.
        terms: recipe, settlement rule, and the key for people's pseudonyms.
    Returns:
        A JSON value without database ids, computed numbers scaled to whole ones. Comparisons and
        judgments are ordered by name, responses by their position in the item.
    """
    prompt = digest_of(facts["messages"])
    names = {row["id"]: row["external_id"] for row in facts["responses"]}
    groups = groups_of(facts, terms)
    frozen = [comparison_record(facts, row, names, terms) for row in facts["comparisons"]]
    record = {
        "spec": SPEC,
        "project": facts["project"],
        "item": facts["external_id"],
        "prompt": prompt,
        "split": split_of(terms.anchors.get(prompt, prompt), terms.recipe.split),
        "messages": facts["messages"],
        "metadata": facts["metadata"],
        "responses": [response_record(row, names) for row in facts["responses"]],
        "comparisons": sorted(frozen, key=lambda row: row["comparison"]),
    }
    # An item without duplicates is spelled as it was before there were any, so its hash stays.
    return record | {"duplicates": groups} if groups else record


def groups_of(facts: Facts, terms: Terms) -> list[Record]:
    """List the groups of duplicates that an item is in and that the recipe counts, by kind."""
    found = [dict(row) for row in facts.get("duplicates", ())]
    counted = [row for row in found if row["kind"] in terms.recipe.duplicates]
    return sorted(counted, key=lambda row: row["kind"])


def response_record(row: Facts, names: Mapping[int, str]) -> Record:
    return {
        "response": row["external_id"],
        "content": row["content"],
        "messages": row["messages"],
        "model": row["model_name"],
        "metadata": row["metadata"],
        "revision_of": names.get(row["revision_of_id"]),
    }


def comparison_record(
    facts: Facts, row: Facts, own_names: Mapping[int, str], terms: Terms
) -> Record:
    """Freeze one comparison with its consensus and, unless it is kept, why it is dropped."""
    names = {**own_names, **joint_names(facts, row)}
    compared = [names[response] for response in row["response_ids"]]
    named = {
        "item": facts["external_id"],
        "project": facts["project"],
        "responses": sorted(compared),
        "context": row["context"],
        "other_item": row["other_item"],
    }
    comparison = f"c-{digest_of(named)[:20]}"
    votes, hints = votes_and_hints(row["judgments"])
    judgments = judgment_records(votes, comparison, names, terms)
    feedback = judgment_records(hints, comparison, names, terms)
    verdict = verdict_on(sorted(compared), judgments, terms)
    known = {r["id"]: r for r in [*facts["responses"], *row["other_responses"]]}
    repeats = any(group["is_repeat"] for group in groups_of(facts, terms))
    compared_rows = [known[r] for r in row["response_ids"]]
    case = Case(verdict, compared_rows, row["other_item"], judgments, repeats)
    return {
        "comparison": comparison,
        "responses": [name for name in names.values() if name in compared],
        "context": row["context"],
        "other_item": row["other_item"],
        "other_responses": [response_record(r, names) for r in row["other_responses"]],
        "judgments": judgments,
        **({"feedback": feedback} if feedback else {}),
        "consensus": consensus_record(verdict, len(judgments)),
        "drop_reason": drop_reason(case, terms.recipe),
    }


def votes_and_hints(rows: Sequence[Facts]) -> tuple[list[Facts], list[Facts]]:
    """Part the judgments of people and judges from what users' feedback implies."""
    votes = [row for row in rows if row["kind"] in VOTERS]
    return votes, [row for row in rows if row["kind"] not in VOTERS]


def joint_names(facts: Facts, row: Facts) -> dict[int, str]:
    """Name the responses that a joint comparison takes from another item."""
    return {r["id"]: f"{row['other_item']}/{r['external_id']}" for r in row["other_responses"]}


def judgment_records(
    rows: Sequence[Facts], comparison: str, names: Mapping[int, str], terms: Terms
) -> list[Record]:
    """Freeze the judgments of one comparison, those since corrected included."""
    records = {row["id"]: judgment_record(row, comparison, names, terms) for row in rows}
    for row in rows:
        if row["supersedes_id"] is not None:
            records[row["id"]]["supersedes"] = records[row["supersedes_id"]]["judgment"]
    return sorted(records.values(), key=lambda record: record["judgment"])


def judgment_record(row: Facts, comparison: str, names: Mapping[int, str], terms: Terms) -> Record:
    said = {
        "annotator": annotator_name(row, terms.pseudonym_key),
        "kind": row["kind"],
        "model": row["model_name"],
        "outcome": row["outcome"],
        "ranking": named_tiers(row["ranking"], names),
        "strength": row["strength"],
        "criteria": {key: named_answer(answer, names) for key, answer in row["criteria"].items()},
        "confidence": row["confidence"],
        "is_unsafe": row["is_unsafe"],
        "reason": row["reason"],
        "shown_order": row["shown_order"] and [names[shown] for shown in row["shown_order"]],
        "active_seconds": row["active_seconds"],
        "is_late": row["is_late"],
        "metadata": row["metadata"],
        "judged_at": None if row["is_imported"] else row["judged_at"].isoformat(),
        "rationale": row["rationale"],
        "tags": row["tags"],
        "spans": sorted(
            ({**span, "response": names[span["response"]]} for span in row["spans"]),
            key=canonical_json,
        ),
    }
    name = row["external_id"] or f"j-{digest_of({**said, 'comparison': comparison})[:20]}"
    family = family_named(row["judge_family"], row["judge_model"])
    voice = {"family": family} if family else {}
    return {"judgment": name, "supersedes": None, **said, **voice}


def annotator_name(row: Facts, key: bytes) -> str:
    """Keep imported pseudonyms and the names of judges; never give away who a person is."""
    if (row["is_pseudonym"] and row["kind"] in VOTERS) or row["kind"] == AnnotatorKind.LLM:
        return row["annotator"]
    return pseudonym_of(f"{row['annotator']}\n{row['annotator_since'].isoformat()}", key)


def named_tiers(tiers: Sequence[Sequence[int]], names: Mapping[int, str]) -> list[list[str]]:
    return [sorted(names[response] for response in tier) for tier in tiers]


def named_answer(answer: Facts, names: Mapping[int, str]) -> Record:
    """Name the responses in one criterion's answer."""
    named: Record = {}
    if "ranking" in answer:
        named["ranking"] = named_tiers(answer["ranking"], names)
    if "ratings" in answer:
        named["ratings"] = {names[int(key)]: rate for key, rate in answer["ratings"].items()}
    return named


def votes_of(judgments: Sequence[Record], kinds: Sequence[str]) -> list[Vote]:
    """Take the votes in force of the annotators whose kind counts."""
    superseded = {judgment["supersedes"] for judgment in judgments}
    return [
        Vote(
            f"{row['kind']}:{row['annotator']}", row["ranking"], row["strength"], row.get("family")
        )
        for row in judgments
        if row["judgment"] not in superseded
        and row["outcome"] in consensus.VOTES
        and row["kind"] in kinds
    ]


def verdict_on(responses: Sequence[str], judgments: Sequence[Record], terms: Terms) -> Verdict:
    votes = votes_of(judgments, terms.recipe.kinds)
    return consensus.verdict_of(responses, votes, terms.recipe.settlement(terms.settlement))


def consensus_record(verdict: Verdict, n_judgments: int) -> Record:
    """Write a consensus in whole numbers of 10**-6."""
    return {
        "method": consensus.METHOD,
        "version": consensus.VERSION,
        "best": {response: scaled(p) for response, p in verdict.best.items()},
        "tie": scaled(verdict.tie),
        "both_bad": scaled(verdict.both_bad),
        "scores": {response: scaled(score) for response, score in verdict.scores.items()},
        "ranking": verdict.ranking,
        "strength": scaled(verdict.strength),
        "agreement": scaled(verdict.agreement),
        "n_judgments": n_judgments,
        "n_votes": verdict.n_votes,
        "is_settled": verdict.is_settled,
    }
