from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotation.domain.errors import NotFound
from annotation.models import Comparison
from annotation.selectors import access
from annotation.selectors.clock import database_now
from annotation.services import reuse
from curation.selectors.twins import Twin, comparison_in, twins_of
from curation.views.frames import curation_page

SECTION = "duplicates"


@login_required
def reuse_page(request: HttpRequest, slug: str, comparison_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    comparison = comparison_in(seat.project, comparison_id)
    twins = twins_of(comparison, request.user)
    if request.method == "POST":
        taken = take_over(request, comparison, twins)
        messages.success(request, f"{taken} judgments taken over.")
        return redirect("annotation:comparison", slug, comparison_id)
    return curation_page(request, "reuse.html", seat, SECTION, comparison=comparison, twins=twins)


def take_over(request: HttpRequest, comparison: Comparison, twins: list[Twin]) -> int:
    chosen = request.POST.get("source", "")
    twin = next((twin for twin in twins if str(twin.comparison.pk) == chosen), None)
    if twin is None:
        raise NotFound("That comparison is not of the same texts, or has no judgments.")
    return reuse.reuse_judgments(
        user=request.user,
        source=twin.comparison,
        target=comparison,
        responses=twin.responses,
        now=database_now(),
    )
