from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from annotation.forms.filters import ItemFilter
from annotation.models import Item
from annotation.selectors import access, items, totals
from annotation.views.frames import checked, kept_query, project_page


@login_required
def item_list(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.REVIEWS)
    form = checked(ItemFilter(request.GET))
    wanted = form.cleaned_data
    page = items.items_page(
        seat.project,
        form.cursor(),
        id_prefix=wanted["id"],
        text=wanted["q"],
        state=wanted["state"],
    )
    total = totals.total_of(Item.objects.filter(project=seat.project), most=10_000)
    template = "items.html#list" if request.htmx else "items.html"
    return project_page(
        request, template, seat, "items", page=page, form=form, query=kept_query(form), total=total
    )


@login_required
def item(request: HttpRequest, slug: str, item_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.REVIEWS)
    shown = items.item_page(seat.project, item_id)
    return project_page(request, "item.html", seat, "items", shown=shown)
