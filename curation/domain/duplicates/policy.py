"""What counts as a duplicate in a project: for each kind of evidence a rule.

Stored as JSON `{kind: {"what", "threshold", "linkage", "evidence", "floor"}}`; whatever is left out
has the value of the default policy, so `{}` is the default policy.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from annotation.domain.errors import InvalidField
from curation.domain.vocabulary import DuplicateKind

PROMPT, PROMPT_AND_RESPONSES, RESPONSE = "prompt", "prompt_and_responses", "response"
WHAT = (PROMPT, PROMPT_AND_RESPONSES, RESPONSE)
SINGLE, AVERAGE, COMPLETE = "single", "average", "complete"
LINKAGES = (SINGLE, AVERAGE, COMPLETE)
EVIDENCE = {
    DuplicateKind.EXACT: ("folded", "bytes"),
    DuplicateKind.NEAR: ("checked", "jaccard"),
    DuplicateKind.SEMANTIC: ("combined", "cosine"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """When two items are the same by one kind of evidence.

    Attributes:
        what: "prompt": the prompts say the same. "prompt_and_responses": so do the prompts, and
            each response has its like on the other side. "response": each response has its like
            on the other side, whatever the prompts.
        threshold: least score, in (0, 1], of texts that say the same.
        linkage: what joins groups: the best pair ("single"), the mean over all pairs ("average")
            or the worst ("complete"), where a pair that nobody found counts 0.
        evidence: what the score is. exact: "folded" (case, white space and punctuation aside, see
            `bare.py`) or "bytes", always 1. near: "jaccard" of the shingles, or "checked", the
            same but 0 where the few words that differ matter (`wording.py`). semantic: "cosine",
            or "combined", the probability of `evidence.py`, whose even odds are .5 for every kind
            of text.
        floor: least similarity (Jaccard, cosine) at which a pair is looked at and stored at all.
    """

    what: str
    threshold: float
    linkage: str
    evidence: str
    floor: float


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule for each kind of evidence."""

    exact: Rule = Rule(PROMPT_AND_RESPONSES, 1.0, SINGLE, "folded", 1.0)
    near: Rule = Rule(PROMPT, 0.7, AVERAGE, "checked", 0.5)
    semantic: Rule = Rule(PROMPT, 0.5, AVERAGE, "combined", 0.6)

    def rule(self, kind: str) -> Rule:
        return getattr(self, DuplicateKind(kind).value)


DEFAULT = Policy()


def policy_of(value: Mapping[str, Any]) -> Policy:
    """Check a policy given as JSON.

    Raises:
        InvalidField: a field is unknown or its value breaks a rule; `field` is "kind.field".
    """
    kinds = [kind.value for kind in DuplicateKind]
    if not isinstance(value, Mapping):
        raise InvalidField("A policy is an object of rules.", field="rules")
    if unknown := sorted(set(value) - set(kinds)):
        raise InvalidField(
            f"A policy has rules for {', '.join(kinds)}, not for '{unknown[0]}'.", field=unknown[0]
        )
    return Policy(**{kind: rule_of(kind, value.get(kind, {})) for kind in kinds})


def rule_of(kind: str, value: Any) -> Rule:
    """Check the rule of one kind, what it leaves out taken from the default policy."""
    if not isinstance(value, Mapping):
        raise InvalidField(f"The rule for {kind} is an object.", field=kind)
    known = [field.name for field in fields(Rule)]
    if unknown := sorted(set(value) - set(known)):
        raise InvalidField(
            f"A rule has no field '{unknown[0]}'; it has {', '.join(known)}.",
            field=f"{kind}.{unknown[0]}",
        )
    given = asdict(DEFAULT.rule(kind)) | dict(value)
    rule = Rule(
        one_of(given, kind, "what", WHAT),
        share(given, kind, "threshold"),
        one_of(given, kind, "linkage", LINKAGES),
        one_of(given, kind, "evidence", EVIDENCE[DuplicateKind(kind)]),
        share(given, kind, "floor"),
    )
    if rule.evidence != "combined" and rule.floor > rule.threshold:
        raise InvalidField(
            "A pair is looked at before it counts: put the floor at or below the threshold.",
            field=f"{kind}.floor",
        )
    return rule


def policy_json(policy: Policy) -> dict[str, Any]:
    """Write a policy with every default spelled out."""
    return asdict(policy)


def one_of(value: Mapping[str, Any], kind: str, name: str, allowed: tuple[str, ...]) -> str:
    given = value[name]
    if given not in allowed:
        raise InvalidField(
            f"'{name}' of {kind} is one of: {', '.join(allowed)}.", field=f"{kind}.{name}"
        )
    return given


def share(value: Mapping[str, Any], kind: str, name: str) -> float:
    given = value[name]
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given <= 1:
        raise InvalidField(
            f"'{name}' of {kind} is a number above 0 and at most 1.", field=f"{kind}.{name}"
        )
    return float(given)
