"""Says what a policy does, a sentence for each of its parts."""

from curation.domain.routing.conditions import (
    BETWEEN,
    CONTAINS,
    KNOWN,
    UNKNOWN,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Test,
)
from curation.domain.routing.policy import Policy
from curation.domain.routing.telling import PHRASES, outcome, said, shortened

LONGEST = 300


def policy_words(policy: Policy) -> list[str]:
    """What a policy does, in the order in which it is done; each at most `LONGEST` characters."""
    told = [
        f"{rule.name}: where {condition_words(rule.condition)}, {outcome(rule.route)}."
        for rule in policy.rules
    ]
    rest = "Otherwise" if told else "Always"
    if policy.learned:
        most, chance = 100 * policy.learned.human_share, 100 * policy.learned.explore
        told.append(
            f"{rest} the learned router sends up to {most:.3g} % of the work to people, where they "
            f"gain most, explores {chance:.3g} % by chance, and otherwise "
            f"{outcome(policy.default)}."
        )
    else:
        told.append(f"{rest}, {outcome(policy.default)}.")
    return [shortened(sentence, LONGEST) for sentence in told]


def condition_words(condition: Condition, *, is_inner: bool = False) -> str:
    """A condition as a clause; an inner one that joins stands in brackets."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            join = " and " if isinstance(condition, AllOf) else " or "
            told = join.join(condition_words(part, is_inner=True) for part in parts)
            return f"({told})" if is_inner and len(parts) > 1 else told
        case Not(part):
            return f"not ({condition_words(part)})"
        case Test():
            return test_words(condition)


def test_words(test: Test) -> str:
    name = test.fact.replace("_", " ")
    if test.asks in (KNOWN, UNKNOWN):
        return f"{name} is {'known' if test.asks == KNOWN else 'not known'}"
    if test.asks == CONTAINS:
        return f"{name} contains {said(test.value)}"
    if test.asks == BETWEEN:
        low, high = test.value
        return f"{name} is within {said(low)} and {said(high)}"
    return f"{name} {PHRASES[test.asks][0]} {said(test.value)}"
