"""What the learned router learns from: comparisons that people and LLM judges have labelled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotation.domain.verdicts import NO_VERDICT, Ints
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Project, VoteTally
from annotation.selectors.columns import NUMBERS, TEXTS, columns_of
from annotation.selectors.judge_chances import MANY, chances_on
from annotation.selectors.votes import Ballots, ballots_of
from curation.domain.routing import strengths
from curation.domain.routing.evaluation import Labelled
from curation.domain.routing.juries import (
    JuryVerdicts,
    Known,
    jury_verdicts,
    jury_without_own,
    weights_of,
)
from curation.domain.routing.references import (
    HumanQuality,
    PeopleVotes,
    human_quality,
    references,
)
from curation.domain.routing.router_features import FROM_JURY, SOURCES, features_of, sources_of
from curation.domain.vocabulary import PolicyState
from curation.models import RouterFit, RoutingPolicy
from curation.selectors.routing_facts import facts_of

MOST_LISTED = 10
FEWEST_PAIRED = 200  # comparisons with labels of both kinds, from which the router goes by a fit
MOST_GROUPS = 10  # of prompts, each weighed by the labels of the others
FACTS = tuple(name for name in SOURCES if name not in FROM_JURY)
Columns = Mapping[str, NDArray[Any]]

# Two responses are the fewest; "< 3" is the same as "= 2", but the planner expects many rows of it.
PAIRED = """
    SELECT count(*) FROM consensus
    JOIN comparison c ON c.id = consensus.comparison_id AND cardinality(c.response_ids) < 3
    WHERE consensus.project_id = %(project)s
      AND (SELECT sum(votes) FROM unnest(counts) votes) > 0
      AND EXISTS (
          SELECT 1 FROM judgment j JOIN annotator a ON a.id = j.annotator_id AND a.kind = 'llm'
          WHERE j.comparison_id = c.id AND j.outcome IN ('ranked', 'both_bad')
      )
"""
MODELS = """
    SELECT c.id, first.model_name, second.model_name
    FROM comparison c
    JOIN response first ON first.id = c.response_ids[1]
    JOIN response second ON second.id = c.response_ids[2]
    WHERE c.project_id = %(project)s AND cardinality(c.response_ids) < 3 {only}
"""
PROMPTS = """
    SELECT c.id, md5(i.messages::text) FROM comparison c JOIN item i ON i.id = c.item_id
    WHERE c.project_id = %(project)s {only}
"""
ONLY = "AND c.id = ANY(%(comparisons)s)"


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a router is fitted on, and what it takes over for later comparisons.

    Attributes:
        labelled: the comparisons where people agree and judges have spoken.
        quality: how often one person is right.
        n_undecided: how many of them the judges leave undecided; these count as wrong.
        judges: weight of each judge in the jury, by annotator.
        models: strength of each model in the judges' eyes, by name.
    """

    labelled: Labelled
    quality: HumanQuality
    n_undecided: int
    judges: dict[int, float]
    models: dict[str, float]


def read_labels(project: Project) -> Labels:
    """Read all that a project's router is fitted on."""
    votes, comparison_ids = people_votes(project, ballots_of(project))
    table = chances_on(project)
    right = references(votes)
    judges = weights_of(table, comparison_ids, right)
    jury = jury_verdicts(table, judges)
    names, numbers = numbered(*texts_on(project, jury.comparison, MODELS, 2))
    gap = strengths.gaps_without(numbers, jury.p_first, len(names))
    strength = strengths.strengths_of(numbers, jury.p_first, len(names)).tolist()
    ids, at, of = np.intersect1d(
        comparison_ids[right != NO_VERDICT], jury.comparison, return_indices=True
    )
    (prompts,) = texts_on(project, ids, PROMPTS, 1)
    prompt = np.unique(prompts.astype(str), return_inverse=True)[1].reshape(-1)
    # A jury weighed by the very label that it is held against would look better than it is.
    groups = dict(zip(ids.tolist(), (prompt % MOST_GROUPS).tolist(), strict=True))
    own = jury_without_own(table, Known(comparison_ids, right), groups)
    verdict, known = own.verdict, right[right != NO_VERDICT][at]
    features, used = features_of(columns_on(project, ids, own, np.arange(len(ids)), gap[of]))
    quality = human_quality(votes)
    labelled = Labelled(
        features=features,
        names=used,
        raw=own.confidence,
        right=(verdict == known).astype(float),
        human=np.full(len(ids), quality.value),
        prompt=prompt,
    )
    n_undecided = int((verdict == NO_VERDICT).sum())
    return Labels(labelled, quality, n_undecided, judges, dict(zip(names, strength, strict=True)))


def features_on(
    project: Project,
    comparison_ids: Collection[int],
    *,
    names: Sequence[str],
    judges: Mapping[int, float],
    models: Mapping[str, float],
) -> tuple[Ints, NDArray[np.float64]]:
    """Read the features of those comparisons that a judge has spoken about.

    Args:
        names: of the features. judges, models: as in `Labels`.
    Returns:
        Their ids, ascending, and a row of features for each.
    """
    jury = jury_verdicts(chances_on(project, comparison_ids), judges)
    first, second = texts_on(project, jury.comparison, MODELS, 2)
    gap = strengths.gaps_of(list(zip(first, second, strict=True)), models)
    every, facts = np.arange(len(jury.comparison)), sources_of(names).intersection(FACTS)
    columns = columns_on(project, jury.comparison, jury, every, gap, facts)
    return jury.comparison, features_of(columns, names)[0]


def columns_on(
    project: Project,
    ids: Ints,
    jury: JuryVerdicts,
    of: Ints,
    gap: NDArray[np.float64],
    names: Collection[str] = FACTS,
) -> Columns:
    """Facts about comparisons by ascending id, with what their juries say.

    Args:
        of: their places in the jury's verdicts. gap: between their models' strengths.
        names: of the facts beside.
    """
    facts = facts_of(project, names, ids.tolist())
    return dict(facts.columns) | {
        "judge_confidence": jury.confidence[of],
        "judge_probability": jury.p_first[of],
        "judge_agreement": jury.agreement[of],
        "order_flip": jury.is_flipped[of],
        "judged_strength_gap": gap,
    }


def people_votes(project: Project, ballots: Ballots) -> tuple[PeopleVotes, Ints]:
    """The votes of people that take a side, and the ids of the comparisons, ascending."""
    people = Annotator.objects.filter(
        pk__in=ballots.annotator_ids.tolist(), kind=AnnotatorKind.HUMAN
    ).values_list("pk", flat=True)
    is_person = np.isin(ballots.annotator_ids, np.array(people, np.int64))[ballots.voter]
    chosen = is_person & (ballots.choice != NO_VERDICT)
    votes = PeopleVotes(
        ballots.pair[chosen],
        ballots.voter[chosen],
        ballots.choice[chosen],
        len(ballots.comparison_ids),
    )
    return votes, ballots.comparison_ids


def texts_on(project: Project, ids: Ints, query: str, n: int) -> list[NDArray[np.object_]]:
    """Read n columns of texts about comparisons by ascending id."""
    is_limited = len(ids) < MANY
    values: dict[str, Any] = {"project": project.pk}
    if is_limited:
        values["comparisons"] = ids.tolist()
    query = query.format(only=ONLY if is_limited else "")
    found, *texts = columns_of(query, values, [NUMBERS, *[TEXTS] * n])
    order = np.argsort(found)
    kept = order[np.isin(found[order], ids)]
    return [column[kept] for column in texts]


def numbered(first: NDArray[np.object_], second: NDArray[np.object_]) -> tuple[list[str], Ints]:
    """Number the models: their names, and (n, 2) numbers, `UNKNOWN` for those without a name."""
    names = sorted({*first.tolist(), *second.tolist()} - {""})
    number = {name: place for place, name in enumerate(names)} | {"": strengths.UNKNOWN}
    sides = [[number[name] for name in side.tolist()] for side in (first, second)]
    return names, np.array(sides, np.int64).T


def n_paired(project: Project) -> int:
    """How many comparisons have a vote of a person and one of a judge."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRED, {"project": project.pk})
        return int(cursor.fetchone()[0])


def n_changes(project: Project) -> int:
    """How often comparisons of the project were read anew; it grows with every new label."""
    tally = VoteTally.objects.filter(project=project, criterion=None)
    return tally.values_list("n_changes", flat=True).first() or 0


def last_fit(project: Project) -> RouterFit | None:
    """The newest attempt at a fit, whether it came about or not."""
    return RouterFit.objects.filter(project=project).order_by("-number").first()


def fit_in_force(project: Project) -> RouterFit | None:
    """The fit that the learned router goes by; None while there is none."""
    fits = RouterFit.objects.filter(project=project, is_fitted=True)
    return fits.order_by("-number").first()


def last_evaluated(project: Project) -> RouterFit | None:
    """The newest fit whose gain was measured."""
    fits = RouterFit.objects.filter(project=project, evaluation__has_key="curves")
    return fits.order_by("-number").first()


def fits_of(project: Project) -> list[RouterFit]:
    """The attempts at a fit, the newest first."""
    return list(RouterFit.objects.filter(project=project).order_by("-number")[:MOST_LISTED])


def lacking(project: Project) -> list[dict[str, Any]]:
    """What is missing for a fit, as `{"what", "have", "need"}`."""
    tried = last_fit(project)
    if tried is not None and tried.evaluation.get("lacks"):
        return list(tried.evaluation["lacks"])
    have = n_paired(project)
    if have >= FEWEST_PAIRED:
        return []
    what = "comparisons with labels of both people and judges"
    return [{"what": what, "have": have, "need": FEWEST_PAIRED}]


def usual_costs(project: Project) -> dict[str, float]:
    """What one label costs by the learned router of the policy in force; empty without."""
    active = RoutingPolicy.objects.filter(project=project, state=PolicyState.ACTIVE).first()
    wish = (active.content.get("learned") if active else None) or {}
    return {name: wish[name] for name in ("cost_human", "cost_judge") if name in wish}
