"""Any address below the API's prefix that no app has a resource for. Included last."""

from django.urls import re_path

from annotation.api.endpoint import NotThere

urlpatterns = [re_path("", NotThere.as_view(), name="api-not-there")]
