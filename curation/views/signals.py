from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access
from curation.forms.signals import SignalForm
from curation.selectors import routing, signal_pages
from curation.views import signal_plots
from curation.views.frames import curation_page

MOST_DECISIONS = 50


@login_required
@require_GET
def signals(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = SignalForm(request.GET, names=signal_pages.names_in(seat.project))
    shown = signal_pages.overview_of(seat.project, form.chosen())
    along = signal_pages.with_disagreement(seat.project)
    return curation_page(
        request,
        "signals.html",
        seat,
        "signals",
        form=form,
        shown=shown,
        extremes=[("Highest", shown.highest), ("Lowest", shown.lowest)],
        title=shown.signal.name.replace("_", " "),
        plot=signal_plots.distribution(shown.bins, shown.signal.name.replace("_", " "))
        or signal_plots.frequencies(shown.words),
        correlations=along,
        correlation_plot=signal_plots.along_with_disagreement(along),
    )


@login_required
@require_GET
def comparison(request: HttpRequest, slug: str, comparison_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    found = signal_pages.comparison_in(seat.project, comparison_id)
    decisions = list(routing.decisions_on(found)[:MOST_DECISIONS])
    return curation_page(
        request,
        "comparison_signals.html#routed" if request.htmx else "comparison_signals.html",
        seat,
        "signals",
        comparison=found,
        families=signal_pages.families_of(found),
        decisions=decisions,
        unasked=routing.unasked_by(decisions[0]) if decisions else "",
    )
