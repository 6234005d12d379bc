"""A judge's money: set aside before a call and settled after it, so that no budget is overrun."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from annotation.models import Judge

SET_ASIDE = """
    UPDATE judge SET reserved = reserved + set_aside.amount, unaffordable = set_aside.unaffordable
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS set_aside(id, amount, unaffordable)
    WHERE judge.id = set_aside.id
"""
# A server that charges for more than was asked cannot be undone; the budget still holds.
SETTLE = """
    UPDATE judge SET
        reserved = reserved - settled.released,
        spent = least(spent + settled.cost, budget - (reserved - settled.released))
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS settled(id, released, cost)
    WHERE judge.id = settled.id
"""


@dataclass
class Purse:
    """What a judge has left, under the lock of its row."""

    left: int
    set_aside: int = 0
    unaffordable: int = 0

    def takes(self, amount: int) -> bool:
        """Set an amount aside, if it is left; else remember the least that was not."""
        if amount > self.left - self.set_aside:
            self.unaffordable = min(self.unaffordable or amount, amount)
            return False
        self.set_aside += amount
        return True


def locked_purses(judge_ids: Iterable[int]) -> dict[int, tuple[Judge, Purse]]:
    """Lock judges until the transaction ends, in the order of their ids."""
    judges = (
        Judge.objects.filter(pk__in=set(judge_ids))
        .select_for_update(no_key=True)
        .only("price_in", "price_out", "max_tokens", "budget", "spent", "reserved")
        .order_by("pk")
    )
    return {
        judge.pk: (judge, Purse(judge.budget - judge.spent - judge.reserved)) for judge in judges
    }


def set_aside(purses: Mapping[int, Purse]) -> None:
    """Write what the purses of locked judges have set aside."""
    ids = sorted(purses)
    execute(
        SET_ASIDE,
        ids,
        [purses[pk].set_aside for pk in ids],
        [purses[pk].unaffordable for pk in ids],
    )


def settle(released: Mapping[int, int], costs: Mapping[int, int]) -> None:
    """Free what was set aside and spend what it came to. Locks judges in the order of their ids."""
    ids = sorted(released)
    if len(ids) > 1:
        execute("SELECT id FROM judge WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", ids)
    execute(SETTLE, ids, [released[pk] for pk in ids], [costs.get(pk, 0) for pk in ids])


def execute(statement: str, *columns: list[int]) -> None:
    if columns[0]:
        with connection.cursor() as cursor:
            cursor.execute(statement, list(columns))
