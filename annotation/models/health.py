from django.db import models


class Heartbeat(models.Model):
    """The last signs of life of one background process. Derived: a running one writes it anew.

    `beaten_at` is set by the process itself, however busy it is; `answered_at` by a bell that came
    from beat through the broker and the queue.
    """

    name = models.CharField(max_length=60, primary_key=True)
    beaten_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "heartbeat"
