"""From the judgments of one comparison to its rows of consensus, overall and by criterion.

Nothing here reads or writes the database.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum
from typing import Any

from annotation.domain import consensus, skills
from annotation.domain.consensus import Settlement, Verdict, Vote
from annotation.domain.families import family_named
from annotation.domain.skills import KnownSkills, Said
from annotation.domain.verdicts import BOTH_BAD, FIRST, N_VERDICTS, SECOND, TIE
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Comparison, Consensus, Criterion, CriterionConsensus, Project
from annotation.selectors.votes import UNKNOWN_SIDE

MEAN_RATING = "mean_rating"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Opinion:
    """A judgment's verdict, overall or on one criterion, with who gave it and what they saw."""

    vote: Vote
    is_human: bool
    side: int


@dataclass(frozen=True)
class Summary:
    """A verdict, and how it was obtained."""

    verdict: Verdict
    method: str
    version: int
    effective_votes: float
    counts: list[int]


def consensus_of(
    comparison: Comparison, judgments: Sequence[Row], known: KnownSkills | None, now: datetime
) -> Consensus:
    """Compute the row that a comparison's judgments add up to, without writing it.

    Raises:
        ValueError: a ranking does not name exactly the responses compared.
    """
    opinions = [
        opinion_of(row, row["ranking"], comparison.response_ids)
        for row in judgments
        if row["outcome"] in consensus.VOTES
    ]
    settlement = settlement_of(comparison.project)
    summary = summary_of(comparison.response_ids, opinions, settlement, known)
    verdict = summary.verdict
    return Consensus(
        comparison=comparison,
        project_id=comparison.project_id,
        method=summary.method,
        version=summary.version,
        posterior=posterior_json(verdict),
        scores={str(response): score for response, score in verdict.scores.items()},
        ranking=verdict.ranking,
        strength=verdict.strength,
        agreement=verdict.agreement,
        n_judgments=len(judgments),
        n_votes=verdict.n_votes,
        effective_votes=summary.effective_votes,
        counts=summary.counts,
        skills=known.digest if known else "",
        is_settled=verdict.is_settled,
        computed_at=now,
    )


def opinion_of(row: Row, ranking: Sequence[Sequence[int]], response_ids: list[int]) -> Opinion:
    placed = sorted(response for tier in ranking for response in tier)
    if ranking and placed != list(response_ids):
        raise ValueError(f"a ranking names {placed}, the comparison {response_ids}")
    shown = row["shown_order"]
    side = UNKNOWN_SIDE
    if shown is not None and len(shown) == len(response_ids):
        side = int(shown[0] != response_ids[0])
    is_human = row["annotator__kind"] == AnnotatorKind.HUMAN
    vote = Vote(row["annotator_id"], ranking, row["strength"], family_of(row))
    return Opinion(vote, is_human, side)


def family_of(row: Row) -> str | None:
    return family_named(row["annotator__judge__family"], row["annotator__judge__model_name"])


def summary_of(
    response_ids: list[int],
    opinions: Sequence[Opinion],
    settlement: Settlement,
    known: KnownSkills | None,
) -> Summary:
    """Add up opinions: by skills where a pair is compared and skills are known, else evenly."""
    cast = [opinion.vote for opinion in opinions]
    is_pair = len(response_ids) == 2
    counts = counts_of(opinions, response_ids) if is_pair else []
    if known is None or not is_pair or not opinions:
        verdict = consensus.verdict_of(response_ids, cast, settlement)
        return Summary(verdict, consensus.METHOD, consensus.VERSION, float(verdict.n_votes), counts)
    members = consensus.members_of(cast)
    said = [
        Said(vote.annotator, label_of(vote, response_ids), opinion.side, 1 / members[vote.voice])
        for opinion in opinions
        for vote in (opinion.vote,)
    ]
    verdict = weighed_verdict(response_ids, cast, said, settlement, known)
    worth = round(known.effective_votes(said), consensus.DECIMALS)
    return Summary(verdict, skills.METHOD, skills.VERSION, worth, counts)


def weighed_verdict(
    response_ids: list[int],
    cast: Sequence[Vote],
    said: Sequence[Said],
    settlement: Settlement,
    known: KnownSkills,
) -> Verdict:
    p = [round(float(share), consensus.DECIMALS) for share in known.posterior(said)]
    first, second = response_ids
    posterior: dict[Any, float] = {first: p[FIRST], second: p[SECOND]}
    if settlement.allows_tie or p[TIE]:
        posterior[consensus.TIE] = p[TIE]
    if settlement.allows_both_bad or p[BOTH_BAD]:
        posterior[consensus.BOTH_BAD] = p[BOTH_BAD]
    even = (p[TIE] + p[BOTH_BAD]) / 2
    scores = {
        response: round(p[place] + even, consensus.DECIMALS)
        for place, response in enumerate(response_ids)
    }
    ballots = consensus.ballots_of(cast)
    return consensus.verdict_under(posterior, scores, response_ids, ballots, settlement)


def label_of(vote: Vote, response_ids: Sequence[int]) -> int:
    """Code a verdict on a pair by the stored order of its responses."""
    if not vote.ranking:
        return BOTH_BAD
    if len(vote.ranking) == 1:
        return TIE
    return FIRST if vote.ranking[0][0] == response_ids[0] else SECOND


def counts_of(opinions: Iterable[Opinion], response_ids: Sequence[int]) -> list[int]:
    """Count people's verdicts on a pair, by code."""
    counts = [0] * N_VERDICTS
    for opinion in opinions:
        counts[label_of(opinion.vote, response_ids)] += opinion.is_human
    return counts


def settlement_of(project: Project) -> Settlement:
    return Settlement(
        min_votes=project.settle_min_votes,
        min_probability=project.settle_probability,
        allows_tie=project.allows_tie,
        allows_both_bad=project.allows_both_bad,
    )


def posterior_json(verdict: Verdict) -> dict[str, float]:
    beside = {consensus.TIE: verdict.tie, consensus.BOTH_BAD: verdict.both_bad}
    return {str(response): p for response, p in verdict.best.items()} | {
        outcome: p for outcome, p in beside.items() if p is not None
    }


def criterion_consensuses_of(
    comparison: Comparison,
    judgments: Sequence[Row],
    criteria: Mapping[str, Criterion],
    now: datetime,
) -> list[CriterionConsensus]:
    """Compute a row for each criterion that a comparison's judgments answer.

    Raises:
        ValueError: a ranking does not name exactly the responses compared.
        KeyError: an answer is on a criterion that the project does not have.
    """
    answers: defaultdict[str, list[tuple[Row, Mapping[str, Any]]]] = defaultdict(list)
    for row in judgments:
        for key, said in row["criteria"].items():
            answers[key].append((row, said))
    rows = []
    for key, given in sorted(answers.items()):
        ranked = [(row, said["ranking"]) for row, said in given if "ranking" in said]
        rated = [(row, said["ratings"]) for row, said in given if "ratings" in said]
        fields = preferred(comparison, ranked) if ranked else mean_ratings(comparison, rated)
        rows.append(
            CriterionConsensus(
                comparison=comparison,
                criterion=criteria[key],
                project_id=comparison.project_id,
                computed_at=now,
                **fields,
            )
        )
    return rows


def preferred(
    comparison: Comparison, ranked: Sequence[tuple[Row, list[list[int]]]]
) -> dict[str, Any]:
    responses = comparison.response_ids
    plain = [(dict(row) | {"strength": None}, ranking) for row, ranking in ranked]
    opinions = [opinion_of(row, ranking, responses) for row, ranking in plain]
    project = comparison.project
    settlement = Settlement(project.settle_min_votes, project.settle_probability, True, False)
    summary = summary_of(responses, opinions, settlement, None)
    verdict = summary.verdict
    return {
        "method": summary.method,
        "version": summary.version,
        "posterior": posterior_json(verdict),
        "scores": {str(response): score for response, score in verdict.scores.items()},
        "ranking": verdict.ranking,
        "agreement": verdict.agreement,
        "n_votes": verdict.n_votes,
        "effective_votes": summary.effective_votes,
        "counts": summary.counts,
        "is_settled": verdict.is_settled,
    }


def mean_ratings(
    comparison: Comparison, rated: Sequence[tuple[Row, Mapping[str, float]]]
) -> dict[str, Any]:
    """Average each response's ratings; whoever rated it twice, or a family, counts once."""
    by_response: defaultdict[int, defaultdict[Hashable, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row, ratings in rated:
        for response, number in ratings.items():
            voice = Vote(row["annotator_id"], [], family=family_of(row)).voice
            by_response[int(response)][voice].append(number)
    means = {
        response: round(
            fsum(fsum(own) / len(own) for own in given.values()) / len(given), consensus.DECIMALS
        )
        for response, given in sorted(by_response.items())
    }
    raters = {annotator for given in by_response.values() for annotator in given}
    least = max(1, comparison.project.settle_min_votes)
    return {
        "method": MEAN_RATING,
        "version": 1,
        "scores": {str(response): mean for response, mean in means.items()},
        "ranking": consensus.ranking_by_score(means),
        "n_ratings": {str(response): len(given) for response, given in by_response.items()},
        "n_votes": len(raters),
        "effective_votes": float(len(raters)),
        "is_settled": len(raters) >= least,
    }
