from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from annotation.selectors import access
from annotation.selectors.clock import database_now
from curation.forms.maps import MapForm
from curation.models import PromptMap
from curation.selectors import map_points
from curation.selectors.map_points import MOST_SHOWN
from curation.services import maps
from curation.views import map_plot
from curation.views.frames import curation_page

SECTION = "map"


@login_required
@require_GET
def prompt_map(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = MapForm(request.GET, colours=map_points.colours_of(seat.project))
    found = map_points.map_of(seat.project)
    shown = drawn(found, form) if found else {}
    return curation_page(request, "map.html", seat, SECTION, map=found, form=form, **shown)


def drawn(found: PromptMap, form: MapForm) -> dict[str, object]:
    """What the page shows of a map under the colour and the topic asked for."""
    colour, topic = form.chosen()
    topics = map_points.topics_of(found)
    rows = map_points.points_of(found, colour.name, topic)
    return {
        "colour": colour,
        "topic": next((one for one in topics if one.number == topic), None),
        "topics": topics,
        "rows": rows,
        "spec": map_plot.spec(rows, colour, topics),
        "is_sample": found.n_prompts > MOST_SHOWN and len(rows) == MOST_SHOWN,
    }


@login_required
@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    maps.ask_for_map(project=seat.project, now=database_now())
    messages.success(request, "The map is made anew in the background; reload in a minute.")
    return redirect("curation:map", slug)
