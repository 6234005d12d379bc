from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from annotation.models.projects import Project


class Endpoint(models.Model):
    """A server that answers chat completions in OpenAI's way. Its settings may change.

    Its key is in the environment variable `key_variable`, or encrypted in `key_cipher`, or it needs
    none. `takes_batches`: it answers files of requests, too, within a day, for `batch_price_share`
    of the price. `n_failures` counts those in a row; until `opened_until` nothing is sent to it.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="endpoints")
    name = models.CharField(max_length=100)
    base_url = models.CharField(max_length=500)
    key_variable = models.CharField(max_length=100, blank=True)
    key_cipher = models.BinaryField(null=True, blank=True)
    max_concurrency = models.PositiveSmallIntegerField(
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(256)],
        help_text="How many requests may be on their way at once.",
    )
    timeout_seconds = models.PositiveSmallIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="After how many seconds a request is given up and tried again.",
    )
    takes_batches = models.BooleanField(default=False, db_default=False)
    batch_price_share = models.DecimalField(
        max_digits=4,
        decimal_places=3,
        default=Decimal("0.5"),
        db_default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text="What a request in a batch costs, as a share of the price: 0.5 is half of it.",
    )
    n_failures = models.PositiveIntegerField(default=0)
    opened_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "endpoint"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], name="endpoint_name_once_per_project"
            ),
            models.CheckConstraint(
                condition=Q(max_concurrency__range=(1, 256)), name="endpoint_concurrency_1_to_256"
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__range=(1, 600)), name="endpoint_timeout_1_to_600"
            ),
            models.CheckConstraint(
                condition=Q(batch_price_share__range=(0, 1)),
                name="endpoint_batch_price_share_0_to_1",
            ),
            models.CheckConstraint(
                condition=Q(key_variable="") | Q(key_cipher__isnull=True),
                name="endpoint_one_place_for_the_key",
            ),
        ]

    def __str__(self) -> str:
        return self.name
