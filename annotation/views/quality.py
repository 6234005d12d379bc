from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access, disputed, people, progress, quality_pages
from annotation.selectors import judges as selected_judges
from annotation.selectors.clock import database_now
from annotation.views import quality_plots as plots
from annotation.views.frames import project_page

TAB = "quality"


@login_required
@require_GET
def quality(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.REVIEWS)
    if request.htmx:
        return _live(request, seat)
    report = quality_pages.report_of(seat.project)
    return project_page(
        request,
        "quality.html",
        seat,
        TAB,
        section="agreement",
        live=quality_pages.live_of(seat.project),
        report=report,
        disputed=disputed.most_disputed(seat.project),
        plots=_quality_plots(report) if report else {},
        confusions=_confusions(report) if report else [],
    )


def _live(request: HttpRequest, seat: access.Seat) -> HttpResponse:
    seen = request.GET.get("seen", "")
    if seen == str(quality_pages.live_version(seat.project)):
        return HttpResponse(status=204)
    live = quality_pages.live_of(seat.project)
    return project_page(request, "quality.html#live", seat, TAB, live=live)


def _quality_plots(report: quality_pages.Report) -> dict[str, str]:
    bias = [one for who in report.bias.values() for one in who if one.is_share]
    return {
        "over_time": plots.over_time(report.over_time),
        "groups": plots.intervals(report.groups, "pairs of votes that agree"),
        "bias": plots.intervals(bias, "share of votes", usual=0.5),
    }


def _confusions(report: quality_pages.Report) -> list[dict[str, object]]:
    groups = (("People", report.people), ("Judges", report.judges))
    tables = [(name, quality_pages.summed(report, group)) for name, group in groups]
    return [_confusion(name, table) for name, table in tables if any(map(any, table))]


def _confusion(name: str, table: quality_pages.Table) -> dict[str, object]:
    return {
        "name": name,
        "spec": plots.confusion(table),
        "rows": list(zip(quality_pages.SHOWN_VERDICTS, table, strict=True)),
        "columns": quality_pages.SHOWN_VERDICTS,
    }


@login_required
@require_GET
def judges(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.REVIEWS)
    me = people.annotator_id_of(request.user)
    report = quality_pages.report_of(seat.project)
    listed, few = quality_pages.listed(report, seat, me) if report else ([], [])
    return project_page(
        request,
        "quality_people.html",
        seat,
        TAB,
        section="people",
        judges=selected_judges.configured_judges(seat.project) if seat.reads else [],
        report=report,
        rows=listed[: quality_pages.MOST_LISTED],
        n_listed=len(listed),
        few=few,
        me=me,
        plots={
            "agreement": plots.people_and_judges(listed, "agreement", "with the majority"),
            "first": plots.people_and_judges(listed, "first_shown", "first wins", usual=0.5),
        },
    )


@login_required
@require_GET
def leaderboard(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.REVIEWS)
    report = quality_pages.report_of(seat.project)
    boards = report.leaderboards if report else {}
    by = request.GET.get("by", "")
    by = by if by in boards else min(boards, default="")  # people before judges
    board = boards.get(by)
    return project_page(
        request,
        "leaderboard.html",
        seat,
        TAB,
        section="leaderboard",
        report=report,
        boards=boards,
        by=by,
        board=board,
        shares=_named_shares(board) if board else [],
        equal_ties=board["tie_propensity"] / (2 + board["tie_propensity"]) if board else None,
        plots={"scores": plots.scores(board["places"]), "wins": plots.win_matrix(board)}
        if board
        else {},
    )


def _named_shares(board: dict[str, Any]) -> list[tuple[str, list[tuple[float | None, int]]]]:
    return list(zip(board["win_matrix"]["models"], plots.win_shares(board), strict=True))


@login_required
@require_GET
def annotator(request: HttpRequest, slug: str, annotator_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    me = people.annotator_id_of(request.user)
    return _annotator(request, seat, quality_pages.annotator_for(seat, annotator_id, me).id, me)


@login_required
@require_GET
def my_quality(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    me = people.annotator_id_of(request.user)
    return _annotator(request, seat, me, me)


def _annotator(request: HttpRequest, seat: access.Seat, annotator_id: int, me: int) -> HttpResponse:
    shown = quality_pages.annotator_page(seat.project, annotator_id, is_own=annotator_id == me)
    table = shown.confusion
    return project_page(
        request,
        "annotator.html",
        seat,
        TAB if seat.reviews else "my quality",
        shown=shown,
        progress=progress.progress_of(annotator_id, seat.project.id, database_now()),
        confusion=_confusion("", table) if table else None,
        own_figures=shown.own_figures(seat),
        pace=plots.pace(shown.days) if shown.days else "",
        compared=plots.intervals(shown.compared, "agreement with the majority"),
    )
