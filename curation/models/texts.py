from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models import Item, Project, Response


class Intake(models.Model):
    """An item whose texts curation has yet to read. The queue of the reader.

    The database writes the row beside the item itself, so no import can forget it; the reader
    deletes it. `tries` and `error` set an item aside that cannot be read.
    """

    item = models.OneToOneField(Item, models.CASCADE, primary_key=True, related_name="+")
    queued_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "intake"


class Text(models.Model):
    """A distinct text of prompts or responses, wherever it stands. Derived.

    `digest` is the SHA-256 of its UTF-8 bytes; `folded` that of the text as
    `curation.domain.duplicates.bare` writes it, case, white space and punctuation aside. The text
    itself stays where it was imported: `item`, or `response` where it is that of a response, names
    one such place.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    folded = models.BinaryField(max_length=32)
    n_chars = models.PositiveIntegerField()
    item = models.ForeignKey(Item, models.CASCADE, related_name="+", db_index=False)
    response = models.ForeignKey(
        Response, models.CASCADE, null=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "text"
        indexes = [models.Index(fields=["folded"], name="text_by_folded")]


class ItemTexts(models.Model):
    """An item as curation has read it: its prompt, and digests of the whole of it. Derived.

    `digest` covers the prompt and the set of response texts, whatever their order; `folded` does
    the same with folded texts. Equal digests are exact duplicates.
    """

    item = models.OneToOneField(Item, models.CASCADE, primary_key=True, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    prompt = models.ForeignKey(Text, models.CASCADE, related_name="prompts_of", db_index=False)
    digest = models.BinaryField(max_length=32)
    folded = models.BinaryField(max_length=32)

    class Meta:
        db_table = "item_texts"
        indexes = [
            models.Index(fields=["prompt", "project"], name="item_texts_by_prompt"),
            models.Index(fields=["digest", "project"], name="item_texts_by_digest"),
            models.Index(fields=["project", "item"], name="item_texts_page"),
        ]


class ResponseText(models.Model):
    """Which text a response has. Derived."""

    response = models.OneToOneField(Response, models.CASCADE, primary_key=True, related_name="+")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+", db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    text = models.ForeignKey(Text, models.CASCADE, related_name="responses_of", db_index=False)

    class Meta:
        db_table = "response_text"
        indexes = [
            models.Index(fields=["text", "project"], name="response_text_by_text"),
            models.Index(fields=["item"], name="response_text_by_item"),
            models.Index(fields=["project", "text"], name="response_text_page"),
        ]


class Signature(models.Model):
    """The MinHash signature of a text under one scheme. Derived.

    `scheme` spells algorithm, library version, shingles, permutations and seed: signatures of
    different schemes are never compared. Texts that share one of `bands` are candidates.
    """

    text = models.ForeignKey(Text, models.CASCADE, related_name="signatures", db_index=False)
    scheme = models.CharField(max_length=100)
    values = models.BinaryField()
    bands = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "signature"
        constraints = [
            models.UniqueConstraint(fields=["text", "scheme"], name="signature_once_per_scheme"),
            models.CheckConstraint(condition=~Q(scheme=""), name="signature_scheme_named"),
        ]
        indexes = [GinIndex(fields=["bands"], name="signature_by_band")]
