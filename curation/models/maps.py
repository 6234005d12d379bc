from django.db import models

from annotation.models import Project
from curation.models.embeddings import Generation
from curation.models.texts import Text


class PromptMap(models.Model):
    """A project's prompts laid out on a plane and gathered into topics. Derived.

    Made anew in the background once enough prompts were added; `due_since` asks for it at once.
    """

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="+")
    generation = models.ForeignKey(Generation, models.CASCADE, null=True, related_name="+")
    version = models.PositiveSmallIntegerField(default=0)
    n_prompts = models.PositiveIntegerField(default=0)
    due_since = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "prompt_map"


class Topic(models.Model):
    """Prompts of a project that are about the same. Derived.

    `label` comes from its most typical prompts, `typical`; `centroid` is their mean as float32.
    """

    prompt_map = models.ForeignKey(PromptMap, models.CASCADE, related_name="topics", db_index=False)
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=200)
    typical = models.JSONField(default=list)
    size = models.PositiveIntegerField()
    centroid = models.BinaryField()

    class Meta:
        db_table = "topic"
        constraints = [
            models.UniqueConstraint(
                fields=["prompt_map", "number"], name="topic_number_once_per_map"
            )
        ]


class PromptPoint(models.Model):
    """Where a prompt lies on its project's map. Derived."""

    prompt_map = models.ForeignKey(PromptMap, models.CASCADE, related_name="points", db_index=False)
    text = models.ForeignKey(Text, models.CASCADE, related_name="+", db_index=False)
    x = models.FloatField()
    y = models.FloatField()
    topic = models.PositiveIntegerField()

    class Meta:
        db_table = "prompt_point"
        constraints = [
            models.UniqueConstraint(fields=["prompt_map", "text"], name="prompt_point_once")
        ]
