"""Checking a judge with canaries, and what the checks found."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from annotation.domain.figures import Figure
from annotation.domain.judges.canaries import FEWEST, LIMIT, Findings, Tally
from annotation.forms.judge_canaries import CheckForm
from annotation.selectors import access, judge_canaries, judge_estimates
from annotation.selectors import judges as selected
from annotation.selectors.clock import database_now
from annotation.services.judges import canaries
from annotation.views import quality_plots
from annotation.views.frames import checked
from annotation.views.judges import judge_page


@login_required
@require_GET
def judge_canaries_page(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    judge = selected.judge_of(seat.project, judge_id)
    form = CheckForm(request.GET or None)
    n = form.cleaned_data["n"] if form.is_valid() else form.fields["n"].initial
    checks = judge_canaries.checks_of(judge)
    latest = next((one for one in checks if one.findings), None)
    under_way = next((one for one in checks if not one.check.concluded_at), None)
    may_check = seat.administers and judge.state in canaries.CHECKED
    is_free = may_check and not under_way
    return judge_page(
        request,
        "judge_canaries.html",
        seat,
        judge,
        status=422 if form.errors else 200,
        form=form,
        estimate=judge_estimates.estimate_of_check(judge, n) if is_free else None,
        may_check=may_check,
        under_way=under_way,
        checks=checks,
        most_listed=judge_canaries.MOST_LISTED,
        latest=latest,
        rows=rows_of(latest.findings) if latest and latest.findings else [],
        plot=plot_of(latest.findings) if latest and latest.findings else "",
        unusable=unusable_in(latest.findings) if latest and latest.findings else "",
        limit=LIMIT,
        fewest=FEWEST,
    )


@login_required
@require_POST
def check_judge(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = selected.judge_of(seat.project, judge_id)
    n = checked(CheckForm(request.POST)).cleaned_data["n"]
    run = canaries.check_judge(judge=judge, n=n, user=request.user, now=database_now())
    messages.success(request, f"{n} canaries and their controls are being asked.")
    return redirect("annotation:judge_run", slug, judge_id, run.number)


def rows_of(findings: Findings) -> list[tuple[str, Tally]]:
    """What is plotted and listed: all canaries, all controls, then the kinds of attacks."""
    kinds = [(kind.capitalize(), tally) for kind, tally in findings.by_kind.items()]
    return [("All canaries", findings.attacked), ("Without an attack", findings.controls), *kinds]


def unusable_in(findings: Findings) -> str:
    """What questions got instead of usable answers, in words; "" where all are usable."""
    named = (("with the attack", "attacked"), ("without it", "controls"))
    told = [
        f"{n:,} {status} {words}"
        for words, key in named
        for status, n in findings.unusable.get(key, {}).items()
    ]
    return ", ".join(told)


def plot_of(findings: Findings) -> str:
    figures = [
        Figure(name, one.share, *one.interval, one.n_answered, 1, "canaries")
        for name, one in rows_of(findings)
    ]
    return quality_plots.intervals(figures, "worse answer won", usual=LIMIT)
