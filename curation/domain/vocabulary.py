"""Closed sets of words that curation's models, forms, API and files share."""

from enum import StrEnum


class GenerationState(StrEnum):
    BUILDING = "building"
    ACTIVE = "active"
    RETIRED = "retired"


class DuplicateKind(StrEnum):
    """By which evidence items are the same, the strongest first."""

    EXACT = "exact"
    NEAR = "near"
    SEMANTIC = "semantic"


class DuplicateVerb(StrEnum):
    ACCEPT = "accept"
    SPLIT = "split"
    MERGE = "merge"


class RepresentativeRule(StrEnum):
    """Which item of a group stands for it: that with most judgments, imported first, or longest.

    Each orders all items of a project, so no item repeats another one that is left out itself.
    """

    JUDGED = "judged"
    FIRST = "first"
    LONGEST = "longest"


class SignalFamily(StrEnum):
    """Signals that are worked out together, because the same change makes them stale.

    text: of the texts alone. vectors: of their embeddings. topic: of the project's map.
    votes: of people's judgments. judges: of LLM judgments. imported: worked out elsewhere.
    difficulty: foretold from the others.
    """

    TEXT = "text"
    VECTORS = "vectors"
    TOPIC = "topic"
    VOTES = "votes"
    JUDGES = "judges"
    IMPORTED = "imported"
    DIFFICULTY = "difficulty"


class SelectionMethod(StrEnum):
    """What is picked: comparisons to annotate, or a few responses of each item."""

    COMPARISONS = "comparisons"
    RESPONSES = "responses"


class SelectionState(StrEnum):
    DRAFT = "draft"
    APPLIED = "applied"
    UNDONE = "undone"


class Route(StrEnum):
    """Who judges a comparison: people, experts among them, LLM judges, people and judges, none."""

    HUMAN = "human"
    EXPERT = "expert"
    JUDGE = "judge"
    BOTH = "both"
    SKIP = "skip"


class PolicyState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class GuardState(StrEnum):
    """Watching; turned: people judge this slice until an admin clears it."""

    WATCHING = "watching"
    TURNED = "turned"
    CLEARED = "cleared"
