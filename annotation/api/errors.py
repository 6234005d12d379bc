"""Every refusal of the API as `{"code", "detail", "field"}`, with `line` where there is one."""

from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from annotation.domain.errors import DomainError

NAMES = {
    "parse_error": "not_json",
    "permission_denied": "not_allowed",
    "authentication_failed": "not_authenticated",
}


def answer_refusal(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an expected failure into its answer; None lets the unexpected crash to a 500."""
    answer = _answer_to(error)
    if answer is not None:
        set_rollback()
    return answer


def _answer_to(error: Exception) -> Response | None:
    match error:
        case DomainError():
            return _answer(error.status, error.code, error.detail, error.field, error.line)
        case Http404():
            return _answer(404, "not_found", "There is nothing at this address.")
        case exceptions.ValidationError():
            field, code, detail = _first(error.get_full_details())
            return _answer(400, code, detail, field)
        case exceptions.APIException():
            return _answer_of_framework(error)
        case ModelValidationError():
            return _answer(400, "invalid", " ".join(error.messages))
        case DataError():
            return _answer(400, "invalid", "A value is out of the range that can be stored.")
        case IntegrityError():
            return _answer(409, "conflict", "Somebody changed this at the same moment; try again.")
        case OperationalError():
            answer = _answer(503, "unavailable", "The database does not answer; try again soon.")
            answer["Retry-After"] = "5"
            return answer
    return None


def _answer(
    status: int, code: str, detail: str, field: str = "", line: int | None = None
) -> Response:
    body = {"code": code, "detail": detail, "field": field}
    return Response(body if line is None else body | {"line": line}, status=status)


def _answer_of_framework(error: exceptions.APIException) -> Response:
    code = NAMES.get(error.default_code, error.default_code)
    answer = _answer(error.status_code, code, str(error.detail))
    if header := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        answer["Retry-After"] = str(int(wait))
    return answer


def _first(details: Any, path: tuple[str, ...] = ()) -> tuple[str, str, str]:
    """Find the first fault in the framework's nested report: its field, code and sentence."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        return ".".join(path), str(details["code"]), str(details["message"])
    if isinstance(details, dict):
        key, inner = next(iter(details.items()))
        return _first(inner, path if key == "non_field_errors" else (*path, str(key)))
    place = next(place for place, inner in enumerate(details) if inner)
    is_list_of_faults = set(details[place]) == {"message", "code"}
    return _first(details[place], path if is_list_of_faults else (*path, str(place)))
