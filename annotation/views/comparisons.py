from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from annotation.forms.filters import JudgmentFilter
from annotation.selectors import access, comparisons, history, people, queue
from annotation.selectors.clock import database_now
from annotation.views.frames import checked, kept_query, project_page


@login_required
def comparison(request: HttpRequest, slug: str, comparison_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    me = people.annotator_id_of(request.user)
    if me:
        queue.refuse_while_judging(me, seat.project.id, comparison_id, database_now())
    only_of = None if seat.reviews else me
    shown = comparisons.comparison_page(seat.project, comparison_id, only_of=only_of)
    return project_page(request, "comparison.html", seat, "items", shown=shown)


@login_required
def judgments(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    form = checked(JudgmentFilter(request.GET))
    me = people.annotator_id_of(request.user)
    by = form.cleaned_data["by"] if seat.reviews else me
    page = history.judgments_page(
        seat.project,
        form.cursor(),
        annotator_id=by,
        outcome=form.cleaned_data["outcome"],
    )
    template = "judgments.html#list" if request.htmx else "judgments.html"
    return project_page(
        request,
        template,
        seat,
        "judgments",
        page=page,
        form=form,
        query=kept_query(form),
        who=history.annotator_name(seat.project, by) if by else "",
        me=me,
    )
