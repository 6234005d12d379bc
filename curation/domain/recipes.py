"""What a cut takes, when a comparison counts as settled, what is dropped, and how rows are split.

A recipe is stored as JSON and frozen into each version. Everything has a default, so `{}` is the
recipe of a project's default dataset.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotation.domain.consensus import Settlement
from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import VOTERS
from curation.domain.vocabulary import DuplicateKind

PAIRS = ("best_versus_rest", "all_pairs", "adjacent")
OPTIONAL_DROPS = ("low_agreement", "empty_response", "unsafe", "duplicate")
GROUPS = tuple(kind.value for kind in DuplicateKind)
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """Shares in percent; whatever validation and test leave goes to train."""

    seed: str = "quorum"
    validation: int = 0
    test: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe.

    Attributes:
        kinds: whose votes count: "human", "llm" or both.
        min_votes, min_probability: when a consensus is settled; None asks the project's rule.
        min_agreement: least agreement in [0, 1] where "low_agreement" is dropped.
        drop: drop rules beside those without which no pair can be formed.
        pairs: which pairs a ranking of more than two responses gives.
        duplicates: which kinds of groups of duplicates count: their items stay in one split, and
            are what "duplicate" drops.
        split: by prompt, never by row.
    """

    kinds: tuple[str, ...] = ("human", "llm")
    min_votes: int | None = None
    min_probability: float | None = None
    min_agreement: float = 0.5
    drop: tuple[str, ...] = ()
    pairs: str = "best_versus_rest"
    duplicates: tuple[str, ...] = GROUPS
    split: Split = field(default_factory=Split)

    def settlement(self, project_rule: Settlement) -> Settlement:
        """Put this recipe's demands in the place of the project's, where it has any."""
        return Settlement(
            project_rule.min_votes if self.min_votes is None else self.min_votes,
            project_rule.min_probability if self.min_probability is None else self.min_probability,
            project_rule.allows_tie,
            project_rule.allows_both_bad,
        )


def recipe_of(value: Mapping[str, Any]) -> Recipe:
    """Check a recipe given as JSON.

    Raises:
        InvalidField: a field is unknown or its value breaks a rule.
    """
    known = set(Recipe.__dataclass_fields__)
    if unknown := sorted(set(value) - known):
        raise InvalidField(f"A recipe has no field '{unknown[0]}'.", field=unknown[0])
    recipe = Recipe(
        kinds=words(value, "kinds", [kind.value for kind in VOTERS], Recipe().kinds),
        min_votes=number(value, "min_votes", 0, 10_000, whole=True),
        min_probability=number(value, "min_probability", 0, 1),
        min_agreement=number(
            {"min_agreement": value.get("min_agreement", 0.5)}, "min_agreement", 0, 1
        ),
        drop=words(value, "drop", OPTIONAL_DROPS, ()),
        pairs=one_word(value, "pairs", PAIRS),
        duplicates=words(value, "duplicates", GROUPS, GROUPS),
        split=split_from(value.get("split", {})),
    )
    if not recipe.kinds:
        raise InvalidField("Choose whose votes count: human, llm or both.", field="kinds")
    return recipe


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    """Write a recipe with every default spelled out, as a version freezes it."""
    value = asdict(recipe)
    lists = ("kinds", "drop", "duplicates")
    return value | {name: list(value[name]) for name in lists}


def words(
    value: Mapping[str, Any], name: str, allowed: Any, default: tuple[str, ...]
) -> tuple[str, ...]:
    given = value.get(name, list(default))
    if not isinstance(given, list) or not all(word in allowed for word in given):
        raise InvalidField(f"'{name}' is a list of: {', '.join(allowed)}.", field=name)
    return tuple(sorted(set(given)))


def one_word(value: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    given = value.get(name, allowed[0])
    if given not in allowed:
        raise InvalidField(f"'{name}' is one of: {', '.join(allowed)}.", field=name)
    return given


def number(
    value: Mapping[str, Any], name: str, least: float, most: float, *, whole: bool = False
) -> Any:
    given = value.get(name)
    if given is None:
        return None
    kinds = (int,) if whole else (int, float)
    if isinstance(given, bool) or not isinstance(given, kinds) or not least <= given <= most:
        word = "whole number" if whole else "number"
        raise InvalidField(f"'{name}' is a {word} from {least} to {most}.", field=name)
    return given


def split_from(value: Any) -> Split:
    if not isinstance(value, Mapping) or set(value) - set(Split.__dataclass_fields__):
        raise InvalidField("'split' has the fields seed, validation and test.", field="split")
    seed = value.get("seed", Split().seed)
    if not isinstance(seed, str) or not 0 < len(seed) <= 100:
        raise InvalidField("'seed' is a text of 1 to 100 characters.", field="split")
    shares = [number(value, name, 0, 90, whole=True) or 0 for name in ("validation", "test")]
    if sum(shares) > 90:
        raise InvalidField("Leave at least 10 percent for train.", field="split")
    return Split(seed, *shares)


def split_of(prompt_digest: str, split: Split) -> str:
    """Say which split a prompt belongs to. More prompts never move one that is there already.

    Args:
        prompt_digest: digest of the prompt's content, so that equal prompts stay together
            whatever item or project they are in; of a group of duplicates, its anchor's
            (`curation.domain.anchors`).
        split: seed and shares.
    """
    drawn = hashlib.sha256(f"{split.seed}\n{prompt_digest}".encode()).digest()
    percent = int.from_bytes(drawn[:8]) / 2**64 * 100
    if percent < split.test:
        return "test"
    return "validation" if percent < split.test + split.validation else "train"
