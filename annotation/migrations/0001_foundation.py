import datetime

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import annotation.domain.vocabulary
import annotation.models.projects


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Comparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "response_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("context", models.TextField(blank=True)),
                ("rank", models.IntegerField(default=0)),
                ("stale_since", models.DateTimeField(blank=True, null=True)),
                ("stale_tries", models.PositiveSmallIntegerField(default=0)),
                ("stale_error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "comparison",
            },
        ),
        migrations.CreateModel(
            name="Criterion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=60)),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("preference", "preference"), ("rating", "rating")], max_length=10
                    ),
                ),
                ("scale_min", models.SmallIntegerField(default=1)),
                ("scale_max", models.SmallIntegerField(default=5)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_asked", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "criterion",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("beaten_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "heartbeat",
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=200)),
                ("messages", models.JSONField()),
                ("metadata", models.JSONField(default=dict)),
                ("content_hash", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "item",
            },
        ),
        migrations.CreateModel(
            name="Project",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("paused", "paused"),
                            ("archived", "archived"),
                        ],
                        default=annotation.domain.vocabulary.ProjectState["ACTIVE"],
                        max_length=8,
                    ),
                ),
                (
                    "response_format",
                    models.CharField(
                        choices=[("pairwise", "pairwise"), ("ranking", "ranking")],
                        default=annotation.domain.vocabulary.ResponseFormat["PAIRWISE"],
                        max_length=8,
                    ),
                ),
                (
                    "strength_levels",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="How many degrees of preference can be given; 1 asks for none.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(4),
                        ],
                    ),
                ),
                ("allows_tie", models.BooleanField(default=True)),
                ("allows_both_bad", models.BooleanField(default=True)),
                ("allows_skip", models.BooleanField(default=True)),
                (
                    "rationale_policy",
                    models.CharField(
                        choices=[
                            ("none", "none"),
                            ("optional", "optional"),
                            ("required", "required"),
                        ],
                        default=annotation.domain.vocabulary.RationalePolicy["OPTIONAL"],
                        max_length=8,
                    ),
                ),
                ("rationale_min_chars", models.PositiveSmallIntegerField(default=0)),
                (
                    "reason_tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        default=annotation.models.projects.default_reason_tags,
                        size=None,
                    ),
                ),
                (
                    "span_labels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        default=annotation.models.projects.default_span_labels,
                        size=None,
                    ),
                ),
                (
                    "overlap",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="How many human judgments each comparison gets; 0 opens no slots.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "max_overlap",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="How many a comparison gets at most while its votes disagree; empty: no more.",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "pair_strategy",
                    models.CharField(
                        choices=[
                            ("all_pairs", "all pairs"),
                            ("budgeted", "budgeted"),
                            ("best_versus_rest", "best versus rest"),
                        ],
                        default=annotation.domain.vocabulary.PairStrategy["ALL_PAIRS"],
                        max_length=16,
                    ),
                ),
                (
                    "pair_budget",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="Pairs per item when budgeted.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("lease", models.DurationField(default=datetime.timedelta(seconds=1200))),
                (
                    "consensus_method",
                    models.CharField(
                        choices=[
                            ("auto", "auto"),
                            ("posterior_mean", "posterior mean"),
                            ("dawid_skene", "dawid skene"),
                        ],
                        default=annotation.domain.vocabulary.ConsensusMethod["AUTO"],
                        max_length=14,
                    ),
                ),
                ("settle_min_votes", models.PositiveSmallIntegerField(default=1)),
                ("settle_probability", models.FloatField(default=0.5)),
                ("license", models.CharField(blank=True, max_length=100)),
                ("attribution", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "project",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="email address"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "quorum_user",
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Annotator",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("human", "human"), ("llm", "llm")], max_length=5),
                ),
                ("name", models.CharField(max_length=200)),
                ("model_name", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="annotator",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "annotator",
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("actor_name", models.CharField(max_length=200)),
                ("action", models.CharField(max_length=60)),
                ("subject", models.CharField(max_length=200)),
                ("detail", models.JSONField(default=dict)),
                ("happened_at", models.DateTimeField()),
                ("previous_digest", models.BinaryField(max_length=32)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "audit_event",
            },
        ),
        migrations.CreateModel(
            name="Consensus",
            fields=[
                (
                    "comparison",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="consensus",
                        serialize=False,
                        to="annotation.comparison",
                    ),
                ),
                ("method", models.CharField(max_length=40)),
                ("version", models.PositiveSmallIntegerField()),
                ("posterior", models.JSONField()),
                ("scores", models.JSONField()),
                ("ranking", models.JSONField()),
                ("strength", models.FloatField(null=True)),
                ("agreement", models.FloatField(null=True)),
                ("n_judgments", models.PositiveIntegerField()),
                ("n_votes", models.PositiveIntegerField()),
                ("effective_votes", models.FloatField(default=0.0)),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                ("skills", models.CharField(blank=True, default="", max_length=16)),
                ("is_settled", models.BooleanField()),
                ("computed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "consensus",
            },
        ),
        migrations.CreateModel(
            name="Exclusion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[("skipped", "skipped"), ("author", "author")], max_length=8
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exclusions",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "comparison",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exclusions",
                        to="annotation.comparison",
                    ),
                ),
            ],
            options={
                "db_table": "exclusion",
            },
        ),
        migrations.CreateModel(
            name="GuidelinesVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "guidelines_version",
            },
        ),
        migrations.AddField(
            model_name="comparison",
            name="item",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="comparisons",
                to="annotation.item",
            ),
        ),
        migrations.AddField(
            model_name="comparison",
            name="other_item",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="joint_comparisons",
                to="annotation.item",
            ),
        ),
        migrations.CreateModel(
            name="QualityReport",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="quality_report",
                        serialize=False,
                        to="annotation.project",
                    ),
                ),
                ("figures", models.JSONField(default=dict)),
                ("people", models.JSONField(default=dict)),
                ("leaderboards", models.JSONField(default=dict)),
                ("n_changes", models.PositiveBigIntegerField(default=0)),
                ("computed_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "db_table": "quality_report",
            },
        ),
        migrations.CreateModel(
            name="Skills",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="skills",
                        serialize=False,
                        to="annotation.project",
                    ),
                ),
                ("method", models.CharField(max_length=40)),
                ("digest", models.CharField(blank=True, max_length=16)),
                ("prior", models.JSONField(default=list)),
                ("pooled", models.JSONField(default=list)),
                ("n_votes", models.PositiveBigIntegerField(default=0)),
                ("n_comparisons", models.PositiveBigIntegerField(default=0)),
                ("n_iterations", models.PositiveIntegerField(default=0)),
                ("has_converged", models.BooleanField(default=True)),
                ("n_changes", models.PositiveBigIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("computed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "skills",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="guidelines",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotation.guidelinesversion",
            ),
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("admin", "admin"),
                            ("researcher", "researcher"),
                            ("reviewer", "reviewer"),
                            ("annotator", "annotator"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_expert", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "membership",
            },
        ),
        migrations.CreateModel(
            name="Judgment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("ranked", "ranked"),
                            ("both_bad", "both bad"),
                            ("cannot_judge", "cannot judge"),
                            ("unsure", "unsure"),
                            ("unparsed", "unparsed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("ranking", models.JSONField(default=list)),
                ("strength", models.PositiveSmallIntegerField(null=True)),
                ("criteria", models.JSONField(default=dict)),
                ("confidence", models.PositiveSmallIntegerField(null=True)),
                ("is_unsafe", models.BooleanField(default=False)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("language", "language"),
                            ("expertise", "expertise"),
                            ("broken", "broken"),
                            ("unsafe", "unsafe"),
                            ("other", "other"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "shown_order",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
                ("active_seconds", models.FloatField(null=True)),
                ("is_late", models.BooleanField(default=False)),
                ("client_key", models.UUIDField(null=True)),
                ("request_digest", models.BinaryField(max_length=32, null=True)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                ("metadata", models.JSONField(default=dict)),
                ("judged_at", models.DateTimeField()),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgments",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "comparison",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgments",
                        to="annotation.comparison",
                    ),
                ),
                (
                    "guidelines",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgments",
                        to="annotation.guidelinesversion",
                    ),
                ),
                (
                    "supersedes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="superseded_by",
                        to="annotation.judgment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgments",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "judgment",
            },
        ),
        migrations.AddField(
            model_name="item",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="annotation.project",
            ),
        ),
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("items", "items"), ("judgments", "judgments")], max_length=9
                    ),
                ),
                ("file_name", models.CharField(max_length=255)),
                ("stored_path", models.CharField(max_length=500)),
                ("file_digest", models.BinaryField(max_length=32, null=True)),
                ("mapping", models.JSONField(default=dict)),
                ("is_strict", models.BooleanField(default=False)),
                ("is_held", models.BooleanField(default=False)),
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
                ("resume_offset", models.BigIntegerField(default=0)),
                ("n_bytes", models.BigIntegerField(default=0)),
                ("n_read", models.BigIntegerField(default=0)),
                ("n_written", models.BigIntegerField(default=0)),
                ("n_unchanged", models.BigIntegerField(default=0)),
                ("n_refused", models.BigIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "import",
            },
        ),
        migrations.AddField(
            model_name="guidelinesversion",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="guidelines_versions",
                to="annotation.project",
            ),
        ),
        migrations.CreateModel(
            name="CriterionConsensus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("method", models.CharField(max_length=40)),
                ("version", models.PositiveSmallIntegerField()),
                ("posterior", models.JSONField(default=dict)),
                ("scores", models.JSONField()),
                ("ranking", models.JSONField()),
                ("agreement", models.FloatField(null=True)),
                ("n_ratings", models.JSONField(default=dict)),
                ("n_votes", models.PositiveIntegerField()),
                ("effective_votes", models.FloatField()),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                ("is_settled", models.BooleanField()),
                ("computed_at", models.DateTimeField()),
                (
                    "comparison",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="criterion_consensuses",
                        to="annotation.comparison",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consensuses",
                        to="annotation.criterion",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "criterion_consensus",
            },
        ),
        migrations.AddField(
            model_name="criterion",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="criteria",
                to="annotation.project",
            ),
        ),
        migrations.AddField(
            model_name="comparison",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="comparisons",
                to="annotation.project",
            ),
        ),
        migrations.CreateModel(
            name="Bookmark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rank", models.IntegerField()),
                ("slot_id", models.BigIntegerField()),
                ("placed_at", models.DateTimeField()),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "bookmark",
            },
        ),
        migrations.CreateModel(
            name="AnnotatorSkill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("confusion", models.JSONField()),
                ("by_side", models.JSONField()),
                ("worth", models.FloatField()),
                ("n_votes", models.PositiveIntegerField()),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skills",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "annotator_skill",
            },
        ),
        migrations.AddField(
            model_name="annotator",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="own_annotators",
                to="annotation.project",
            ),
        ),
        migrations.CreateModel(
            name="Rationale",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(blank=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), default=list, size=None
                    ),
                ),
                (
                    "judgment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rationale",
                        to="annotation.judgment",
                    ),
                ),
            ],
            options={
                "db_table": "rationale",
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.BigIntegerField()),
                ("field", models.CharField(blank=True, max_length=200)),
                ("rule", models.CharField(max_length=60)),
                ("detail", models.TextField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refusals",
                        to="annotation.import",
                    ),
                ),
            ],
            options={
                "db_table": "refusal",
                "ordering": ["line", "id"],
            },
        ),
        migrations.CreateModel(
            name="Response",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=200)),
                ("position", models.PositiveSmallIntegerField()),
                ("content", models.JSONField()),
                ("messages", models.JSONField(default=list)),
                ("model_name", models.CharField(blank=True, max_length=200)),
                ("metadata", models.JSONField(default=dict)),
                ("content_hash", models.BinaryField(max_length=32)),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="annotation.item",
                    ),
                ),
                (
                    "revision_of",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="annotation.response",
                    ),
                ),
            ],
            options={
                "db_table": "response",
                "ordering": ["item_id", "position"],
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ordinal", models.PositiveSmallIntegerField()),
                ("rank", models.IntegerField(default=0)),
                (
                    "audience",
                    models.CharField(
                        choices=[("human", "human"), ("expert", "expert")],
                        default=annotation.domain.vocabulary.Audience["HUMAN"],
                        max_length=6,
                    ),
                ),
                ("lease_ends_at", models.DateTimeField(null=True)),
                ("lease_epoch", models.PositiveIntegerField(default=0)),
                ("filled_at", models.DateTimeField(null=True)),
                (
                    "comparison",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="annotation.comparison",
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "slot",
            },
        ),
        migrations.CreateModel(
            name="Lapse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_epoch", models.PositiveIntegerField()),
                ("lease_ended_at", models.DateTimeField(null=True)),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lapses",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "slot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lapses",
                        to="annotation.slot",
                    ),
                ),
            ],
            options={
                "db_table": "lapse",
            },
        ),
        migrations.AddField(
            model_name="judgment",
            name="slot",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="judgments",
                to="annotation.slot",
            ),
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("payload", models.JSONField()),
                ("saved_at", models.DateTimeField()),
                (
                    "annotator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="annotation.annotator",
                    ),
                ),
                (
                    "slot",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="annotation.slot",
                    ),
                ),
            ],
            options={
                "db_table": "draft",
            },
        ),
        migrations.CreateModel(
            name="Span",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("label", models.CharField(max_length=60)),
                ("criterion", models.CharField(blank=True, max_length=60)),
                (
                    "rationale",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spans",
                        to="annotation.rationale",
                    ),
                ),
                (
                    "response",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spans",
                        to="annotation.response",
                    ),
                ),
            ],
            options={
                "db_table": "span",
                "ordering": ["start", "end"],
            },
        ),
        migrations.CreateModel(
            name="VoteTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tally", models.JSONField()),
                ("n_changes", models.PositiveBigIntegerField(default=0)),
                ("changed_at", models.DateTimeField()),
                (
                    "criterion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tallies",
                        to="annotation.criterion",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tallies",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "db_table": "vote_tally",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=12)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("read", "read"),
                            ("annotate", "annotate"),
                            ("write", "write"),
                            ("admin", "admin"),
                        ],
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("minute", models.DateTimeField(editable=False, null=True)),
                ("n_in_minute", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "api_token",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scope__in", ["read", "annotate", "write", "admin"])),
                        name="api_token_scope_known",
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_event_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0842c4d649c1d529a029988d295ac6cce595e581",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_event_append_only_77378",
                    table="audit_event",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="consensus",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="consensuses",
                to="annotation.project",
            ),
        ),
        migrations.AddConstraint(
            model_name="exclusion",
            constraint=models.UniqueConstraint(
                fields=("annotator", "comparison"), name="exclusion_once_per_annotator"
            ),
        ),
        migrations.AddConstraint(
            model_name="exclusion",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["skipped", "author"])),
                name="exclusion_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="qualityreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("computed_at__isnull", True),
                    models.Q(("figures", {}), _negated=True),
                    _connector="OR",
                ),
                name="quality_report_computed_has_figures",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "paused", "archived"])),
                name="project_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("response_format__in", ["pairwise", "ranking"])),
                name="project_response_format_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("rationale_policy__in", ["none", "optional", "required"])),
                name="project_rationale_policy_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pair_strategy__in", ["all_pairs", "budgeted", "best_versus_rest"])
                ),
                name="project_pair_strategy_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("consensus_method__in", ["auto", "posterior_mean", "dawid_skene"])
                ),
                name="project_consensus_method_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("strength_levels__range", (1, 4))),
                name="project_strength_levels_1_to_4",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("overlap__lte", 100)), name="project_overlap_at_most_100"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_overlap__isnull", True),
                    models.Q(("max_overlap__gte", models.F("overlap")), ("max_overlap__lte", 100)),
                    _connector="OR",
                ),
                name="project_max_overlap_from_overlap_to_100",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("pair_budget__gte", 1)), name="project_pair_budget_at_least_1"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lease__gte", datetime.timedelta(seconds=30)),
                    ("lease__lte", datetime.timedelta(days=7)),
                ),
                name="project_lease_30_seconds_to_7_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("settle_probability__range", (0, 1))),
                name="project_settle_probability_0_to_1",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("project", "user"), name="membership_once_per_project_and_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["admin", "researcher", "reviewer", "annotator"])),
                name="membership_role_known",
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(fields=["project", "id"], name="item_page"),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(
                fields=("project", "external_id"), name="item_external_id_once_per_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                name="item_external_id_not_empty",
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["state", "id"], name="import_queue"),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["items", "judgments"])), name="import_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                ),
                name="import_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="guidelinesversion",
            constraint=models.UniqueConstraint(
                fields=("project", "number"), name="guidelines_version_number_once_per_project"
            ),
        ),
        migrations.AddIndex(
            model_name="criterionconsensus",
            index=models.Index(
                fields=["project", "criterion", "comparison"], name="criterion_consensus_page"
            ),
        ),
        migrations.AddConstraint(
            model_name="criterionconsensus",
            constraint=models.UniqueConstraint(
                fields=("comparison", "criterion"), name="criterion_consensus_once_per_comparison"
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.UniqueConstraint(
                fields=("project", "key"), name="criterion_key_once_per_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["preference", "rating"])),
                name="criterion_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.CheckConstraint(
                condition=models.Q(("scale_min__lt", models.F("scale_max"))),
                name="criterion_scale_not_empty",
            ),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(fields=["project", "id"], name="comparison_page"),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("stale_since__isnull", False)),
                fields=["stale_since"],
                name="comparison_stale",
            ),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("other_item__isnull", False)),
                fields=["other_item"],
                name="comparison_by_other_item",
            ),
        ),
        migrations.AddConstraint(
            model_name="comparison",
            constraint=models.UniqueConstraint(
                fields=("item", "response_ids", "context"), name="comparison_once_per_item"
            ),
        ),
        migrations.AddConstraint(
            model_name="comparison",
            constraint=models.CheckConstraint(
                condition=models.Q(("response_ids__len__range", (2, 9))),
                name="comparison_2_to_9_responses",
            ),
        ),
        migrations.AddConstraint(
            model_name="comparison",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("other_item__isnull", True),
                    models.Q(("other_item", models.F("item")), _negated=True),
                    _connector="OR",
                ),
                name="comparison_joins_two_items",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="comparison",
            trigger=pgtrigger.compiler.Trigger(
                name="comparison_responses_exist",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF EXISTS (\n        SELECT 1 FROM added, unnest(added.response_ids) WITH ORDINALITY AS listed(id, place)\n        WHERE listed.id <= COALESCE(added.response_ids[listed.place - 1], 0)\n           OR NOT EXISTS (\n                SELECT 1 FROM response\n                WHERE response.id = listed.id\n                  AND response.item_id IN (added.item_id, added.other_item_id)\n           )\n    ) THEN\n        RAISE EXCEPTION 'a comparison names a response that is not of its item, or out of order'\n            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'comparison_responses_exist';\n    END IF;\n    RETURN NULL;\n",
                    hash="8858bdb358b38b6ad04b329839c07f072adb5d54",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_comparison_responses_exist_ff1ec",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="comparison",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="bookmark",
            constraint=models.UniqueConstraint(
                fields=("annotator", "project"), name="bookmark_once_per_annotator_and_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="annotatorskill",
            constraint=models.UniqueConstraint(
                fields=("project", "annotator"), name="annotator_skill_once_per_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="annotator",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project__isnull", False)),
                fields=("project", "kind", "name"),
                name="annotator_one_name_per_project",
            ),
        ),
        migrations.AddConstraint(
            model_name="annotator",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["human", "llm"])), name="annotator_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="annotator",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True),
                    ("kind", annotation.domain.vocabulary.AnnotatorKind["HUMAN"]),
                    _connector="OR",
                ),
                name="annotator_only_humans_log_in",
            ),
        ),
        migrations.AddConstraint(
            model_name="annotator",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True), ("project__isnull", True), _connector="OR"
                ),
                name="annotator_person_or_pseudonym",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rationale",
            trigger=pgtrigger.compiler.Trigger(
                name="rationale_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7196fe4478f6dd42b364d58e25823ea3bb159fec",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_rationale_append_only_7a59d",
                    table="rationale",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(fields=["source", "line"], name="refusal_by_line"),
        ),
        migrations.AddIndex(
            model_name="response",
            index=models.Index(
                condition=models.Q(("author__isnull", False)),
                fields=["author"],
                name="response_by_author",
            ),
        ),
        migrations.AddIndex(
            model_name="response",
            index=models.Index(
                condition=models.Q(("revision_of__isnull", False)),
                fields=["revision_of"],
                name="response_by_original",
            ),
        ),
        migrations.AddConstraint(
            model_name="response",
            constraint=models.UniqueConstraint(
                fields=("item", "position"), name="response_position_once_per_item"
            ),
        ),
        migrations.AddConstraint(
            model_name="response",
            constraint=models.UniqueConstraint(
                fields=("item", "external_id"), name="response_external_id_once_per_item"
            ),
        ),
        migrations.AddConstraint(
            model_name="response",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("revision_of__isnull", True),
                    models.Q(("revision_of", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="response_revises_another",
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                condition=models.Q(("filled_at__isnull", True)),
                fields=["project", "rank", "id"],
                name="slot_next",
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                condition=models.Q(("filled_at__isnull", True), ("holder__isnull", False)),
                fields=["holder", "project"],
                name="slot_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                fields=("comparison", "ordinal"), name="slot_ordinal_once_per_comparison"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(("ordinal__range", (1, 100))), name="slot_ordinal_1_to_100"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("filled_at__isnull", True), ("holder__isnull", False), _connector="OR"
                ),
                name="slot_filled_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lease_ends_at__isnull", True), ("holder__isnull", False), _connector="OR"
                ),
                name="slot_leased_to_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["human", "expert"])),
                name="slot_audience_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="slot",
            trigger=pgtrigger.compiler.Trigger(
                name="slot_remembers_holder",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."holder_id" IS NOT NULL AND NEW."holder_id" IS NOT NULL AND OLD."holder_id" IS DISTINCT FROM (NEW."holder_id"))',
                    func="\n    INSERT INTO lapse (slot_id, annotator_id, lease_epoch, lease_ended_at)\n    VALUES (OLD.id, OLD.holder_id, OLD.lease_epoch, OLD.lease_ends_at)\n    ON CONFLICT (annotator_id, slot_id) DO NOTHING;\n    RETURN NULL;\n",
                    hash="3782336f7e9561c1dc3367f33d3ade4b84c05a76",
                    operation='UPDATE OF "holder_id"',
                    pgid="pgtrigger_slot_remembers_holder_c2740",
                    table="slot",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="lapse",
            constraint=models.UniqueConstraint(
                fields=("annotator", "slot"), name="lapse_once_per_annotator_and_slot"
            ),
        ),
        migrations.AddIndex(
            model_name="judgment",
            index=models.Index(fields=["annotator", "comparison"], name="judgment_of_annotator"),
        ),
        migrations.AddIndex(
            model_name="judgment",
            index=models.Index(fields=["project", "id"], name="judgment_page"),
        ),
        migrations.AddIndex(
            model_name="judgment",
            index=models.Index(
                condition=models.Q(("supersedes__isnull", True)),
                fields=["annotator", "project", "judged_at"],
                name="judgment_first_by_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("outcome__in", ["ranked", "both_bad", "cannot_judge", "unsure", "unparsed"])
                ),
                name="judgment_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("outcome", annotation.domain.vocabulary.Outcome["RANKED"]),
                        models.Q(("ranking", []), _negated=True),
                    ),
                    models.Q(
                        models.Q(
                            ("outcome", annotation.domain.vocabulary.Outcome["RANKED"]),
                            _negated=True,
                        ),
                        ("ranking", []),
                    ),
                    _connector="OR",
                ),
                name="judgment_ranking_iff_ranked",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("outcome", annotation.domain.vocabulary.Outcome["CANNOT_JUDGE"]),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(
                            ("outcome", annotation.domain.vocabulary.Outcome["CANNOT_JUDGE"]),
                            _negated=True,
                        ),
                        ("reason", ""),
                    ),
                    _connector="OR",
                ),
                name="judgment_reason_iff_cannot_judge",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("strength__isnull", True),
                    models.Q(
                        ("outcome", annotation.domain.vocabulary.Outcome["RANKED"]),
                        ("strength__lte", 4),
                    ),
                    _connector="OR",
                ),
                name="judgment_strength_0_to_4_of_a_ranking",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confidence__isnull", True), ("confidence__range", (1, 5)), _connector="OR"
                ),
                name="judgment_confidence_1_to_5",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("active_seconds__isnull", True), ("active_seconds__gte", 0), _connector="OR"
                ),
                name="judgment_seconds_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("supersedes__isnull", True),
                    models.Q(("supersedes", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="judgment_supersedes_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("slot__isnull", False), ("supersedes__isnull", True)),
                fields=("annotator", "comparison"),
                name="judgment_once_per_annotator",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("is_late", False), ("slot__isnull", False), ("supersedes__isnull", True)
                ),
                fields=("slot",),
                name="judgment_one_in_time_per_slot",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_key__isnull", False)),
                fields=("annotator", "client_key"),
                name="judgment_client_key_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("project", "external_id"),
                name="judgment_external_id_once_per_project",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="judgment",
            trigger=pgtrigger.compiler.Trigger(
                name="judgment_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ba88e4edb10e4e126b0f4a10516e30b3b032f79c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_judgment_append_only_4b2ba",
                    table="judgment",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(
                fields=("slot", "annotator"), name="draft_once_per_slot_and_annotator"
            ),
        ),
        migrations.AddConstraint(
            model_name="span",
            constraint=models.CheckConstraint(
                condition=models.Q(("start__lt", models.F("end"))), name="span_not_empty"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="span",
            trigger=pgtrigger.compiler.Trigger(
                name="span_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f5cd5da9709c304b9a8d08c6fd710379174218cb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_span_append_only_4f4fc",
                    table="span",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="votetally",
            constraint=models.UniqueConstraint(
                fields=("project", "criterion"),
                name="vote_tally_once_per_criterion",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="consensus",
            index=models.Index(
                fields=["project", "is_settled", "comparison"], name="consensus_settled"
            ),
        ),
        migrations.AddIndex(
            model_name="consensus",
            index=models.Index(fields=["project", "skills"], name="consensus_by_skills"),
        ),
        migrations.AddConstraint(
            model_name="consensus",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agreement__isnull", True), ("agreement__range", (0, 1)), _connector="OR"
                ),
                name="consensus_agreement_0_to_1",
            ),
        ),
    ]
