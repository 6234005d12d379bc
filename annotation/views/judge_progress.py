"""How far a run of a judge is, and what it said so far."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.domain.judges.money import amount_of
from annotation.selectors import access, judge_batches, judge_requests, judge_runs
from annotation.selectors import judges as selected
from annotation.views.judges import judge_page


@login_required
@require_GET
def judge_run(request: HttpRequest, slug: str, judge_id: int, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    judge = selected.judge_of(seat.project, judge_id)
    run = selected.run_of(judge, number)
    tried = judge_runs.tried_in(run)
    progress = judge_requests.progress_of(run)
    return judge_page(
        request,
        "judge_run.html#progress" if request.htmx else "judge_run.html",
        seat,
        judge,
        run=run,
        progress=progress,
        cost=amount_of(progress.cost),
        tried=tried,
        tally=judge_runs.tally_of(tried),
        batches=judge_batches.batches_of(run) if run.by_batch else [],
        is_open=run.state in selected.UNDER_WAY,
    )
