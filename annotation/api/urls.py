from django.urls import path

from annotation.api import (
    feedback,
    imports,
    items,
    judge_canaries,
    judge_runs,
    judges,
    projects,
    quality,
    records,
    schema,
    work,
)

urlpatterns = [
    path("schema/", schema.SchemaView.as_view(), name="api-schema"),
    path("docs/", schema.docs, name="api-docs"),
    path("projects/", projects.ProjectsView.as_view(), name="api-projects"),
    path("projects/<slug:slug>/", projects.ProjectView.as_view(), name="api-project"),
    path("projects/<slug:slug>/items/", items.ItemsView.as_view(), name="api-items"),
    path("projects/<slug:slug>/imports/", imports.ImportsView.as_view(), name="api-imports"),
    path(
        "projects/<slug:slug>/imports/<row_id:import_id>/",
        imports.ImportView.as_view(),
        name="api-import",
    ),
    path(
        "projects/<slug:slug>/imports/<row_id:import_id>/refusals/",
        imports.RefusalsView.as_view(),
        name="api-refusals",
    ),
    path("projects/<slug:slug>/next/", work.NextView.as_view(), name="api-next"),
    path("projects/<slug:slug>/judgments/", records.JudgmentsView.as_view(), name="api-judgments"),
    path("projects/<slug:slug>/consensus/", records.ConsensusView.as_view(), name="api-consensus"),
    path("projects/<slug:slug>/quality/", quality.QualityView.as_view(), name="api-quality"),
    path("projects/<slug:slug>/quality/me/", quality.OwnView.as_view(), name="api-own-quality"),
    path("projects/<slug:slug>/feedback/", feedback.FeedbackView.as_view(), name="api-feedback"),
    path(
        "projects/<slug:slug>/leaderboard/",
        quality.LeaderboardView.as_view(),
        name="api-leaderboard",
    ),
    path("projects/<slug:slug>/judges/", judges.JudgesView.as_view(), name="api-judges"),
    path("judges/<row_id:judge_id>/", judges.JudgeView.as_view(), name="api-judge"),
    path("judges/<row_id:judge_id>/runs/", judge_runs.JudgeRunsView.as_view(), name="api-runs"),
    path(
        "judges/<row_id:judge_id>/runs/<row_id:number>/",
        judge_runs.JudgeRunView.as_view(),
        name="api-run",
    ),
    path(
        "judges/<row_id:judge_id>/canaries/",
        judge_canaries.CanaryChecksView.as_view(),
        name="api-checks",
    ),
    path(
        "judges/<row_id:judge_id>/canaries/<row_id:number>/",
        judge_canaries.CanaryCheckView.as_view(),
        name="api-check",
    ),
    path("slots/<row_id:slot_id>/judgment/", work.SubmitView.as_view(), name="api-submit"),
    path("slots/<row_id:slot_id>/release/", work.ReleaseView.as_view(), name="api-release"),
    path("slots/<row_id:slot_id>/renew/", work.RenewView.as_view(), name="api-renew"),
    path("slots/<row_id:slot_id>/skip/", work.SkipView.as_view(), name="api-skip"),
    path(
        "judgments/<row_id:judgment_id>/correction/",
        work.CorrectionView.as_view(),
        name="api-correct",
    ),
]
