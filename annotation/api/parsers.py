"""JSON bodies, strictly: one UTF-8 object, no key twice, nothing that a database changes."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from annotation.domain.errors import DomainError
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict

LARGEST_BODY = 20 * 2**20  # bytes; larger ones are imported as files


class UnreadableBody(DomainError):
    """The body is not the JSON that it should be; `code` is the rule that it breaks."""


class BodyTooLarge(DomainError):
    """The body is larger than a request may be."""

    code, status = "too_large", 413


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        refuse_other_charsets(parser_context["request"].META.get("CONTENT_TYPE", ""))
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise BodyTooLarge(f"A body may have {LARGEST_BODY:,} bytes; import a file instead.")
        try:
            value = loads_strict(raw)
        except LineRefused as error:
            refusal = UnreadableBody(error.detail, field=error.field)
            refusal.code = error.rule
            raise refusal from error
        if not isinstance(value, Mapping):
            raise UnreadableBody("The body must be a JSON object.")
        return dict(value)


def refuse_other_charsets(content_type: str) -> None:
    """Refuse a body that says that it is not UTF-8, rather than guess."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(content_type[:100])
