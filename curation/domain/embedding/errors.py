"""Why a text could not be embedded."""

from annotation.domain.errors import DomainError


class UnusableModel(DomainError):
    """The embedding model cannot be loaded, or has no use for plain texts."""

    code = "unusable_model"


class UnusableVector(DomainError):
    """The model gave no finite vector for a text, in full precision either.

    Attributes:
        place: where the text stood in the call, counted from 0.
        text: the text itself.
    """

    code = "unusable_vector"

    def __init__(self, place: int, text: str) -> None:
        start = text[:60].encode("ascii", "backslashreplace").decode()
        super().__init__(
            f"The model gave no finite vector for text {place} of the batch, which has "
            f"{len(text):,} characters and starts with “{start}”; leave the text out."
        )
        self.place, self.text = place, text
