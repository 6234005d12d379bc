"""What an annotator has entered so far, kept on the server until they submit it."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation.domain.answers import OutOfRange, storable_text
from annotation.domain.errors import InvalidField
from annotation.models import Draft, Slot
from annotation.services import queue

LARGEST_DRAFT = 200_000  # code points of its JSON


def save_draft(*, slot_id: int, annotator_id: int, payload: Any, now: datetime) -> Draft:
    """Keep what was entered on a slot that this annotator holds; the last one saved counts.

    Raises:
        InvalidField: no object, too large, or a text that cannot be stored.
        SlotLost: the slot is filled or somebody else's.
    """
    if not isinstance(payload, dict):
        raise InvalidField("A draft must be a JSON object.", field="draft")
    written = json.dumps(payload, ensure_ascii=False, allow_nan=False)
    if len(written) > LARGEST_DRAFT:
        raise OutOfRange(f"A draft may have {LARGEST_DRAFT:,} characters at most.", field="draft")
    storable_text("".join(_texts_of(payload)), "draft", LARGEST_DRAFT)
    with transaction.atomic():
        held = Slot.objects.open().filter(id=slot_id, holder_id=annotator_id)
        # A submit that goes on meanwhile is waited for, so that no draft outlives its judgment.
        if not held.select_for_update(no_key=True).exists():
            raise queue.SlotLost("This comparison is not yours any more; the draft was not saved.")
        draft, _ = Draft.objects.update_or_create(
            slot_id=slot_id,
            annotator_id=annotator_id,
            defaults={"payload": payload, "saved_at": now},
        )
        return draft


def _texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts_of(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts_of(part)]
    return []
