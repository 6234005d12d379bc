"""The schema of the API, for programs and for people; for those who are logged in."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from annotation.api.authentication import TokenAuthentication

METHODS = ("get", "post", "put", "patch", "delete")


class SchemaView(SpectacularJSONAPIView):
    """OpenAPI 3, as JSON."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]
    http_method_names = ["get", "head"]


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


@login_required
def docs(request: HttpRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return render(request, "annotation/api.html", {"operations": operations_in(schema)})


def operations_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """List the operations of a schema by address, with what goes in and what comes out."""
    return [
        _operation(schema, path, method, described[method])
        for path, described in sorted(schema["paths"].items())
        for method in METHODS
        if method in described
    ]


def _operation(
    schema: dict[str, Any], path: str, method: str, described: dict[str, Any]
) -> dict[str, Any]:
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "path": path,
        "method": method.upper(),
        "summary": described.get("summary", ""),
        "parameters": described.get("parameters", []),
        "body": _fields_of(schema, body.get("schema", {})),
        "answers": [
            {
                "status": status,
                "fields": _fields_of(
                    schema, answer.get("content", {}).get("application/json", {}).get("schema", {})
                ),
            }
            for status, answer in described.get("responses", {}).items()
        ],
    }


def _fields_of(schema: dict[str, Any], shape: dict[str, Any]) -> list[dict[str, Any]]:
    named = _resolved(schema, shape)
    required = named.get("required", [])
    return [
        {"name": name, "type": _type_of(field), "is_required": name in required}
        for name, field in named.get("properties", {}).items()
    ]


def _resolved(schema: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in shape:
        return schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return shape


def _type_of(field: dict[str, Any]) -> str:
    reference = field.get("$ref") or next(iter(field.get("allOf", [])), {}).get("$ref")
    if reference:
        return reference.rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_type_of(field.get('items', {}))}"
    return str(field.get("type", "any"))
