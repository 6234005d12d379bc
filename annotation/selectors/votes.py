"""All votes of a project on pairs, as arrays: what every statistic over a whole project reads."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection, transaction

from annotation.domain import dawid_skene, quality
from annotation.domain.families import model_family
from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, TIE, Floats, Ints
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Criterion, Project

CHUNK = 50_000
CHARACTERS_PER_TOKEN = 4.0  # of English, about; good enough to say how long reading takes
UNKNOWN_SIDE = 2
N_SIDES = 3  # shown in stored order, swapped, unknown

# Two responses are the fewest; "< 3" is the same as "= 2", but the planner expects many rows of it.
# A correction counts instead of what it corrects. A ranking of one tier is a tie. What users of a
# product did is no vote.
VOTES = """
    SELECT j.id, j.comparison_id, j.annotator_id,
           CASE WHEN {outcome} = 'both_bad' THEN 3
                WHEN {outcome} <> 'ranked' THEN -1
                WHEN jsonb_array_length({ranking}) = 1 THEN 2
                WHEN ({ranking} -> 0 ->> 0)::bigint = c.response_ids[1] THEN 0
                ELSE 1 END,
           CASE WHEN cardinality(j.shown_order) IS DISTINCT FROM 2 THEN -1
                WHEN j.shown_order[1] = c.response_ids[1] THEN 0
                ELSE 1 END,
           coalesce(j.active_seconds, 'NaN'),
           extract(epoch FROM j.judged_at)::float8
    FROM judgment j JOIN comparison c ON c.id = j.comparison_id
    WHERE j.project_id = %(project)s AND cardinality(c.response_ids) < 3
      AND NOT EXISTS (SELECT 1 FROM judgment later WHERE later.supersedes_id = j.id)
      AND NOT EXISTS (SELECT 1 FROM annotator a WHERE a.id = j.annotator_id AND a.kind = 'user')
      {only}
    ORDER BY j.judged_at, j.id
"""
OVERALL = {"outcome": "j.outcome", "ranking": "j.ranking", "only": ""}
OF_CRITERION = {
    "outcome": "'ranked'",
    "ranking": "(j.criteria -> %(criterion)s -> 'ranking')",
    "only": "AND j.criteria -> %(criterion)s ? 'ranking'",
}
PAIRS = """
    SELECT c.id, c.item_id, c.response_ids[1], c.response_ids[2], md5(i.messages::text),
           i.metadata -> 'gold',
           (SELECT sum(length(part ->> 'text')) FROM jsonb_array_elements(i.messages) message,
                   jsonb_array_elements(message -> 'content') part)
    FROM comparison c JOIN item i ON i.id = c.item_id
    WHERE c.project_id = %(project)s AND cardinality(c.response_ids) < 3
      AND EXISTS (SELECT 1 FROM judgment WHERE comparison_id = c.id)
    ORDER BY c.id
"""
# By item, since an index on ids alone would be asked for each of them in turn.
RESPONSES = """
    SELECT r.id, r.position, r.model_name,
           CASE WHEN jsonb_array_length(r.content) = 1 THEN length(r.content -> 0 ->> 'text')
                ELSE (SELECT sum(length(part ->> 'text')) FROM jsonb_array_elements(r.content) part)
           END
    FROM comparison c JOIN response r ON r.item_id = c.{item} AND r.id = ANY(c.response_ids)
    WHERE c.project_id = %(project)s AND cardinality(c.response_ids) < 3 AND c.{item} IS NOT NULL
      AND EXISTS (SELECT 1 FROM judgment WHERE comparison_id = c.id)
"""
OF_BOTH_ITEMS = " UNION ALL ".join(RESPONSES.format(item=i) for i in ("item_id", "other_item_id"))


@dataclass(frozen=True)
class Voter:
    """Whoever gave votes. `kind` is "human" or "llm". `family` is what a configured judge is of."""

    id: int
    name: str
    kind: str
    model_name: str
    user_id: int | None
    family: str = ""

    @property
    def model_family(self) -> str:
        """The family of a judge by what was configured, else by its model; "" for people."""
        if self.kind != AnnotatorKind.LLM:
            return ""
        return self.family.strip().lower() or model_family(self.model_name)


@dataclass(frozen=True)
class Ballots:
    """n votes in force of A annotators on I pairs, oldest first; numbers count from 0.

    Attributes:
        judgment: (n,) ids. comparison, item, annotator: (n,) database ids are `comparison_ids`
            (I,), ascending, and `annotator_ids` (A,), ascending.
        pair, voter: (n,) numbers of the comparison and of the annotator.
        choice: (n,) verdict codes by stored order, `NO_VERDICT` where no side is taken.
        swapped: (n,) 1 shown in reverse of the stored order, 0 not, -1 unknown.
        seconds: (n,) NaN where unknown. judged_at: (n,) seconds since 1970.
    """

    judgment: Ints
    pair: Ints
    voter: Ints
    choice: Ints
    swapped: Ints
    seconds: Floats
    judged_at: Floats
    comparison_ids: Ints
    annotator_ids: Ints

    def __len__(self) -> int:
        return len(self.judgment)

    def for_skills(self) -> dawid_skene.Votes:
        """The votes that take a side, for Dawid-Skene, by the side shown first."""
        told = self.choice != NO_VERDICT
        side = np.where(self.swapped < 0, UNKNOWN_SIDE, self.swapped)
        return dawid_skene.Votes(
            item=self.pair[told],
            annotator=self.voter[told],
            label=self.choice[told],
            n_items=len(self.comparison_ids),
            n_annotators=len(self.annotator_ids),
            n_labels=N_VERDICTS,
            side=side[told],
            n_sides=N_SIDES,
        )


@dataclass(frozen=True)
class ProjectVotes:
    """Everything that statistics over a project ask of its votes on pairs.

    Attributes:
        ballots: the votes in force.
        votes: the same for `annotation.domain.quality`; its items are comparisons.
        voters: (A,) who gave them, by number.
        item_ids: (I,) item of each comparison. response_ids: (I, 2), in stored order.
        models: names of the models that wrote responses, sorted.
        model: (I, 2) number of each response's model, -1 unknown.
    """

    ballots: Ballots
    votes: quality.Votes
    voters: list[Voter]
    item_ids: Ints
    response_ids: Ints
    models: list[str]
    model: Ints


def ballots_of(project: Project, criterion: Criterion | None = None) -> Ballots:
    """Read a project's votes on pairs: overall, or on a criterion of preference."""
    spelled = VOTES.format(**(OF_CRITERION if criterion else OVERALL))
    values = {"project": project.pk, "criterion": criterion.key if criterion else ""}
    chunks = [np.array(rows, float).T for rows in streamed(spelled, values)]
    columns = np.concatenate(chunks, axis=1) if chunks else np.empty((7, 0))
    judgment, comparison, annotator, choice, swapped = columns[:5].astype(np.int64)
    comparison_ids, pair = np.unique(comparison, return_inverse=True)
    annotator_ids, voter = np.unique(annotator, return_inverse=True)
    return Ballots(
        judgment,
        pair,
        voter,
        choice,
        swapped,
        columns[5],
        columns[6],
        comparison_ids,
        annotator_ids,
    )


def votes_of_project(project: Project, criterion: Criterion | None = None) -> ProjectVotes:
    """Read a project's votes on pairs with what is known about responses and annotators.

    Votes that come in meanwhile are left out. A tenth of a million votes take about a second.
    """
    ballots = ballots_of(project, criterion)
    pairs = pairs_of(project, ballots.comparison_ids)
    responses = {row[0]: row[1:] for row in fetched(OF_BOTH_ITEMS, {"project": project.pk})}
    voters = voters_of(ballots.annotator_ids)
    response_ids = np.array([row[2:4] for row in pairs], np.int64).reshape(-1, 2)
    names = [[responses[pk][1] for pk in pair] for pair in response_ids.tolist()]
    lengths = np.array(
        [[responses[pk][2] or 0 for pk in pair] for pair in response_ids.tolist()], np.int64
    ).reshape(-1, 2)
    models = sorted({name for pair in names for name in pair} - {""})
    families = sorted({*map(model_family, models), *(voter.model_family for voter in voters)})
    number = {name: place for place, name in enumerate(families) if name}
    prompts = np.array([row[4] for row in pairs], str)
    votes = quality.Votes(
        item=ballots.pair,
        annotator=ballots.voter,
        choice=ballots.choice,
        swapped=ballots.swapped,
        is_judge=np.array([voter.kind == "llm" for voter in voters], bool),
        lengths=lengths,
        gold=np.array([gold_code(row, responses) for row in pairs], np.int64),
        seconds=ballots.seconds,
        tokens=tokens_to_read(np.array([row[6] or 0 for row in pairs], float), lengths),
        family=np.array([number.get(voter.model_family, -1) for voter in voters], np.int64),
        families=numbered(names, {name: number.get(model_family(name), -1) for name in models}),
        prompt=np.unique(prompts, return_inverse=True)[1],
    )
    place = {name: index for index, name in enumerate(models)}
    item_ids = np.array([row[1] for row in pairs], np.int64)
    return ProjectVotes(
        ballots, votes, voters, item_ids, response_ids, models, numbered(names, place)
    )


def numbered(names: Sequence[Sequence[str]], number: dict[str, int]) -> Ints:
    """Turn pairs of names into (I, 2) numbers, -1 where a name has none."""
    return np.array([[number.get(name, -1) for name in pair] for pair in names], np.int64).reshape(
        -1, 2
    )


def tokens_to_read(prompt: Floats, lengths: Ints) -> Floats:
    """Estimate (I,) tokens from characters; NaN where there is nothing to read."""
    tokens = (prompt + lengths.sum(axis=1)) / CHARACTERS_PER_TOKEN
    return np.where(tokens > 0, tokens, np.nan)


def gold_code(pair: Sequence[Any], responses: dict[int, Sequence[Any]]) -> int:
    """Read the known answer of an item, a response's position or "tie", as a verdict code."""
    gold = json.loads(pair[5]) if pair[5] else None
    if gold == "tie":
        return TIE
    if isinstance(gold, int) and not isinstance(gold, bool):
        places = [responses[pk][0] for pk in pair[2:4]]
        return places.index(gold) if gold in places else NO_VERDICT
    return NO_VERDICT


def pairs_of(project: Project, comparison_ids: Ints) -> list[Sequence[Any]]:
    """Read the compared pairs that have votes, in the order of `comparison_ids`."""
    wanted = set(comparison_ids.tolist())
    return [row for row in fetched(PAIRS, {"project": project.pk}) if row[0] in wanted]


def voters_of(annotator_ids: Ints) -> list[Voter]:
    """Read annotators, in ascending order of id."""
    found = Annotator.objects.filter(pk__in=annotator_ids.tolist()).order_by("pk")
    columns = ("pk", "name", "kind", "model_name", "user_id", "judge__family")
    return [
        Voter(pk, name, kind, model, user, family or "")
        for pk, name, kind, model, user, family in found.values_list(*columns)
    ]


def fetched(query: str, values: dict[str, Any]) -> Iterator[Sequence[Any]]:
    for rows in streamed(query, values):
        yield from rows


def streamed(query: str, values: dict[str, Any]) -> Iterator[list[Sequence[Any]]]:
    """Yield a query's rows in chunks, held by the server until they are asked for."""
    with transaction.atomic():
        with connection.cursor():
            raw = connection.connection
        # All rows are read, so the plan that is done first is best, not the one that starts first.
        raw.execute("set local cursor_tuple_fraction = 1")
        with raw.cursor(name=f"votes_{uuid4().hex}") as cursor:
            cursor.execute(query, values)
            while rows := cursor.fetchmany(CHUNK):
                yield rows
