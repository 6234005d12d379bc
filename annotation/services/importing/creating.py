from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from annotation.domain.errors import InvalidField
from annotation.domain.importing.items import ItemRecord
from annotation.domain.vocabulary import ImportKind, ResponseFormat
from annotation.models import Project
from annotation.services.importing.reading import readings

ROWS_LOOKED_AT = 100


def create_project_for(
    *,
    slug: str,
    name: str,
    path: Path,
    mapping: Mapping[str, str],
    response_format: str | None,
    overlap: int,
    now: datetime,
) -> Project:
    """Make the project that a file of items needs.

    Args:
        response_format: pairwise or ranking; None looks at the first rows of the file, and makes a
            ranking project where an item has more than two responses.
    """
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidField(f"“{slug}” is no slug: use a-z, 0-9, - and _.", field="slug") from error
    if not 0 <= overlap <= 100:
        raise InvalidField("The overlap is from 0 to 100.", field="overlap")
    return Project.objects.create(
        slug=slug,
        name=name or slug,
        response_format=response_format or format_for(path, mapping),
        overlap=overlap,
        created_at=now,
    )


def format_for(path: Path, mapping: Mapping[str, str]) -> ResponseFormat:
    first = readings(path, name=path.name, kind=ImportKind.ITEMS, mapping=mapping)
    counts = [
        len(reading.record.responses)
        for reading in islice(first, ROWS_LOOKED_AT)
        if isinstance(reading.record, ItemRecord)
    ]
    return ResponseFormat.RANKING if max(counts, default=0) > 2 else ResponseFormat.PAIRWISE
