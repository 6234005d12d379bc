from django.urls import path

from curation.views import (
    datasets,
    difficulty,
    duplicates,
    maps,
    overview,
    reuse,
    routing,
    routing_editor,
    routing_evaluation,
    selection,
    signals,
    similar,
    versions,
)

# The `key` of addresses is registered by annotation.urls, which config.urls includes first.
app_name = "curation"
urlpatterns = [
    path("projects/<slug:slug>/curation/", overview.curation, name="curation"),
    path("projects/<slug:slug>/curation/retry/", overview.retry, name="retry"),
    path(
        "projects/<slug:slug>/curation/similar/<key:item_id>/",
        similar.similar_items,
        name="similar",
    ),
    path("projects/<slug:slug>/curation/map/", maps.prompt_map, name="map"),
    path("projects/<slug:slug>/curation/map/ask/", maps.ask, name="ask_for_map"),
    path("projects/<slug:slug>/curation/selection/", selection.selection, name="selection"),
    path("projects/<slug:slug>/curation/selection/draft/", selection.draft, name="draft_selection"),
    path(
        "projects/<slug:slug>/curation/selection/<int:number>/", selection.drafted, name="drafted"
    ),
    path(
        "projects/<slug:slug>/curation/selection/<int:number>/apply/",
        selection.apply,
        name="apply_selection",
    ),
    path(
        "projects/<slug:slug>/curation/selection/<int:number>/undo/",
        selection.undo,
        name="undo_selection",
    ),
    path("projects/<slug:slug>/curation/signals/", signals.signals, name="signals"),
    path("projects/<slug:slug>/curation/difficulty/", difficulty.difficulty, name="difficulty"),
    path(
        "projects/<slug:slug>/curation/comparisons/<key:comparison_id>/",
        signals.comparison,
        name="comparison_signals",
    ),
    path("projects/<slug:slug>/curation/duplicates/", duplicates.duplicates, name="duplicates"),
    path(
        "projects/<slug:slug>/curation/duplicates/decide/",
        duplicates.decide,
        name="decide_duplicates",
    ),
    path(
        "projects/<slug:slug>/curation/duplicates/policy/",
        duplicates.policy,
        name="duplicate_policy",
    ),
    path(
        "projects/<slug:slug>/curation/comparisons/<key:comparison_id>/reuse/",
        reuse.reuse_page,
        name="reuse",
    ),
    path("projects/<slug:slug>/curation/routing/", routing.routing, name="routing"),
    path(
        "projects/<slug:slug>/curation/routing/new/", routing_editor.new_policy, name="new_policy"
    ),
    path(
        "projects/<slug:slug>/curation/routing/evaluation/",
        routing_evaluation.routing_evaluation,
        name="routing_evaluation",
    ),
    path("projects/<slug:slug>/curation/routing/notice/", routing.notice, name="routing_notice"),
    path("projects/<slug:slug>/curation/routing/retire/", routing.retire, name="retire_policy"),
    path(
        "projects/<slug:slug>/curation/routing/guards/<key:guard_id>/clear/",
        routing.clear_guard,
        name="clear_guard",
    ),
    path("projects/<slug:slug>/curation/routing/<int:number>/", routing.policy, name="policy"),
    path(
        "projects/<slug:slug>/curation/routing/<int:number>/simulate/",
        routing.simulate,
        name="simulate_policy",
    ),
    path(
        "projects/<slug:slug>/curation/routing/<int:number>/activate/",
        routing.activate,
        name="activate_policy",
    ),
    path("datasets/", datasets.dataset_list, name="datasets"),
    path("new-dataset/", datasets.new_dataset, name="new_dataset"),
    path("datasets/<slug:slug>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:slug>/recipe/", datasets.change, name="change_dataset"),
    path("datasets/<slug:slug>/cut/", datasets.cut, name="cut"),
    path("datasets/<slug:slug>/versions/<int:number>/", versions.version, name="version"),
    path("datasets/<slug:slug>/versions/<int:number>/export/", versions.export, name="export"),
]
