import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.domain.errors import InvalidField
from annotation.selectors import access
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from curation.domain.routing.policy import policy_from_json, policy_json
from curation.forms.routing import (
    ASKS,
    JOINS,
    ROUTES,
    action_in,
    changed,
    content_of,
    nests_too_deep,
)
from curation.forms.routing_rows import edited
from curation.selectors import routing, routing_pages
from curation.services.routing import policies
from curation.views.frames import curation_page

PAGE = "routing_edit.html"
BROKEN_JSON = "This is no JSON: {}, at line {}, column {}."
TOO_DEEP = "This JSON nests too deep."
VIEWS = ("form", "json")


@login_required
@require_http_methods(["GET", "POST"])
def new_policy(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    if request.method == "GET":
        return show(request, seat, **begun(seat, request.GET.get("from", "")))
    action, note = request.POST.get("do", "save"), request.POST.get("note", "").strip()
    try:
        content = sent(request)
        if action == "save":
            return save(request, seat, content, note)
        if action in VIEWS:
            return show(request, seat, content=tidy(content, action), note=note, to=action)
        if is_json(request):
            raise InvalidField("Edit it in a form to use the form’s buttons.", field="do")
        content = changed(content, action)
    except InvalidField as error:
        return refuse(request, seat, error, note)
    return show(request, seat, content=content, note=note, focus=focus_of(action, content))


def save(request: HttpRequest, seat: Seat, content: Any, note: str) -> HttpResponse:
    drafted = policies.draft_policy(
        project=seat.project, user=request.user, content=content, note=note, now=database_now()
    )
    return redirect("curation:policy", seat.project.slug, drafted.number)


def begun(seat: Seat, number: str) -> dict[str, Any]:
    """What the editor shows at first: an earlier policy, or one with a rule to fill in."""
    if number.isdecimal() and len(number) < 10:
        policy = routing.policy_of(seat.project, int(number))
        return {"content": policy.content, "from_number": policy.number}
    return {"content": changed({}, "rule")}


def is_json(request: HttpRequest) -> bool:
    return request.POST.get("as") == "json"


def sent(request: HttpRequest) -> Any:
    """The policy that was sent, as a form or as JSON, unchecked.

    Raises:
        InvalidField: it is no JSON, or none that can be shown again.
    """
    if not is_json(request):
        return content_of(request.POST)
    content = parsed(request.POST.get("json", ""))
    if nests_too_deep(content):
        raise InvalidField(TOO_DEEP, field="json")
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidField("A text holds half of a surrogate pair.", field="json") from None
    return content


def parsed(typed: str) -> Any:
    try:
        return json.loads(typed)
    except RecursionError:
        raise InvalidField(TOO_DEEP, field="json") from None
    except json.JSONDecodeError as error:
        told = BROKEN_JSON.format(error.msg, error.lineno, error.colno)
        raise InvalidField(told, field="json") from error
    except ValueError:
        raise InvalidField("A number in this JSON has too many digits.", field="json") from None


def tidy(content: Any, to: str) -> Any:
    """A policy for the other view: a form can show it only once it is right."""
    return policy_json(policy_from_json(content)) if to == "form" else content


def refuse(request: HttpRequest, seat: Seat, error: InvalidField, note: str) -> HttpResponse:
    if is_json(request):
        shown: dict[str, Any] = {"typed": request.POST.get("json", ""), "to": "json"}
    else:
        shown = {"content": content_of(request.POST)}
    return show(request, seat, refusal=error, note=note, status=422, **shown)


def focus_of(action: str, content: Any) -> str:
    """The id of what to look at after an action."""
    verb, places = action_in(action)
    number = places[0] if places else 0
    n_rules = len(content["rules"])
    match verb:
        case "rule":
            return f"rules.{n_rules}.name"
        case "up":
            return f"up-{number - 1}" if number > 2 else "down-1"
        case "down":
            return f"down-{number + 1}" if number < n_rules - 1 else f"up-{n_rules}"
        case "test" | "drop":
            return f"add-test-{number}"
        case "learn":
            return "learned.human_share"
    return "add-rule"


def show(
    request: HttpRequest,
    seat: Seat,
    *,
    content: Any = None,
    note: str = "",
    typed: str = "",
    to: str = "",
    refusal: InvalidField | None = None,
    focus: str = "",
    from_number: int | None = None,
    status: int = 200,
) -> HttpResponse:
    values: dict[str, Any] = {"as_json": to == "json", "note": note, "focus": focus}
    if to == "json":
        values |= {"json": typed or pretty(content), "refused": refusal.detail if refusal else ""}
    else:
        policy = edited(content, refusal)
        values |= {
            "policy": policy,
            "refused": (policy.error or "See the marked field.") if refusal else "",
            "routes": ROUTES,
            "joins": JOINS,
            "asks": ASKS,
        }
    page = f"{PAGE}#editor" if request.htmx else PAGE
    known = routing_pages.known_to_rules(seat.project)
    return curation_page(
        request, page, seat, "routing", status=status, from_number=from_number, **known, **values
    )


def pretty(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
