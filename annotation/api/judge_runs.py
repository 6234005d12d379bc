"""Runs of judges: ordered, watched, paused and cancelled over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import judge_shapes as shapes
from annotation.api.endpoint import Endpoint, created
from annotation.api.judges import checked_body
from annotation.api.paging import page_of
from annotation.api.shapes import page_of as shape_of_page
from annotation.domain.errors import InvalidField
from annotation.domain.judges.money import amount_of, plainly
from annotation.domain.vocabulary import RunPurpose, TokenScope
from annotation.models import Comparison, Judge, JudgeRun
from annotation.selectors import access, judge_batches, judge_requests, judge_runs, judges
from annotation.selectors.judge_runs import Among
from annotation.services.judges import runs

MOST_NAMED = 10_000  # items in one order
TURNS = {"paused": runs.pause_run, "running": runs.resume_run, "cancelled": runs.cancel_run}
TOLD = (
    "number",
    "purpose",
    "state",
    "by_batch",
    "n_comparisons",
    "n_requests",
    "created_at",
    "finished_at",
)


class JudgeRunsView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}
    is_paged = True

    @extend_schema(
        summary="List the runs of a judge", responses={200: shape_of_page(shapes.Run, "Runs")}
    )
    def get(self, request: Request, judge_id: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.READS)
        return page_of(request, judges.runs_of(judge), lambda page: [shown(run) for run in page])

    @extend_schema(
        summary="Ask a judge about comparisons",
        description="What it was asked already is skipped, so repeating an order asks nothing "
        "twice. `comparisons` is “all”, “judged_by_people”, a number to draw by chance, or a list "
        "of items by their ids.",
        request=shapes.NewRun,
        responses={201: shapes.Run},
    )
    def post(self, request: Request, judge_id: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.ADMINISTERS)
        given = checked_body(shapes.NewRun, request.data)
        purpose = RunPurpose(given["purpose"])
        run = runs.ask_judge(
            judge=judge,
            comparison_ids=_chosen(judge, purpose, given.get("comparisons")),
            purpose=purpose,
            user=request.user,
            now=request.now,
            by_batch=given.get("by_batch", False),
        )
        return created(shown(run))


class JudgeRunView(Endpoint):
    scopes = {"PATCH": TokenScope.ADMIN}

    @extend_schema(summary="How far a run is", responses={200: shapes.RunProgress})
    def get(self, request: Request, judge_id: int, number: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.READS)
        return Response(_progress(judges.run_of(judge, number), request))

    @extend_schema(
        summary="Pause, resume or cancel a run",
        request=shapes.RunChange,
        responses={200: shapes.RunProgress},
    )
    def patch(self, request: Request, judge_id: int, number: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.ADMINISTERS)
        run = judges.run_of(judge, number)
        given = checked_body(shapes.RunChange, request.data)
        run = TURNS[given["state"]](run=run, user=request.user, now=request.now)
        return Response(_progress(run, request))


def _chosen(judge: Judge, purpose: RunPurpose, wanted: Any) -> list[int]:
    is_trial = purpose == RunPurpose.TRIAL
    if wanted is None and is_trial:
        return judge_runs.to_try(judge)
    if isinstance(wanted, list):
        return _of_items(judge, wanted)
    if wanted in (Among.ALL, Among.JUDGED):
        left = judge_runs.left_to_ask(judge, Among(wanted), is_trial=is_trial)
    elif type(wanted) is int and wanted > 0:
        left = judge_runs.left_to_ask(judge, Among.SOME, is_trial=is_trial)[:wanted]
    else:
        raise InvalidField(
            "comparisons is “all”, “judged_by_people”, a number above 0, or a list of items’ ids.",
            field="comparisons",
        )
    return list(left.values_list("pk", flat=True))


def _of_items(judge: Judge, named: list[Any]) -> list[int]:
    if len(named) > MOST_NAMED or not all(isinstance(one, str) for one in named):
        raise InvalidField(
            f"A list holds at most {MOST_NAMED:,} ids of items, as texts.", field="comparisons"
        )
    found = Comparison.objects.filter(project=judge.project_id, item__external_id__in=named)
    by_item: dict[str, list[int]] = {}
    for name, pk in found.values_list("item__external_id", "pk"):
        by_item.setdefault(name, []).append(pk)
    unknown = next((one for one in named if one not in by_item), None)
    if unknown is not None:
        raise InvalidField(
            f"The project has no comparisons of an item “{unknown[:80]}”.", field="comparisons"
        )
    return [pk for ids in by_item.values() for pk in ids]


def shown(run: JudgeRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in TOLD}


def _progress(run: JudgeRun, request: Request) -> dict[str, Any]:
    progress = judge_requests.progress_of(run, request.now)
    left = progress.left
    told = vars(progress) | {
        "by_state": dict(progress.by_state),
        "by_status": dict(progress.by_status),
        "cost": plainly(amount_of(progress.cost)),
        "n_over": progress.n_over,
        "left": left and left.total_seconds(),
    }
    batches = [vars(batch) for batch in judge_batches.batches_of(run)] if run.by_batch else []
    return shown(run) | told | {"batches": batches}
