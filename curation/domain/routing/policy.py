"""Routing policies: ordered rules, a default, perhaps a learned router. From JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.domain.routing import spots
from curation.domain.routing.condition_json import MOST_TESTS, condition_from_json, condition_json
from curation.domain.routing.conditions import Condition, tests_in
from curation.domain.routing.facts import FactKind, fact_named
from curation.domain.routing.schema import POLICY_SCHEMA as POLICY_SCHEMA
from curation.domain.routing.spots import Spot
from curation.domain.vocabulary import Route

MOST_RULES, MOST_OVERLAP, MOST_RANK, MOST_JUDGES, MOST_PRICE = 50, 100, 1_000_000, 20, 1_000_000
LONGEST_NAME, LONGEST_JUDGE, LONGEST_EXPERTISE = 60, 120, 60
DEFAULT_NAME, LEARNED_NAME = "default", "learned"
ASKS_JUDGES = (Route.JUDGE, Route.BOTH)


@dataclass(frozen=True, slots=True)
class RouteTo:
    """Where a comparison goes.

    Attributes:
        overlap: how many people judge it where people do; of the route to judges, how many where
            chance or the guard sends it to people.
        judges: "name number" of each, where judges are asked.
        expertise: what the experts must name in their profile, "" for any expert.
        rank: is added to the comparison's place in the queue; the lowest is handed out first.
    """

    route: Route = Route.HUMAN
    overlap: int = 1
    judges: tuple[str, ...] = ()
    expertise: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Comparisons of which the condition is true, and no earlier rule's is, take the route."""

    name: str
    condition: Condition
    route: RouteTo


@dataclass(frozen=True, slots=True)
class Learned:
    """What the learned router may do with comparisons that no rule takes.

    Attributes:
        human_share: share of them in [0, 1] that may go to people.
        cost_human, cost_judge: of one judgment, in the unit of `value`. What people's label gains
            must be worth the difference; left at 0, only the share limits.
        value: what a right label is worth.
        explore: share in [0, 1] of the others that chance sends to people and judges.
    """

    human_share: float
    cost_human: float = 0.0
    cost_judge: float = 0.0
    value: float = 1.0
    explore: float = 0.05


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy.

    Attributes:
        default: for comparisons that neither a rule nor the learned router takes.
        audit_share: share in [0, 1] of what judges label alone that a person judges too.
        error_limit: the highest error of judges in [0, 1] that the guard suffers.
        error_confidence: of the guard's bound.
        slice_by: a fact by whose value the guard looks at each rule apart, "" for none.
    """

    rules: tuple[Rule, ...] = ()
    default: RouteTo = field(default_factory=RouteTo)
    learned: Learned | None = None
    audit_share: float = 0.05
    error_limit: float = 0.25
    error_confidence: float = 0.95
    slice_by: str = ""

    @property
    def routes(self) -> tuple[RouteTo, ...]:
        """The route of the default, then those of the rules: the number of a rule is its place."""
        return self.default, *(rule.route for rule in self.rules)


def policy_from_json(content: Any) -> Policy:
    """Check a policy given as JSON; whatever is left out has the default value.

    Raises:
        InvalidField: what breaks a rule, where it stands (`field` is a path such as
            "rules.2.when.all.1.value", counted from 1), and what to do.
    """
    told = spots.object_at(Spot("", "The policy"), content, tuple(Policy.__dataclass_fields__))
    listed = spots.list_at(Spot("rules", "“rules”"), told.get("rules", []), 0, MOST_RULES)
    shares = {
        name: spots.number_at(Spot(name, f"“{name}”"), told[name], 0, 1)
        for name in ("audit_share", "error_limit")
        if name in told
    }
    confidence = told.get("error_confidence", Policy().error_confidence)
    policy = Policy(
        rules=tuple(_rule(rule, number) for number, rule in enumerate(listed, 1)),
        default=_route(told.get("default", {"route": "human"}), Spot("default", "The default")),
        learned=_learned(told.get("learned")),
        error_confidence=spots.number_at(
            Spot("error_confidence", "“error_confidence”"), confidence, 0.5, 0.999
        ),
        slice_by=_slice_by(told.get("slice_by", "")),
        **shares,
    )
    _refuse_contradictions(policy)
    return policy


def policy_json(policy: Policy) -> dict[str, Any]:
    """Write a policy with every default spelled out, as a project keeps it."""
    learned = policy.learned
    return {
        "rules": [
            {
                "name": rule.name,
                "when": condition_json(rule.condition),
                "route": route_json(rule.route),
            }
            for rule in policy.rules
        ],
        "default": route_json(policy.default),
        "learned": learned
        and {name: getattr(learned, name) for name in Learned.__dataclass_fields__},
        "audit_share": policy.audit_share,
        "error_limit": policy.error_limit,
        "error_confidence": policy.error_confidence,
        "slice_by": policy.slice_by,
    }


def route_json(route: RouteTo) -> dict[str, Any]:
    return {
        "route": route.route.value,
        "overlap": route.overlap,
        "judges": list(route.judges),
        "expertise": route.expertise,
        "rank": route.rank,
    }


def facts_in(policy: Policy) -> frozenset[str]:
    """The names of all facts that a policy asks about."""
    named = {test.fact for rule in policy.rules for test in tests_in(rule.condition)}
    return frozenset(named | ({policy.slice_by} - {""}))


def judges_in(policy: Policy) -> tuple[str, ...]:
    """The names of all judges that a policy may ask, in the order in which they stand there."""
    return tuple(dict.fromkeys(judge for route in policy.routes for judge in route.judges))


def _rule(value: Any, number: int) -> Rule:
    spot = Spot(f"rules.{number}", f"Rule {number}")
    told = spots.object_at(spot, value, ("name", "when", "route"))
    name = spots.text_at(spot.at("name"), told.get("name"), LONGEST_NAME)
    named = Spot(spot.path, f"Rule {number} “{name}”")
    if name in (DEFAULT_NAME, LEARNED_NAME):
        raise named.at("name").refused("this name is taken; choose another.")
    condition = condition_from_json(told.get("when"), named.at("when"))
    if sum(1 for _ in tests_in(condition)) > MOST_TESTS:
        raise named.at("when").refused(f"at most {MOST_TESTS} facts; split the rule in two.")
    return Rule(name, condition, _route(told.get("route"), named.at("route")))


def _route(value: Any, spot: Spot) -> RouteTo:
    if isinstance(value, str):
        value = {"route": value}
    told = spots.object_at(spot, value, tuple(RouteTo.__dataclass_fields__))
    route = Route(spots.word_at(spot.at("route"), told.get("route"), tuple(Route)))
    listed = spots.list_at(spot.at("judges"), told.get("judges", []), 0, MOST_JUDGES)
    judges = tuple(
        dict.fromkeys(spots.text_at(spot.at("judges"), name, LONGEST_JUDGE) for name in listed)
    )
    if route in ASKS_JUDGES and not judges:
        raise spot.at("judges").refused(f"name a judge for the route “{route}”.")
    if judges and route not in ASKS_JUDGES:
        raise spot.at("judges").refused(f"the route “{route}” asks no judges; leave them out.")
    expertise = spots.text_at(
        spot.at("expertise"), told.get("expertise", ""), LONGEST_EXPERTISE, may_be_empty=True
    )
    if expertise and route != Route.EXPERT:
        raise spot.at("expertise").refused("only the route “expert” asks for expertise.")
    return RouteTo(
        route,
        spots.whole_at(spot.at("overlap"), told.get("overlap", 1), 1, MOST_OVERLAP),
        judges,
        expertise,
        spots.whole_at(spot.at("rank"), told.get("rank", 0), -MOST_RANK, MOST_RANK),
    )


def _learned(value: Any) -> Learned | None:
    if value is None:
        return None
    spot = Spot("learned", "The learned router")
    told = spots.object_at(spot, value, tuple(Learned.__dataclass_fields__))
    if "human_share" not in told:
        raise spot.at("human_share").refused("say which share of the work may go to people.")
    most: Mapping[str, float] = {"human_share": 1.0, "explore": 1.0}
    return Learned(
        **{
            name: spots.number_at(spot.at(name), told[name], 0, most.get(name, MOST_PRICE))
            for name in told
        }
    )


def _slice_by(value: Any) -> str:
    spot = Spot("slice_by", "“slice_by”")
    name = spots.text_at(spot, value, 200, may_be_empty=True)
    fact = fact_named(name)
    if name and (fact is None or fact.kind not in (FactKind.WORD, FactKind.METADATA)):
        raise spot.refused("name a fact whose value is one word, such as topic_label.")
    return name


def _refuse_contradictions(policy: Policy) -> None:
    names = [rule.name for rule in policy.rules]
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            spot = Spot(f"rules.{number}.name", f"Rule {number} “{name}”")
            raise spot.refused("another rule has this name; give each its own.")
    if policy.learned and policy.default.route != Route.JUDGE:
        raise Spot("default.route", "The default").refused(
            "the learned router chooses between people and the default's judges; "
            "make the default's route “judge”, or leave the learned router out."
        )
