from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from annotation.domain.answers import answer_from, client_key_from, storable_text
from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.models import Annotator, Judgment, Project
from annotation.selectors import access, panels
from annotation.selectors.clock import database_now
from annotation.selectors.progress import last_judgment, progress_of
from annotation.selectors.questions import question_on
from annotation.selectors.queue import slot_for, why_nothing
from annotation.services import drafts, judging, people, queue

PAGE = "annotation/judge.html"
MOST_BESIDES = 50
LONGEST_NOTE = 1000
LONGEST_ID = 19


@login_required
@require_GET
@ensure_csrf_cookie
def judge(request: HttpRequest, slug: str) -> HttpResponse:
    seat, now = access.seat_for(request.user, slug, access.JUDGES), database_now()
    me = people.annotator_of(user=request.user, now=now)
    progress = progress_of(me.id, seat.project.id, now)
    context = {"project": seat.project, "seat": seat, "progress": progress}
    wanted = request.GET.get("correct", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < LONGEST_ID:
        context["correct"] = _own_judgment(request, int(wanted)).id
    return render(request, PAGE, context)


@login_required
@require_POST
def next_panel(request: HttpRequest, slug: str) -> HttpResponse:
    project, me, now = _enter(request, slug)
    slot = queue.claim_slot(
        project_id=project.id, annotator_id=me.id, now=now, besides=_besides(request)
    )
    if slot:
        return _panel(request, panels.panel_of(slot, me))
    context = {
        "project": project,
        "nothing": why_nothing(me.id, project.id, now),
        "progress": progress_of(me.id, project.id, now),
    }
    return render(request, f"{PAGE}#nothing", context)


@login_required
@require_GET
def last(request: HttpRequest, slug: str) -> HttpResponse:
    project, me, _ = _enter(request, slug)
    judgment = last_judgment(me.id, project.id)
    if judgment is None:
        raise NotFound("You have submitted nothing here yet.")
    return _panel(request, panels.correction_panel(judgment))


@login_required
@require_GET
def said(request: HttpRequest, judgment_id: int) -> HttpResponse:
    judgment = _own_judgment(request, judgment_id)
    if Judgment.objects.filter(supersedes=judgment).exists():
        raise judging.NotInForce("You have corrected this answer already; correct the newer one.")
    return _panel(request, panels.correction_panel(judgment))


@login_required
@require_GET
def reopen(request: HttpRequest, slot_id: int) -> HttpResponse:
    slot_for(request.user, slot_id)
    me = people.annotator_of(user=request.user, now=database_now())
    return _panel(request, panels.panel_of(panels.held_slot(slot_id, me), me))


@login_required
@require_POST
def submit(request: HttpRequest, slot_id: int) -> HttpResponse:
    payload, slot, now = _body(request), slot_for(request.user, slot_id), database_now()
    judgment = judging.submit_judgment(
        slot_id=slot_id,
        annotator_id=people.annotator_of(user=request.user, now=now).id,
        answer=answer_from(payload, question_on(slot.comparison)),
        client_key=client_key_from(payload.get("client_key")),
        now=now,
    )
    return JsonResponse({"id": judgment.id, "is_late": judgment.is_late}, status=201)


@login_required
@require_POST
def correct(request: HttpRequest, judgment_id: int) -> HttpResponse:
    payload, now = _body(request), database_now()
    judgment = _own_judgment(request, judgment_id)
    correction = judging.correct_judgment(
        judgment_id=judgment.id,
        annotator_id=judgment.annotator_id,
        answer=answer_from(payload, question_on(judgment.comparison)),
        client_key=client_key_from(payload.get("client_key")),
        now=now,
    )
    return JsonResponse({"id": correction.id, "is_late": correction.is_late}, status=201)


@login_required
@require_POST
def skip(request: HttpRequest, slot_id: int) -> HttpResponse:
    slot_for(request.user, slot_id)
    reason = storable_text(_body(request).get("reason", ""), "reason", LONGEST_NOTE)
    me, now = _me(request)
    queue.skip_comparison(slot_id=slot_id, annotator_id=me.id, now=now, reason=reason)
    return HttpResponse(status=204)


@login_required
@require_POST
def release(request: HttpRequest, slot_id: int) -> HttpResponse:
    slot_for(request.user, slot_id)
    epoch = _body(request).get("lease_epoch")
    if epoch is not None and type(epoch) is not int:
        raise InvalidField("lease_epoch must be a whole number.", field="lease_epoch")
    me, now = _me(request)
    queue.release_slot(slot_id=slot_id, annotator_id=me.id, now=now, lease_epoch=epoch)
    return HttpResponse(status=204)


@login_required
@require_POST
def renew(request: HttpRequest, slot_id: int) -> HttpResponse:
    slot_for(request.user, slot_id)
    me, now = _me(request)
    slot = queue.renew_lease(slot_id=slot_id, annotator_id=me.id, now=now)
    return JsonResponse({"lease_seconds": slot.project.lease.total_seconds()})


@login_required
@require_POST
def draft(request: HttpRequest, slot_id: int) -> HttpResponse:
    slot_for(request.user, slot_id)
    me, now = _me(request)
    drafts.save_draft(slot_id=slot_id, annotator_id=me.id, payload=_body(request), now=now)
    return HttpResponse(status=204)


def _panel(request: HttpRequest, panel: panels.Panel) -> HttpResponse:
    return render(request, f"{PAGE}#panel", {"panel": panel, "project": panel.project})


def _me(request: HttpRequest) -> tuple[Annotator, Any]:
    now = database_now()
    return people.annotator_of(user=request.user, now=now), now


def _enter(request: HttpRequest, slug: str) -> tuple[Project, Annotator, Any]:
    return access.project_for(request.user, slug, access.JUDGES), *_me(request)


def _own_judgment(request: HttpRequest, judgment_id: int) -> Judgment:
    found = Judgment.objects.select_related("comparison__project").filter(
        id=judgment_id,
        annotator__user=request.user,
        project__in=access.projects_of(request.user),
    )
    if judgment := found.first():
        return judgment
    raise NotFound("There is no such judgment of yours.")


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = loads_strict(request.body)
    except LineRefused as refused:
        raise InvalidField(f"The request must hold JSON. {refused.detail}") from None
    if not isinstance(body, dict):
        raise InvalidField("The request must hold a JSON object.")
    return body


def _besides(request: HttpRequest) -> list[int]:
    besides = _body(request).get("besides", [])
    is_list = isinstance(besides, list) and len(besides) <= MOST_BESIDES
    if not is_list or not all(type(slot) is int and 0 < slot < 2**63 for slot in besides):
        raise InvalidField("besides must be a list of slot ids.", field="besides")
    return besides
