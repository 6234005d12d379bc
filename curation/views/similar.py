from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access
from curation.selectors import similar
from curation.selectors.similar import NoVectorYet
from curation.views.frames import curation_page

SHOWN = 25


@login_required
@require_GET
def similar_items(request: HttpRequest, slug: str, item_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    item = similar.item_of(seat.project, item_id)
    try:
        found, refusal = similar.similar_items(item, limit=SHOWN), ""
    except NoVectorYet as error:
        found, refusal = [], error.detail
    return curation_page(
        request, "similar.html", seat, "similar", item=item, found=found, refusal=refusal
    )
