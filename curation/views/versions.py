from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation.domain.vocabulary import WorkState
from annotation.selectors.clock import database_now
from curation.domain.formats import DESCRIPTIONS, Format
from curation.models import Version
from curation.selectors.datasets import version_of
from curation.services import datasets, exporting
from curation.services.previews import first_rows
from curation.views.figures import drops_of, kept_share

PAGE = "curation/version.html"
UNFINISHED = (WorkState.QUEUED, WorkState.RUNNING)


@login_required
@require_safe
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    found = version_here(request, slug, number)
    part = request.GET.get("part") if request.htmx else None
    template = {"state": f"{PAGE}#state", "exports": f"{PAGE}#exports"}.get(part or "", PAGE)
    if part == "state" and found.state not in UNFINISHED:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, template, context_of(found, with_rows=template == PAGE))


@login_required
@require_POST
def export(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    found = version_here(request, slug, number)
    wanted = exporting.format_named(request.POST.get("format", ""))
    exporting.request_export(version=found, format=wanted, now=database_now())
    if request.htmx:
        return render(request, f"{PAGE}#exports", context_of(found, with_rows=False))
    return redirect("curation:version", slug, number)


def version_here(request: HttpRequest, slug: str, number: int) -> Version:
    found = datasets.dataset_for(user=request.user, slug=slug, now=database_now())
    return version_of(found, number)


def context_of(found: Version, *, with_rows: bool) -> dict[str, object]:
    asked = {export.format: export for export in found.exports.all()}
    is_done = found.state == WorkState.DONE
    return {
        "version": found,
        "dataset": found.dataset,
        "digest": bytes(found.digest or b"").hex(),
        "is_unfinished": found.state in UNFINISHED,
        "is_done": is_done,
        "formats": [
            {"name": format.value, "about": DESCRIPTIONS[format], "export": asked.get(format)}
            for format in Format
        ],
        "is_exporting": any(export.state in UNFINISHED for export in asked.values()),
        "drops": drops_of(found.counts),
        "kept_share": kept_share(found.counts),
        "rows": first_rows(found) if with_rows and is_done else [],
    }
