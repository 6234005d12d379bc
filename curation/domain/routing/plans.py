"""Who would judge each comparison, and what that asks of people and judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from curation.domain.routing.deciding import (
    BOTH,
    CODES,
    DEFAULT,
    JUDGE,
    LEARNED,
    Decisions,
)
from curation.domain.routing.expected import Bools, Floats, Ints
from curation.domain.routing.policy import DEFAULT_NAME, LEARNED_NAME
from curation.domain.vocabulary import Route

CHARACTERS_PER_TOKEN = 4.0  # of English, about


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a policy makes of n comparisons.

    Attributes:
        route: (n,) place in `ROUTES`.
        rule: (n,) place of the rule from 1, else `DEFAULT` or `LEARNED`; `names` has each.
        overlap: (n,) people wanted in all, those of an audit or by chance included.
        judges: (n, J) which LLM judges are asked.
        is_explored, is_audited, is_turned: (n,) whether people are asked by chance, for the audit,
            or because the guard turned the slice to them.
    """

    names: Mapping[int, str]
    route: Ints
    rule: Ints
    overlap: Ints
    judges: Bools
    is_explored: Bools
    is_audited: Bools
    is_turned: Bools

    def at(self, places: Ints) -> "Plan":
        """The plan of the comparisons at some places."""
        columns = {one.name: getattr(self, one.name) for one in fields(self)}
        kept = {name: one[places] for name, one in columns.items() if name != "names"}
        return replace(self, **kept)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What there is of n comparisons before anything changes, and what more of it costs.

    Attributes:
        minutes: (n,) that one person reads and decides.
        n_taken: (n,) judgments that people gave or are giving. n_free: (n,) slots nobody has taken.
        is_asked: (n, J) whether a judge was asked already, which costs nothing more.
        cost: (n, J) millionths of asking a judge, all its requests together.
        n_requests: (J,) of each judge about one comparison.
    """

    minutes: Floats
    n_taken: Ints
    n_free: Ints
    is_asked: Bools
    cost: Floats
    n_requests: Ints


@dataclass(frozen=True, slots=True)
class Price:
    """What a judge is asked for one comparison, and what that costs.

    Attributes:
        n_requests: display orders times samples.
        price_in, price_out: millionths of a unit of currency for a token.
        tokens_beside: of a request beside the texts compared.
        tokens_out: of an answer, as measured, or the most it may have.
    """

    n_requests: int
    price_in: float
    price_out: float
    tokens_beside: float
    tokens_out: float


def plan_of(decisions: Decisions, judges: Sequence[str]) -> Plan:
    """Lay out what a policy decided; `judges` are the names of those that have a column."""
    routes = decisions.policy.routes
    asked = np.array([[name in route.judges for name in judges] for route in routes], dtype=bool)
    place = np.maximum(decisions.rule, DEFAULT)
    by_judges = np.isin(decisions.route, [JUDGE, BOTH])
    named = {n: rule.name for n, rule in enumerate(decisions.policy.rules, 1)}
    return Plan(
        names=named | {DEFAULT: DEFAULT_NAME, LEARNED: LEARNED_NAME},
        route=decisions.route.astype(np.int64),
        rule=decisions.rule.astype(np.int64),
        overlap=decisions.people(),
        judges=asked.reshape(len(routes), len(judges))[place] & by_judges[:, None],
        is_explored=decisions.explored,
        is_audited=decisions.audited,
        is_turned=decisions.turned,
    )


def unrouted(n: int, overlap: int, n_judges: int) -> Plan:
    """What happens without a policy: `overlap` people judge each of n comparisons."""
    nowhere = np.zeros(n, dtype=np.bool_)
    return Plan(
        names={DEFAULT: DEFAULT_NAME},
        route=np.full(n, CODES[Route.HUMAN], dtype=np.int64),
        rule=np.full(n, DEFAULT, dtype=np.int64),
        overlap=np.full(n, overlap, dtype=np.int64),
        judges=np.zeros((n, n_judges), dtype=np.bool_),
        is_explored=nowhere,
        is_audited=nowhere,
        is_turned=nowhere,
    )


def costs_of(prices: Sequence[Price], n_chars: Floats) -> Floats:
    """What each judge's requests about each comparison cost.

    Args:
        n_chars: (n,) code points of the texts compared, the mean of the known ones where NaN.
    Returns:
        (n, J) millionths, an estimate: a token is taken as four characters.
    """
    is_known = ~np.isnan(n_chars)
    usual = float(n_chars[is_known].mean()) if is_known.any() else 0.0
    tokens = np.where(is_known, n_chars, usual) / CHARACTERS_PER_TOKEN
    columns = [
        one.n_requests
        * ((tokens + one.tokens_beside) * one.price_in + one.tokens_out * one.price_out)
        for one in prices
    ]
    return np.array(columns, dtype=np.float64).reshape(len(prices), len(n_chars)).T
