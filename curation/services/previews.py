"""The first rows of a version, to look at."""

from itertools import islice
from typing import Any

from curation.domain.preference import preference_rows
from curation.domain.recipes import recipe_of
from curation.models import Version
from curation.services.shards import records_in

PREVIEW_ROWS = 3
MOST_RECORDS = 200


def first_rows(version: Version) -> list[dict[str, Any]]:
    """The first preference pairs of a finished version, from a bounded look at its shards."""
    recipe = recipe_of(version.recipe)
    records = islice(records_in(version.manifest["shards"]), MOST_RECORDS)
    rows = (row for record in records for row, _ in preference_rows(record, recipe) if row)
    return list(islice(rows, PREVIEW_ROWS))
