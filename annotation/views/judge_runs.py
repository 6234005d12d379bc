"""Asking a judge: trials and runs, how far they are, and stopping them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import RunPurpose
from annotation.forms.judge_runs import RunForm
from annotation.models import Judge
from annotation.selectors import access, judge_estimates, judge_runs
from annotation.selectors import judges as selected
from annotation.selectors.clock import database_now
from annotation.selectors.judge_runs import Among
from annotation.services.judges import runs
from annotation.views.judges import judge_page

TURNS = {"paused": runs.pause_run, "running": runs.resume_run, "cancelled": runs.cancel_run}


@login_required
@require_POST
def try_judge(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = selected.judge_of(seat.project, judge_id)
    chosen = judge_runs.to_try(judge)
    if not chosen:
        raise InvalidField("It has tried every comparison there is; import more, or run it.")
    return _ask(request, judge, chosen, RunPurpose.TRIAL)


@login_required
def new_run(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = selected.judge_of(seat.project, judge_id)
    form = RunForm(judge.endpoint, request.POST or request.GET or None)
    chosen = _chosen(judge, form) if form.is_valid() else []
    by_batch = bool(chosen) and form.cleaned_data.get("by_batch", False)
    if request.method == "POST" and chosen:
        return _ask(request, judge, chosen, RunPurpose.RUN, by_batch=by_batch)
    return judge_page(
        request,
        "judge_run_new.html",
        seat,
        judge,
        status=422 if form.errors else 200,
        form=form,
        left=[
            (one, judge_runs.left_to_ask(judge, one).count()) for one in (Among.ALL, Among.JUDGED)
        ],
        n_chosen=len(chosen),
        by_batch=by_batch,
        estimate=judge_estimates.estimate_of(judge, chosen, by_batch) if chosen else None,
    )


def _chosen(judge: Judge, form: RunForm) -> list[int]:
    left = judge_runs.left_to_ask(judge, Among(form.cleaned_data["among"]))
    return list(left.values_list("pk", flat=True)[: form.cleaned_data["n"]])


def _ask(
    request: HttpRequest,
    judge: Judge,
    chosen: list[int],
    purpose: RunPurpose,
    *,
    by_batch: bool = False,
) -> HttpResponse:
    run = runs.ask_judge(
        judge=judge,
        comparison_ids=chosen,
        purpose=purpose,
        user=request.user,
        now=database_now(),
        by_batch=by_batch,
    )
    return redirect("annotation:judge_run", judge.project.slug, judge.pk, run.number)


@login_required
@require_POST
def run_state(request: HttpRequest, slug: str, judge_id: int, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    run = selected.run_of(selected.judge_of(seat.project, judge_id), number)
    turn = TURNS.get(request.POST.get("state", ""))
    if turn is None:
        raise InvalidField("A run is paused, running or cancelled.", field="state")
    turn(run=run, user=request.user, now=database_now())
    messages.success(request, f"Run {number} is {request.POST['state']}.")
    return redirect("annotation:judge_run", slug, judge_id, number)
