"""Tells in one sentence why a comparison goes where it goes."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from curation.domain.routing.conditions import (
    BETWEEN,
    CONTAINS,
    IS,
    IS_NOT,
    KNOWN,
    ONE_OF,
    UNKNOWN,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Test,
    holds,
)
from curation.domain.routing.deciding import DEFAULT, LEARNED, Decisions
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances
from curation.domain.routing.policy import RouteTo
from curation.domain.vocabulary import Route

NONE_IDLE: Mapping[str, str] = MappingProxyType({})
LONGEST, LONGEST_WHY, LONGEST_UNASKED, LONGEST_VALUE = 400, 200, 200, 60
NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
PHRASES = {
    "=": ("is", "is not"),
    "!=": ("is not", "is"),
    "<": ("is below", "is not below"),
    "<=": ("is at most", "is above"),
    ">": ("is above", "is at most"),
    ">=": ("is at least", "is below"),
    BETWEEN: ("is within", "is outside of"),
    ONE_OF: ("is one of", "is none of"),
    IS: ("is", "is not"),
    IS_NOT: ("is not", "is"),
}


def tell(
    decisions: Decisions,
    facts: Facts,
    place: int,
    learned: LearnedChances | None = None,
    idle: Mapping[str, str] = NONE_IDLE,
    *,
    is_over: bool = False,
) -> str:
    """Tell one decision in a sentence of at most `LONGEST` characters, and in another one whom of
    the judges nobody asks; `LONGEST` in all.

    Args:
        facts, learned: those that it was decided by.
        idle: judges that are out of use, each with its state.
        is_over: as many people as were wanted have judged it before.
    """
    rule = int(decisions.rule[place])
    to = decisions.route_to(place)
    if rule > DEFAULT:
        name = decisions.policy.rules[rule - 1].name
        why = because(decisions.policy.rules[rule - 1].condition, facts.at(_one(place)))
        start = f"Rule {rule} “{name}”: {shortened(why, LONGEST_WHY)}"
    elif rule == LEARNED:
        start = _learned(learned, place)
    else:
        start = "No rule applies"
    if decisions.turned[place]:
        start += "; the guard gives this slice to people, as judges err too often in it"
    if decisions.explored[place]:
        start += "; chance picked it to learn where judges are right"
    if decisions.audited[place]:
        start += "; chance picked it to audit the judges"
    end = "; people have judged it already, so nobody more is asked" if is_over else ""
    more = shortened(unasked(() if is_over else to.judges, idle, then=True), LONGEST_UNASKED)
    said = shortened(f"{start}, so {outcome(to)}{end}.", LONGEST - len(more) - bool(more))
    return f"{said} {more}".rstrip()


def unasked(named: Iterable[str], idle: Mapping[str, str], *, then: bool = False) -> str:
    """A sentence on those judges that are named but not asked; "" where there are none.

    Args:
        idle: judges that are out of use, each with its state.
        then: worded to be read later.
    """
    verb, when = ("was", " when this was decided") if then else ("is", "")
    found = [f"{name} {verb} {idle[name]}" for name in named if name in idle]
    return f"But {' and '.join(found)}{when}, and not asked." if found else ""


def outcome(to: RouteTo) -> str:
    """Who judges, as a clause."""
    match to.route:
        case Route.HUMAN:
            return f"{counted(to.overlap, 'person', 'people')}"
        case Route.EXPERT:
            noun = f" in {to.expertise}" if to.expertise else ""
            return counted(to.overlap, f"expert{noun}", f"experts{noun}")
        case Route.JUDGE:
            return f"{judges(to)} {'judges' if len(to.judges) == 1 else 'judge'} it"
        case Route.BOTH:
            people = counted(to.overlap, "person", "people", verb="")
            return f"{people} and {judges(to)} judge it"
        case Route.SKIP:
            return "nobody judges it"


def because(condition: Condition, facts: Facts) -> str:
    """What of a condition makes it true, or not true, for the one comparison of the facts."""
    return " and ".join(_reasons(condition, facts))


def _reasons(condition: Condition, facts: Facts) -> Iterator[str]:
    is_true = bool(holds(condition, facts)[0])
    match condition:
        case Not(part):
            yield from _reasons(part, facts)
        case AllOf(parts) | AnyOf(parts):
            # All parts are needed to make `all` true or `any` false; else one that decides.
            told = [part for part in parts if bool(holds(part, facts)[0]) == is_true]
            needs_each = isinstance(condition, AllOf) == is_true
            for part in told if needs_each else told[:1]:
                yield from _reasons(part, facts)
        case Test():
            yield _tested(condition, facts, is_true)


def _tested(test: Test, facts: Facts, is_true: bool) -> str:
    name, value = test.fact.replace("_", " "), facts.value(test.fact, 0)
    if value is None:
        return f"{name} is not known"
    if test.asks in (KNOWN, UNKNOWN):
        return f"{name} is known"
    if test.asks == CONTAINS:
        return f"{name} {'contains' if is_true else 'does not contain'} {said(test.value)}"
    if isinstance(value, bool):
        return f"{name}: {said(value)}"
    if test.asks in (IS, IS_NOT, "="):
        return f"{name} is {said(value)}"
    phrase = PHRASES[test.asks][not is_true]
    return f"{name} {said(value)} {phrase} {said(test.value)}"


def _learned(learned: LearnedChances | None, place: int) -> str:
    if learned is None:
        return "No rule applies and the learned router has too few labels yet"
    p, h = float(learned.p[place]), float(learned.h[place])
    if p != p:
        return "No rule applies and no judge has answered yet that the learned router could trust"
    return (
        f"No rule applies; the learned router expects the judges to be right with probability "
        f"{p:.2f} and a person with {h:.2f}"
    )


def said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
    if isinstance(value, tuple):
        return shortened(", ".join(said(one) for one in value), LONGEST_VALUE)
    return f"“{shortened(str(value), LONGEST_VALUE)}”"


def counted(n: int, one: str, more: str, verb: str = "judge") -> str:
    number = NUMBERS[n] if n < len(NUMBERS) else str(n)
    ending = f" {verb}{'s' if n == 1 else ''} it" if verb else ""
    return f"{number} {one if n == 1 else more}{ending}"


def judges(to: RouteTo) -> str:
    """Name the judges."""
    *some, last = to.judges
    noun = "the judge" if not some else "the judges"
    return f"{noun} {', '.join(some)} and {last}" if some else f"{noun} {last}"


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _one(place: int) -> slice:
    return slice(place, place + 1)
