"""Texts that share a band of their MinHash signatures."""

from collections.abc import Iterator, Sequence

from django.db import connection

from curation.domain.duplicates.minhash import (
    SCHEME,
    estimated_jaccard,
    signature_from,
    signatures_of,
)
from curation.models import Signature
from curation.selectors.duplicate_links import TEXTS
from curation.selectors.texts import texts_of
from curation.services.duplicates.candidates import Candidate, candidate_of

SLACK = 3 * 0.045  # three standard errors of an estimated Jaccard similarity

BY_BAND = """
    SELECT mine.text_id, theirs.text_id, mine.values, theirs.values
    FROM signature AS mine
    JOIN signature AS theirs ON theirs.bands && mine.bands
    WHERE mine.scheme = %(scheme)s AND theirs.scheme = %(scheme)s
      AND mine.text_id = ANY(%(mine)s) AND theirs.text_id <> mine.text_id
      AND (theirs.text_id < mine.text_id OR NOT theirs.text_id = ANY(%(mine)s))
      AND EXISTS (SELECT FROM ({texts}) AS held WHERE held.text_id = theirs.text_id)
"""


def sign(text_ids: Sequence[int]) -> None:
    """Make the signatures that are missing."""
    signed = Signature.objects.filter(text__in=text_ids, scheme=SCHEME.name)
    missing = sorted(set(text_ids) - set(signed.values_list("text_id", flat=True)))
    said = texts_of(missing)
    made = signatures_of([said[text] for text in missing if text in said])
    rows = []
    for place, text in enumerate(text for text in missing if text in said):
        values, bands = made.stored(place)
        rows.append(Signature(text_id=text, scheme=SCHEME.name, values=values, bands=bands))
    Signature.objects.bulk_create(rows, ignore_conflicts=True)


def alike_signatures(
    project_id: int, what: str, text_ids: Sequence[int], least: float
) -> Iterator[Candidate]:
    """Find texts of a project whose signatures are alike to some, each pair once.

    `similarity` is estimated; pairs that may just miss `least` by the estimate are given too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            BY_BAND.format(texts=TEXTS[what]),
            {"scheme": SCHEME.name, "mine": list(text_ids), "project": project_id},
        )
        for mine, theirs, one, other in cursor.fetchall():
            estimate = float(
                estimated_jaccard(
                    signature_from(bytes(one), SCHEME.name),
                    signature_from(bytes(other), SCHEME.name),
                )
            )
            if estimate >= least - SLACK:
                yield candidate_of(mine, theirs, estimate)
