"""Turns refusals into pages, toasts and JSON; everything else crashes to a 500 and one log line."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from annotation.domain.errors import DomainError


class RefusalMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        if request.content_type == "application/json":  # a script of a page asked
            said = {"code": error.code, "detail": error.detail, "field": error.field}
            return JsonResponse(said, status=error.status)
        template = "_error.html#toast" if request.htmx else "_error.html"
        response = render(request, template, {"error": error}, status=error.status)
        if request.htmx:
            response["HX-Retarget"], response["HX-Reswap"] = "#toasts", "beforeend"
        return response
