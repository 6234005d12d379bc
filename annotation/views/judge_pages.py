"""A judge in figures, and two of them side by side."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.domain.judges.money import amount_of, plainly
from annotation.forms.judges import BudgetForm, CompareForm
from annotation.models import Judge
from annotation.selectors import access, judge_canaries, judge_figures, judge_runs
from annotation.selectors import judges as selected
from annotation.views import judge_plots as plots
from annotation.views.frames import project_page
from annotation.views.judges import TAB, judge_page


@login_required
@require_GET
def own_judge(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    judge = selected.judge_of(seat.project, judge_id)
    figures = judge_figures.figures_of(judge)
    return judge_page(
        request,
        "own_judge.html",
        seat,
        judge,
        figures=figures,
        check=judge_canaries.latest_of(judge),
        curve=plots.reliability(figures.calibration),
        bins=plots.bins_of(figures.calibration),
        runs=selected.runs_of(judge).order_by("-number")[:20],
        others=selected.other_numbers(judge),
        budget_form=BudgetForm(initial={"budget": plainly(amount_of(judge.budget))}),
    )


@login_required
@require_GET
def compare_judges(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    rows = list(selected.judges_of(seat.project).order_by("name", "-number"))
    form = CompareForm(rows, request.GET or None)
    by_id = {one.pk: one for one in rows}
    pair = [by_id[form.cleaned_data[key]] for key in "ab"] if form.is_valid() else []
    status = 422 if form.errors else 200
    return project_page(
        request, "judge_compare.html", seat, TAB, status=status, form=form, **_side_by_side(pair)
    )


def _side_by_side(pair: list[Judge]) -> dict[str, Any]:
    if not pair:
        return {}
    sides = [judge_figures.figures_of(one) for one in pair]
    rows, names = judge_figures.beside(*sides), [str(one) for one in pair]
    curves = [(name, one.calibration) for name, one in zip(names, sides, strict=True)]
    return {
        "pair": list(zip(pair, sides, strict=True)),
        "rows": rows,
        "both": judge_runs.both_voted(*pair),
        "differing": judge_runs.disagreements(*pair),
        "plot": plots.side_by_side(rows, names),
        "curve": plots.reliabilities(curves),
        "bins": plots.told_bins(curves),
    }
