from django.urls import path

from curation.api.datasets import DatasetsView, DatasetView
from curation.api.downloads import ExportFileView
from curation.api.duplicates import DuplicatesView
from curation.api.routing import (
    ActivateView,
    DecisionsView,
    PoliciesView,
    PolicyView,
    RetireView,
    SimulateView,
)
from curation.api.signals import SignalsView
from curation.api.similar import SimilarView
from curation.api.versions import ExportsView, VersionsView, VersionView

ITEMS = "projects/<slug:slug>/items/"
POLICIES = "projects/<slug:slug>/routing-policies/"
POLICY = f"{POLICIES}<row_id:number>/"
VERSION = "datasets/<slug:slug>/versions/<int:number>/"
urlpatterns = [
    path(f"{ITEMS}<path:item_id>/similar/", SimilarView.as_view(), name="api-similar"),
    path("projects/<slug:slug>/duplicates/", DuplicatesView.as_view(), name="api-duplicates"),
    path("projects/<slug:slug>/signals/", SignalsView.as_view(), name="api-signals"),
    path(POLICIES, PoliciesView.as_view(), name="api-policies"),
    path(POLICY, PolicyView.as_view(), name="api-policy"),
    path(f"{POLICY}activate/", ActivateView.as_view(), name="api-policy-activate"),
    path(f"{POLICY}retire/", RetireView.as_view(), name="api-policy-retire"),
    path(f"{POLICY}simulate/", SimulateView.as_view(), name="api-policy-simulate"),
    path(
        "projects/<slug:slug>/routing-decisions/",
        DecisionsView.as_view(),
        name="api-routing-decisions",
    ),
    path("datasets/", DatasetsView.as_view(), name="api-datasets"),
    path("datasets/<slug:slug>/", DatasetView.as_view(), name="api-dataset"),
    path("datasets/<slug:slug>/versions/", VersionsView.as_view(), name="api-versions"),
    path(VERSION, VersionView.as_view(), name="api-version"),
    path(f"{VERSION}exports/", ExportsView.as_view(), name="api-exports"),
    path(
        f"{VERSION}exports/<slug:format>/<path:path>",
        ExportFileView.as_view(),
        name="api-export-file",
    ),
]
