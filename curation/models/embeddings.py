from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from annotation.models.choices import choices_of, one_of
from curation.domain.vocabulary import GenerationState
from curation.models.texts import Text


class Generation(models.Model):
    """All vectors of one embedding model under one recipe. Fact: how its vectors were made.

    Building: texts are being embedded under it, searches do not see it yet. Active: every search
    uses it; there is at most one. Retired: an active one took its place. `name` is the setting,
    `revision` the digest of the model's own files, `recipe` says how long texts are cut and pooled.
    """

    name = models.CharField(max_length=500)
    revision = models.CharField(max_length=64)
    dimensions = models.PositiveIntegerField()
    max_tokens = models.PositiveIntegerField()
    recipe = models.JSONField()
    state = models.CharField(
        max_length=8, choices=choices_of(GenerationState), default=GenerationState.BUILDING
    )
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "generation"
        constraints = [
            one_of("state", GenerationState, "generation_state_known"),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state=GenerationState.ACTIVE),
                name="generation_one_active",
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state=GenerationState.BUILDING),
                name="generation_one_building",
            ),
            models.CheckConstraint(
                condition=Q(dimensions__range=(1, 4000)), name="generation_dimensions_1_to_4000"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Embedding(models.Model):
    """A text's vector under one generation, of length 1 or all zero for an empty text. Derived.

    Each generation has its own HNSW index, made together with it. `n_chunks` counts the pieces
    that a long text was cut into before pooling.
    """

    text = models.ForeignKey(Text, models.CASCADE, related_name="embeddings", db_index=False)
    generation = models.ForeignKey(
        Generation, models.CASCADE, related_name="embeddings", db_index=False
    )
    vector = HalfVectorField()
    is_empty = models.BooleanField(default=False)
    n_tokens = models.PositiveIntegerField()
    n_chunks = models.PositiveIntegerField()
    embedded_at = models.DateTimeField()

    class Meta:
        db_table = "embedding"
        constraints = [
            models.UniqueConstraint(fields=["text", "generation"], name="embedding_once_per_text")
        ]
        indexes = [
            models.Index(fields=["generation", "embedded_at"], name="embedding_by_generation")
        ]


class EmbeddingRequest(models.Model):
    """A text that a generation has yet to embed. The queue of the embedding drains.

    Workers hold the row locked while they embed, so a killed worker leaves it as it was.
    """

    text = models.ForeignKey(Text, models.CASCADE, related_name="+", db_index=False)
    generation = models.ForeignKey(Generation, models.CASCADE, related_name="+", db_index=False)
    n_chars = models.PositiveIntegerField()
    queued_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "embedding_request"
        constraints = [
            models.UniqueConstraint(
                fields=["text", "generation"], name="embedding_request_once_per_text"
            )
        ]
        indexes = [
            models.Index(fields=["generation", "tries", "n_chars"], name="embedding_request_next"),
            models.Index(fields=["generation", "id"], name="embedding_request_oldest"),
        ]
