"""What must always hold between rows, as queries that find the rows where it does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

OVER_FILLED = """
    select judgment.comparison_id, count(*) from judgment
    where judgment.slot_id is not null and judgment.supersedes_id is null and not judgment.is_late
    group by judgment.comparison_id
    having count(*) > (select count(*) from slot where slot.comparison_id = judgment.comparison_id)
    order by 1 limit 1
"""
JUDGED_TWICE = """
    select comparison_id, annotator_id from judgment
    where slot_id is not null and supersedes_id is null
    group by comparison_id, annotator_id having count(*) > 1
    order by 1 limit 1
"""
FILLED_WITHOUT_JUDGMENT = """
    select slot.id, slot.comparison_id from slot
    where slot.filled_at is not null
      and not exists (select 1 from judgment where judgment.slot_id = slot.id and not is_late)
    order by 1 limit 1
"""
JUDGED_ELSEWHERE = """
    select judgment.id, slot.id from judgment join slot on slot.id = judgment.slot_id
    where slot.comparison_id <> judgment.comparison_id
    order by 1 limit 1
"""
RANKS_OTHERS = """
    select judgment.id, judgment.comparison_id
    from judgment join comparison on comparison.id = judgment.comparison_id
    where judgment.outcome = 'ranked' and comparison.response_ids <> array(
        select response::bigint
        from jsonb_array_elements(judgment.ranking) as tier, jsonb_array_elements(tier) as response
        order by 1
    )
    order by 1 limit 1
"""
CORRECTS_OTHERS = """
    select judgment.id, judgment.comparison_id
    from judgment join judgment as earlier on earlier.id = judgment.supersedes_id
    where (judgment.comparison_id, judgment.annotator_id)
       <> (earlier.comparison_id, earlier.annotator_id)
    order by 1 limit 1
"""
MISSES_CONSENSUS = """
    select comparison.id, comparison.project_id from comparison
    where comparison.stale_since is null
      and exists (
          select 1 from judgment join annotator on annotator.id = judgment.annotator_id
          where judgment.comparison_id = comparison.id and annotator.kind <> 'user'
      )
      and not exists (select 1 from consensus where consensus.comparison_id = comparison.id)
    order by 1 limit 1
"""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise, the query for the first row that breaks it, and how to name that row."""

    promise: str
    query: str
    broken_by: str


INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "no comparison has more judgments in time than slots",
        OVER_FILLED,
        "comparison {} has {} judgments",
    ),
    Invariant(
        "nobody fills two slots of one comparison",
        JUDGED_TWICE,
        "comparison {} was judged twice by annotator {}",
    ),
    Invariant(
        "every filled slot has its judgment",
        FILLED_WITHOUT_JUDGMENT,
        "slot {} of comparison {} is filled by nothing",
    ),
    Invariant(
        "every judgment is of its slot's comparison",
        JUDGED_ELSEWHERE,
        "judgment {} is of another comparison than slot {}",
    ),
    Invariant(
        "every ranking names exactly the responses compared",
        RANKS_OTHERS,
        "judgment {} ranks other responses than comparison {} compares",
    ),
    Invariant(
        "every correction is by the same annotator, of the same comparison",
        CORRECTS_OTHERS,
        "judgment {} on comparison {} corrects somebody else's",
    ),
    Invariant(
        "every judged comparison has a consensus or waits for one",
        MISSES_CONSENSUS,
        "comparison {} of project {} has none",
    ),
)


def first_broken(invariant: Invariant) -> str:
    """Name the first row that breaks a promise; "" where all rows keep it."""
    with connection.cursor() as cursor:
        cursor.execute(invariant.query)
        row = cursor.fetchone()
    return invariant.broken_by.format(*row) if row else ""
