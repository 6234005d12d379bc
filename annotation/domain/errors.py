"""The one way to refuse: every expected failure is a DomainError with a sentence for its reader."""


class DomainError(Exception):
    """A refusal that the user can act on.

    Attributes:
        code: snake_case name of the rule, stable for programs.
        status: HTTP status that pages and API answer with.
        detail: one sentence that says what is wrong and what to do.
        field: name of the field at fault, or "".
        line: line number in an uploaded file, counted from 1, or None.
    """

    code = "refused"
    status = 400

    def __init__(self, detail: str, *, field: str = "", line: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.field, self.line = detail, field, line


class NotFound(DomainError):
    """There is no such thing, or this person may not know that there is."""

    code, status = "not_found", 404


class NotAllowed(DomainError):
    """The thing is visible to this person, the action is not theirs."""

    code, status = "not_allowed", 403


class InvalidField(DomainError):
    """A field's value breaks a rule."""

    code, status = "invalid", 400
