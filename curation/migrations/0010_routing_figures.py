import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_judges_and_feedback"),
        ("curation", "0009_calibrations_ask_for_signals"),
    ]

    operations = [
        migrations.AddField(
            model_name="routingpolicy",
            name="counted_news",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.CreateModel(
            name="RoutingFigures",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="routing_figures",
                        serialize=False,
                        to="annotation.project",
                    ),
                ),
                ("figures", models.JSONField(default=dict)),
                ("news", models.CharField(blank=True, max_length=100)),
                ("computed_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "db_table": "routing_figures",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("computed_at__isnull", True),
                            models.Q(("figures", {}), _negated=True),
                            _connector="OR",
                        ),
                        name="routing_figures_computed_has_figures",
                    )
                ],
            },
        ),
    ]
