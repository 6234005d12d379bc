from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("health/", health.show, name="health"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("annotation.api.urls")),
    path("api/v1/", include("curation.api.urls")),
    path("api/", include("annotation.api.fallback")),
    path("", include("annotation.urls")),
    path("", include("curation.urls")),
]
