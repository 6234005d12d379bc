import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0005_judge_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="CanaryCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n_canaries", models.PositiveIntegerField()),
                ("found", models.JSONField(default=dict)),
                ("suspended", models.BooleanField(default=False)),
                ("concluded_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="canary_check",
                        to="annotation.judgerun",
                    ),
                ),
            ],
            options={"db_table": "canary_check"},
        ),
        migrations.CreateModel(
            name="JudgeCanary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("attack", models.CharField(blank=True, max_length=40)),
                (
                    "comparison",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.comparison",
                    ),
                ),
                (
                    "foreign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.response",
                    ),
                ),
                (
                    "good",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotation.response",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="canaries",
                        to="annotation.judgerun",
                    ),
                ),
            ],
            options={"db_table": "judge_canary"},
        ),
        migrations.RemoveConstraint(model_name="judgerun", name="judge_run_purpose_known"),
        migrations.AlterField(
            model_name="judgerequest",
            name="comparison",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="judge_requests",
                to="annotation.comparison",
            ),
        ),
        migrations.AlterField(
            model_name="judgerun",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("trial", "trial"),
                    ("run", "run"),
                    ("routing", "routing"),
                    ("canary", "canary"),
                ],
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["trial", "run", "routing", "canary"])),
                name="judge_run_purpose_known",
            ),
        ),
        migrations.AddField(
            model_name="judgerequest",
            name="canary",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="annotation.judgecanary",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("canary__isnull", False)),
                fields=("canary", "order"),
                name="judge_request_once_per_canary",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("canary__isnull", True), ("comparison__isnull", False)),
                    models.Q(
                        ("canary__isnull", False),
                        ("comparison__isnull", True),
                        ("is_trial", True),
                    ),
                    _connector="OR",
                ),
                name="judge_request_of_comparison_or_canary",
            ),
        ),
        migrations.AddIndex(
            model_name="canarycheck",
            index=models.Index(
                condition=models.Q(("concluded_at__isnull", True)),
                fields=["run"],
                name="canary_check_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecanary",
            constraint=models.UniqueConstraint(
                fields=("run", "number", "attack"), name="judge_canary_once_per_run"
            ),
        ),
    ]
