"""What distinct texts say, read from where they stand."""

from collections.abc import Sequence

from annotation.domain.content import text_of
from curation.domain.texts import prompt_text
from curation.models import Text


def texts_of(text_ids: Sequence[int]) -> dict[int, str]:
    """Read texts by id, in no order. Ids that name no text are left out. Two queries."""
    found = Text.objects.filter(pk__in=text_ids)
    answers = found.filter(response__isnull=False).values_list("pk", "response__content")
    prompts = found.filter(response__isnull=True).values_list("pk", "item__messages")
    said = {pk: text_of(content) for pk, content in answers}
    return said | {pk: prompt_text(messages) for pk, messages in prompts}
