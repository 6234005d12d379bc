import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import annotation.domain.vocabulary
import curation.models.datasets


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("annotation", "0001_foundation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dataset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=100, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("recipe", models.JSONField(default=dict)),
                (
                    "pseudonym_key",
                    models.BinaryField(
                        default=curation.models.datasets.new_pseudonym_key, max_length=32
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("projects", models.ManyToManyField(related_name="+", to="annotation.project")),
            ],
            options={
                "db_table": "dataset",
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default=annotation.domain.vocabulary.WorkState["QUEUED"],
                        max_length=9,
                    ),
                ),
                ("recipe", models.JSONField()),
                ("digest", models.BinaryField(max_length=32, null=True)),
                ("identical_to", models.PositiveIntegerField(null=True)),
                ("counts", models.JSONField(default=dict)),
                ("manifest", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("built_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="curation.dataset",
                    ),
                ),
            ],
            options={
                "db_table": "version",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("trl-preference", "trl-preference"), ("raw", "raw")],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default=annotation.domain.vocabulary.WorkState["QUEUED"],
                        max_length=9,
                    ),
                ),
                ("files", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("built_at", models.DateTimeField(null=True)),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="curation.version",
                    ),
                ),
            ],
            options={
                "db_table": "export",
                "ordering": ["format"],
            },
        ),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            annotation.domain.vocabulary.WorkState["QUEUED"],
                            annotation.domain.vocabulary.WorkState["RUNNING"],
                        ],
                    )
                ),
                fields=["id"],
                name="version_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.UniqueConstraint(
                fields=("dataset", "number"), name="version_number_once_per_dataset"
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                ),
                name="version_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", annotation.domain.vocabulary.WorkState["DONE"]), _negated=True
                    ),
                    models.Q(("built_at__isnull", False), ("digest__isnull", False)),
                    _connector="OR",
                ),
                name="version_done_has_a_digest",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="version_number_from_1"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="version",
            trigger=pgtrigger.compiler.Trigger(
                name="version_immutable_when_done",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"state\" = 'done')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="4758804a9da237d59646e332af4900e78938113b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_version_immutable_when_done_df7ba",
                    table="version",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            annotation.domain.vocabulary.WorkState["QUEUED"],
                            annotation.domain.vocabulary.WorkState["RUNNING"],
                        ],
                    )
                ),
                fields=["id"],
                name="export_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.UniqueConstraint(
                fields=("version", "format"), name="export_format_once_per_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                ),
                name="export_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("format__in", ["trl-preference", "raw"])),
                name="export_format_known",
            ),
        ),
    ]
