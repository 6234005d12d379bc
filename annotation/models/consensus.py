from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotation.models.items import Comparison
from annotation.models.people import Annotator
from annotation.models.projects import Criterion, Project


class Consensus(models.Model):
    """What the judgments of a comparison add up to. Derived: may be dropped and rebuilt.

    `posterior` maps each outcome to its probability: a response id ("17") means that this response
    is best, beside "tie" and "both_bad". `scores` maps a response id to its mean share of pairwise
    wins in [0, 1]. `ranking` is the order by score. `effective_votes` is what the votes are worth
    in votes of somebody who never errs, 0 to all votes cast. `counts` are people's votes by verdict
    (first better, second, tie, both bad) as the project's `VoteTally` counts them, empty where
    more than two responses are compared. `skills` is the digest of the `Skills` it was computed
    with, "" without.
    """

    comparison = models.OneToOneField(
        Comparison, models.CASCADE, primary_key=True, related_name="consensus"
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="consensuses", db_index=False)
    method = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    posterior = models.JSONField()
    scores = models.JSONField()
    ranking = models.JSONField()
    strength = models.FloatField(null=True)
    agreement = models.FloatField(null=True)
    n_judgments = models.PositiveIntegerField()
    n_votes = models.PositiveIntegerField()
    effective_votes = models.FloatField(default=0.0)
    counts = ArrayField(models.PositiveIntegerField(), default=list)
    skills = models.CharField(max_length=16, blank=True, default="")
    is_settled = models.BooleanField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "consensus"
        constraints = [
            models.CheckConstraint(
                condition=Q(agreement__isnull=True) | Q(agreement__range=(0, 1)),
                name="consensus_agreement_0_to_1",
            )
        ]
        indexes = [
            models.Index(fields=["project", "is_settled", "comparison"], name="consensus_settled"),
            models.Index(fields=["project", "skills"], name="consensus_by_skills"),
        ]


class CriterionConsensus(models.Model):
    """What the judgments of a comparison say about one criterion. Derived, like `Consensus`.

    Of a preference: `posterior`, `scores`, `ranking`, `agreement` and `counts` as there. Of a
    rating: `scores` maps a response id to its mean rating and `n_ratings` to how many it has;
    `posterior` and `counts` are empty and `agreement` is null.
    """

    comparison = models.ForeignKey(
        Comparison, models.CASCADE, related_name="criterion_consensuses", db_index=False
    )
    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="consensuses")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    method = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    posterior = models.JSONField(default=dict)
    scores = models.JSONField()
    ranking = models.JSONField()
    agreement = models.FloatField(null=True)
    n_ratings = models.JSONField(default=dict)
    n_votes = models.PositiveIntegerField()
    effective_votes = models.FloatField()
    counts = ArrayField(models.PositiveIntegerField(), default=list)
    is_settled = models.BooleanField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "criterion_consensus"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "criterion"], name="criterion_consensus_once_per_comparison"
            )
        ]
        indexes = [
            models.Index(
                fields=["project", "criterion", "comparison"], name="criterion_consensus_page"
            )
        ]


class VoteTally(models.Model):
    """How people's votes on pairs agree, counted over a whole project. Derived.

    Kept in step with `Consensus.counts`, one comparison at a time, so agreement is always at hand.
    One row for the overall verdict (`criterion` null) and one per criterion of preference. `tally`
    is that of `annotation.domain.agreement`. `n_changes` grows with every comparison whose
    judgments were read anew; whoever computes from all facts remembers it to know when to again.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="tallies", db_index=False)
    criterion = models.ForeignKey(Criterion, models.CASCADE, null=True, related_name="tallies")
    tally = models.JSONField()
    n_changes = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "vote_tally"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "criterion"],
                name="vote_tally_once_per_criterion",
                nulls_distinct=False,
            )
        ]


class Skills(models.Model):
    """How the annotators of a project err, from all its votes on pairs. Derived.

    `method` is the consensus method that follows from it; `posterior_mean` needs no skills. `prior`
    is the class shares and `pooled` the confusion of all annotators together, by side, as in
    `annotation.domain.dawid_skene`. `digest` names the numbers here and of all `AnnotatorSkill`s,
    "" where there are none. `n_changes` is that of the tally when the votes were read; `error` is
    why the last `tries` to learn them failed.
    """

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="skills")
    method = models.CharField(max_length=40)
    digest = models.CharField(max_length=16, blank=True)
    prior = models.JSONField(default=list)
    pooled = models.JSONField(default=list)
    n_votes = models.PositiveBigIntegerField(default=0)
    n_comparisons = models.PositiveBigIntegerField(default=0)
    n_iterations = models.PositiveIntegerField(default=0)
    has_converged = models.BooleanField(default=True)
    n_changes = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "skills"


class AnnotatorSkill(models.Model):
    """How one annotator errs in one project. Derived, with the project's `Skills`.

    `by_side` is [side, truth, label] and `confusion` [truth, label], rows add up to one; sides are
    in stored order, swapped, and unknown; labels first better, second, tie, both bad. `worth` is
    the information in one vote, 0 to 1.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    annotator = models.ForeignKey(Annotator, models.CASCADE, related_name="skills", db_index=False)
    confusion = models.JSONField()
    by_side = models.JSONField()
    worth = models.FloatField()
    n_votes = models.PositiveIntegerField()

    class Meta:
        db_table = "annotator_skill"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "annotator"], name="annotator_skill_once_per_project"
            )
        ]
