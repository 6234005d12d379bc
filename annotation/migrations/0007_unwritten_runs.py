import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0006_judge_canaries")]

    operations = [
        migrations.CreateModel(
            name="UnwrittenRun",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="unwritten",
                        serialize=False,
                        to="annotation.judgerun",
                    ),
                ),
                (
                    "comparison_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("n_written", models.PositiveIntegerField(default=0)),
            ],
            options={"db_table": "unwritten_run"},
        ),
    ]
