"""Learns how annotators err, from all votes of a project, whenever there are enough new ones."""

from datetime import datetime, timedelta

from django.db import DataError, transaction

from annotation.domain import consensus, dawid_skene, skills
from annotation.domain.errors import DomainError
from annotation.domain.skills import KnownSkills
from annotation.domain.vocabulary import MOST_TRIES, ConsensusMethod
from annotation.models import AnnotatorSkill, Project, Skills, VoteTally
from annotation.selectors import votes
from annotation.selectors.skills import projects_with_news
from annotation.selectors.votes import Ballots

PAUSE = timedelta(minutes=1)  # between two fits, however many votes come in
PATIENCE = timedelta(minutes=10)  # until few new votes are worth a fit, too
# What a fit changes takes about a millisecond for each comparison: at most a tenth of the time.
REST_EACH = timedelta(milliseconds=10)
NEWS_SHARE = 0.05  # of the comparisons, changed since the last fit, that make it worth while
FEWEST_NEWS = 20
BATCH = 500
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError, DataError)
LEARNED = ["confusion", "by_side", "worth", "n_votes"]


def refresh_next_due(*, now: datetime) -> bool:
    """Learn the skills of one project that is due. Safe to repeat, late or in parallel.

    Returns:
        Whether there was one.
    """
    return any(
        refresh_skills(project=project, now=now)
        for project in Project.objects.filter(pk__in=projects_with_news()).order_by("pk")
    )


def refresh_skills(*, project: Project, now: datetime, at_once: bool = False) -> bool:
    """Learn a project's skills from all its votes, if its judgments changed since.

    What they change about comparisons is left to the drain, which sees that the consensus of these
    carries another digest. A rival that is learning the same is not waited for. A project whose
    votes cannot be read keeps what is known, with the error, and after `MOST_TRIES` is not tried
    until somebody asks for it.

    Args:
        at_once: even if there is little news, the last fit was just now, or it fails each time.
    Returns:
        Whether they were learned.
    """
    with transaction.atomic():
        Skills.objects.get_or_create(
            project=project, defaults={"method": consensus.METHOD, "computed_at": now}
        )
        row = (
            Skills.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(project=project)
            .first()
        )
        # Read before the votes: what changes later is news for the next fit.
        tally = VoteTally.objects.filter(project=project, criterion__isnull=True).first()
        if row is None or tally is None or not is_due(row, tally.n_changes, now, at_once):
            return False
        try:
            with transaction.atomic():
                learn(row, project)
        except UNREADABLE as error:
            failure = {"tries": row.tries + 1, "error": f"{type(error).__name__}: {error}"}
            Skills.objects.filter(pk=row.pk).update(computed_at=now, **failure)
            return False
        row.n_changes, row.computed_at = tally.n_changes, now
        row.tries, row.error = 0, ""
        row.save()
    return True


def is_due(row: Skills, n_changes: int, now: datetime, at_once: bool) -> bool:
    news = n_changes - row.n_changes
    if news == 0 or at_once:
        return news != 0
    if row.tries >= MOST_TRIES:
        return False
    if row.n_changes == 0 and not row.tries:
        return True
    age, rest = now - row.computed_at, REST_EACH * row.n_comparisons
    is_worth_while = news >= max(FEWEST_NEWS, NEWS_SHARE * row.n_comparisons)
    return age >= max(PATIENCE, rest) or (age >= max(PAUSE, rest) and is_worth_while)


def learn(row: Skills, project: Project) -> None:
    """Fill in the row, and write those of the annotators."""
    ballots = None
    if project.consensus_method != ConsensusMethod.POSTERIOR_MEAN:
        ballots = votes.ballots_of(project)
        told = ballots.for_skills()
        row.n_votes, row.n_comparisons = len(told.item), len(set(told.item.tolist()))
        is_asked = project.consensus_method == ConsensusMethod.DAWID_SKENE
        if row.n_votes and (is_asked or skills.is_enough(told)):
            learn_errors(row, ballots, told)
            return
    row.method, row.digest, row.prior, row.pooled = consensus.METHOD, "", [], []
    row.n_iterations, row.has_converged = 0, True
    AnnotatorSkill.objects.filter(project=project).delete()


def learn_errors(row: Skills, ballots: Ballots, told: dawid_skene.Votes) -> None:
    fit = dawid_skene.fit(told)
    annotators = ballots.annotator_ids.tolist()
    known = skills.known_skills(fit, annotators)
    row.method, row.digest = skills.METHOD, known.digest
    row.prior, row.pooled = known.prior.tolist(), known.pooled.tolist()
    row.n_iterations, row.has_converged = fit.n_iterations, bool(fit.has_converged)
    save_annotators(row.pk, known, fit, told)


def save_annotators(
    project_id: int, known: KnownSkills, fit: dawid_skene.Consensus, told: dawid_skene.Votes
) -> None:
    annotators = list(known.by_side)
    n_votes = [0] * len(annotators)
    for annotator in told.annotator.tolist():
        n_votes[annotator] += 1
    worth = dawid_skene.informativeness(fit.confusion, fit.prior)
    rows = [
        AnnotatorSkill(
            project_id=project_id,
            annotator_id=annotator,
            confusion=fit.confusion[place].round(skills.DECIMALS).tolist(),
            by_side=known.by_side[annotator].tolist(),
            worth=round(float(worth[place]), skills.DECIMALS),
            n_votes=n_votes[place],
        )
        for place, annotator in enumerate(annotators)
    ]
    AnnotatorSkill.objects.filter(project=project_id).exclude(annotator__in=annotators).delete()
    AnnotatorSkill.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["project", "annotator"],
        update_fields=LEARNED,
    )
