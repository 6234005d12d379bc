"""Conditions over facts: tests of one fact each, joined by all, any and not.

A test of a fact that is not known is false, whatever it asks, except `unknown`. So `not` around it
is true: to ask for a known value that is not high, write `all` of `known` and `not`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.domain.routing.facts import FactKind, Facts, fact_named

Mask = NDArray[np.bool_]

COMPARED: dict[str, Callable[[Any, Any], Mask]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
BETWEEN, IS, IS_NOT, ONE_OF, CONTAINS = "between", "is", "is not", "one of", "contains"
KNOWN, UNKNOWN = "known", "unknown"
ALWAYS = (KNOWN, UNKNOWN)
OF_NUMBERS = (*COMPARED, BETWEEN)
OF_WORDS = (IS, IS_NOT, ONE_OF)
# What can be asked of a fact of each kind.
TESTS: dict[FactKind, tuple[str, ...]] = {
    FactKind.NUMBER: (*OF_NUMBERS, *ALWAYS),
    FactKind.FLAG: (IS, *ALWAYS),
    FactKind.WORD: (*OF_WORDS, *ALWAYS),
    FactKind.WORDS: (CONTAINS, *ALWAYS),
    FactKind.METADATA: (*OF_NUMBERS, *OF_WORDS, CONTAINS, *ALWAYS),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One question about one fact.

    Attributes:
        asks: one of `TESTS` of the fact's kind.
        value: a number; low and high of `between`, both included; a text or a bool of `is`; the
            texts of `one of`; the text that is contained; None of `known` and `unknown`.
    """

    __test__ = False  # it is no test of pytest's

    fact: str
    asks: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = Test | AllOf | AnyOf | Not


def holds(condition: Condition, facts: Facts) -> Mask:
    """For which comparisons a condition is true, shape (n,).

    Raises:
        KeyError: a fact that it asks about is not among the columns.
    """
    match condition:
        case AllOf(parts):
            return np.logical_and.reduce([holds(part, facts) for part in parts])
        case AnyOf(parts):
            return np.logical_or.reduce([holds(part, facts) for part in parts])
        case Not(part):
            return ~holds(part, facts)
        case Test():
            return passes(condition, facts)


def passes(test: Test, facts: Facts) -> Mask:
    """For which comparisons one test is true, shape (n,)."""
    column = facts.columns[test.fact]
    fact = fact_named(test.fact)
    is_numeric = fact is not None and fact.kind.is_numeric
    if test.asks in ALWAYS:
        is_known = ~np.isnan(column) if is_numeric else where(column, lambda one: one is not None)
        return is_known if test.asks == KNOWN else ~is_known
    if test.asks in OF_NUMBERS:
        return _compared(test, column if is_numeric else numbers_in(column))
    if is_numeric:
        return column == float(test.value)
    if test.asks == CONTAINS:
        return where(column, lambda one: isinstance(one, tuple) and test.value in one)
    if isinstance(test.value, bool):
        return where(column, lambda one: one is test.value)
    return _worded(test, column)


def tests_in(condition: Condition) -> Iterator[Test]:
    """All tests of a condition, in the order in which they are written."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from tests_in(part)
        case Not(part):
            yield from tests_in(part)
        case Test():
            yield condition


def where(column: NDArray[Any], is_so: Callable[[Any], bool]) -> Mask:
    return np.fromiter((is_so(one) for one in column.tolist()), dtype=np.bool_, count=len(column))


def numbers_in(column: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers among any values, NaN for whatever is none."""
    told = (
        one if isinstance(one, int | float) and not isinstance(one, bool) else np.nan
        for one in column.tolist()
    )
    return np.fromiter(told, dtype=np.float64, count=len(column))


def _compared(test: Test, numbers: NDArray[np.float64]) -> Mask:
    if test.asks == BETWEEN:
        low, high = test.value
        return (numbers >= low) & (numbers <= high)
    return COMPARED[test.asks](numbers, test.value) & ~np.isnan(numbers)


def _worded(test: Test, column: NDArray[Any]) -> Mask:
    if test.asks == ONE_OF:
        known = frozenset(test.value)
        return where(column, lambda one: isinstance(one, str) and one in known)
    if test.asks == IS:
        return where(column, lambda one: isinstance(one, str) and one == test.value)
    return where(column, lambda one: isinstance(one, str) and one != test.value)
