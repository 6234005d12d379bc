import pgtrigger
from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """Who changed which setting and when, chained by digest so that tampering shows. Fact."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False
    )
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    previous_digest = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32, unique=True)

    class Meta:
        db_table = "audit_event"
        triggers = [
            pgtrigger.Protect(
                name="audit_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
