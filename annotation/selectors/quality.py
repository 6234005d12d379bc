"""A project's quality, worked out from all its judgments: the one source of every such figure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Avg, Count, Q
from django.db.models.fields.json import KeyTextTransform

from annotation.domain.agreement import TooFewRatings, tally_from_json
from annotation.domain.gold import majority_against_gold
from annotation.domain.quality import (
    Agreement,
    AnnotatorFigures,
    Votes,
    agreement_of,
    agreement_of_verdicts,
)
from annotation.domain.quality_panels import agreement_over_time, confusions, votes_behind
from annotation.domain.quality_report import quality_report
from annotation.domain.rank_agreement import ranking_agreement
from annotation.domain.rating_agreement import krippendorff_alpha
from annotation.domain.tallies import empty_tally
from annotation.domain.transitivity import Transitivity
from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, Bools, Ints
from annotation.domain.vocabulary import VOTERS, AnnotatorKind, CriterionKind, Outcome
from annotation.models import (
    AnnotatorSkill,
    Comparison,
    Consensus,
    Item,
    Judgment,
    Project,
    VoteTally,
)
from annotation.selectors import leaderboards, rankings
from annotation.selectors.judge_sides import sides_of
from annotation.selectors.rankings import Rankings, Ratings
from annotation.selectors.votes import (
    ProjectVotes,
    Voter,
    ballots_of,
    voters_of,
    votes_of_project,
)

KINDS = (("human", False), ("llm", True))
NOTHING_TO_TEST = Transitivity(0, 0, 0, None, None, None, None, None, None, None, 0, False)
NO_FIGURES: dict[str, Any] = {field.name: None for field in fields(AnnotatorFigures)} | {
    "n_compared": 0,
    "n_flips": 0,
    "flags": [],
}
NO_PANEL: dict[str, Any] = {"n_of": {}, "confusion": None}
PROMPTS = "SELECT count(DISTINCT md5(messages::text)) FROM item WHERE project_id = %s"

Figures = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """All figures, as JSON values: of the whole project, of each annotator, of models."""

    figures: Figures
    people: Figures
    leaderboards: Figures

    def as_json(self) -> Figures:
        """One flat object. `leaderboard` is by people, by judges where no person voted."""
        board = self.leaderboards["human"] or self.leaderboards["llm"]
        transitivity = board["transitivity"] if board else asdict(NOTHING_TO_TEST)
        return {
            **self.figures,
            **self.people,
            "leaderboard": board["places"] if board else [],
            "leaderboards": self.leaderboards,
            "transitivity": transitivity,
        }


def fresh_report(project: Project, only: Mapping[str, str] | None = None) -> Report:
    """Work out a project's figures from its judgments in force, as they stand at one moment.

    Args:
        only: keep the judgments whose metadata say so, such as {"pool": "crowd"}.
    Returns:
        Figures that are not defined are None.
    """
    with transaction.atomic():
        judged = judgments_in_force(project, only or {})
        chosen = np.array(judged.values_list("id", flat=True), np.int64) if only else None
        found, ranked = votes_of_project(project), rankings.rankings_of(project)
        kept = among(found.ballots.judgment, chosen)
        ranked = ranked.where(among(ranked.judgment, chosen))
        names = [str(voter.id) for voter in found.voters]
        models = [voter.model_name or None for voter in found.voters]
        sides = sides_of(project, found.ballots.judgment)
        votes = replace(found.votes, sides=sides).where(kept)
        report = quality_report(votes, names, models)
        people = people_of(project, judged, report, panels_of(votes, found.voters))
        return Report(
            figures={
                "counts": counts_of(project, judged),
                "consensus": consensus_of(project),
                "agreement": report["agreement"],
                "agreement_by_group": report["agreement_by_group"],
                "gold": asdict(majority_against_gold(votes)),
                "rankings": {kind: rankings_json(ranked, judges) for kind, judges in KINDS},
                "criteria": criteria_of(project, chosen),
                "bias": named_bias(report["bias"], found),
                "over_time": [
                    period.as_json()
                    for period in agreement_over_time(votes, found.ballots.judged_at[kept])
                ],
            },
            people=people,
            leaderboards=leaderboards.leaderboards_of(project, found, kept, ranked),
        )


def among(judgments: Ints, chosen: Ints | None) -> Bools:
    return np.ones(len(judgments), bool) if chosen is None else np.isin(judgments, chosen)


def judgments_in_force(project: Project, only: Mapping[str, str]) -> Any:
    rows = Judgment.objects.in_force().filter(project=project, annotator__kind__in=VOTERS)
    for place, (key, text) in enumerate(only.items()):
        name = f"said_{place}"
        rows = rows.alias(**{name: KeyTextTransform(key, "metadata")}).filter(**{name: text})
    return rows


def counts_of(project: Project, judged: Any) -> Figures:
    """How many there are of what."""
    by_kind = {
        kind: judged.filter(annotator__kind=kind).aggregate(
            n=Count("id"),
            who=Count("annotator", distinct=True),
            explained=Count("rationale", filter=Q(rationale__text__gt="")),
            timed=Count("active_seconds"),
            unparsed=Count("id", filter=Q(outcome=Outcome.UNPARSED)),
        )
        for kind in VOTERS
    }
    human, llm = by_kind[AnnotatorKind.HUMAN], by_kind[AnnotatorKind.LLM]
    with connection.cursor() as cursor:
        cursor.execute(PROMPTS, [project.pk])
        (n_prompts,) = cursor.fetchone()
    return {
        "items": Item.objects.filter(project=project).count(),
        "prompts": n_prompts,
        "comparisons": Comparison.objects.filter(project=project).count(),
        "judgments_human": human["n"],
        "judgments_llm": llm["n"],
        "annotators": human["who"],
        "judges": llm["who"],
        "unparsed": human["unparsed"] + llm["unparsed"],
        "with_rationale": {"human": human["explained"], "llm": llm["explained"]},
        "with_seconds": human["timed"] + llm["timed"],
    }


def consensus_of(project: Project) -> Figures:
    """How far comparisons are settled. `n_waiting` have judgments that are not counted yet."""
    rows = Consensus.objects.filter(project=project)
    enough = max(2, project.settle_min_votes)
    found = rows.aggregate(
        n=Count("pk"),
        n_settled=Count("pk", filter=Q(is_settled=True)),
        n_disputed=Count("pk", filter=Q(is_settled=False, n_votes__gte=enough)),
        mean_agreement=Avg("agreement"),
        mean_effective_votes=Avg("effective_votes"),
    )
    methods = rows.order_by("method").values_list("method").annotate(n=Count("pk"))
    waiting = Comparison.objects.filter(project=project, stale_since__isnull=False)
    return found | {"n_waiting": waiting.count(), "methods": dict(methods)}


def panels_of(votes: Votes, voters: Sequence[Voter]) -> dict[int, Figures]:
    """By annotator: votes behind each rate (`n_of`) and `confusion` [others' majority, own]."""
    tables, behind = confusions(votes), votes_behind(votes)
    return {
        voter.id: {
            "n_of": {name: int(counts[place]) for name, counts in behind.items()},
            "confusion": tables[place].tolist() if tables[place].any() else None,
        }
        for place, voter in enumerate(voters)
    }


def people_of(
    project: Project, judged: Any, report: Figures, panels: Mapping[int, Figures]
) -> Figures:
    """Everybody who judged, with the figures of their votes on pairs; None where they have none.

    `n` counts all judgments, of rankings too; `n_unparsed` those that nobody could read. `worth`
    is the information in one of their votes, from Dawid-Skene, 0 to 1.
    """
    known = {int(one["annotator"]): one for one in report["judges"] + report["annotators"]}
    worth = dict(AnnotatorSkill.objects.filter(project=project).values_list("annotator", "worth"))
    rows = judged.order_by("annotator_id").values_list(
        "annotator_id", "annotator__name", "annotator__kind", "annotator__model_name"
    )
    unparsed = Count("id", filter=Q(outcome=Outcome.UNPARSED))
    people: Figures = {"judges": [], "annotators": []}
    for pk, name, kind, model, n, n_unparsed in rows.annotate(n=Count("id"), u=unparsed):
        who = {"annotator": name, "id": pk, "model": model or None, "worth": worth.get(pk)}
        figures = known.get(pk) or NO_FIGURES
        place = "judges" if kind == AnnotatorKind.LLM else "annotators"
        panel = panels.get(pk, NO_PANEL)
        people[place].append(figures | panel | who | {"n": n, "n_unparsed": n_unparsed})
    return people


def named_bias(bias: Figures, found: ProjectVotes) -> Figures:
    names = {str(voter.id): voter.name for voter in found.voters}
    own = {names[judge]: figures for judge, figures in bias["self_preference"].items()}
    return bias | {"self_preference": own}


def rankings_json(ranked: Rankings, judges: bool) -> Figures | None:
    """Agreement of rankings of more than two responses; None where no comparison has two."""
    mine = ranked.where(ranked.is_judge == judges)
    _, unit = np.unique(mine.comparison, return_inverse=True)
    try:
        return asdict(ranking_agreement(unit, mine.tiers))
    except TooFewRatings:
        return None


def criteria_of(project: Project, chosen: Ints | None) -> list[Figures]:
    """Agreement on each criterion: of preferences as overall, of ratings by response."""
    rated = rankings.ratings_of(project)
    return [
        {
            "key": criterion.key,
            "name": criterion.name,
            "kind": criterion.kind,
            **(
                preference_agreement(project, criterion, chosen)
                if criterion.kind == CriterionKind.PREFERENCE
                else rating_agreement(rated.get(criterion.key), chosen)
            ),
        }
        for criterion in project.criteria.all()
    ]


def preference_agreement(project: Project, criterion: Any, chosen: Ints | None) -> Figures:
    ballots = ballots_of(project, criterion)
    kept = among(ballots.judgment, chosen) & (ballots.choice != NO_VERDICT)
    kinds = np.array([voter.kind for voter in voters_of(ballots.annotator_ids)], str)
    voter, unit, said = ballots.voter[kept], ballots.pair[kept], ballots.choice[kept]
    return {
        kind: asdict(agreement_of_verdicts(unit[of_kind], said[of_kind]))
        for kind, _ in KINDS
        for of_kind in (kinds[voter] == kind,)
    }


def rating_agreement(rated: Ratings | None, chosen: Ints | None) -> Figures:
    if rated is None:
        return {"human": None, "llm": None}
    rated = rated.where(among(rated.judgment, chosen))
    return {kind: ratings_json(rated.where(rated.is_judge == judges)) for kind, judges in KINDS}


def ratings_json(rated: Ratings) -> Figures | None:
    """Alpha of ratings, a unit being a response; None without ratings, nulls without two of one."""
    if not len(rated.value):
        return None
    _, unit = np.unique(rated.response, return_inverse=True)
    summary = {"n_ratings": len(rated.value), "mean": float(rated.value.mean())}
    try:
        interval, ordinal = (
            krippendorff_alpha(unit, rated.value, level) for level in ("interval", "ordinal")
        )
    except TooFewRatings:
        return summary | {"n_responses": 0, "alpha_interval": None, "alpha_ordinal": None}
    return summary | {
        "n_responses": interval.n_units,
        "alpha_interval": interval.value,
        "alpha_ordinal": ordinal.value,
    }


def live_agreement(project: Project) -> Agreement:
    """Agreement of people up to the last drain, seconds old, whatever the size of the project.

    All but `alpha_ordinal`, which the report has. Without judgments nothing is defined.
    """
    row = VoteTally.objects.filter(project=project, criterion__isnull=True).first()
    tally = tally_from_json(row.tally) if row else empty_tally(N_VERDICTS)
    return agreement_of(tally)
