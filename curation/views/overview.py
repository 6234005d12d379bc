from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access
from curation.views.frames import curation_page


@login_required
@require_GET
def curation(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    return curation_page(request, "curation.html", seat, "overview")
