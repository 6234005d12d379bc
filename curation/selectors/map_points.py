"""The prompts of a map as its page shows them: where they lie, what they say, and a colour."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotation.models import Project
from curation.domain.signals.registry import SIGNALS, signal_named
from curation.domain.signals.signal import Kind
from curation.models import ImportedSignal, PromptMap, Topic
from curation.selectors.maps import texts_of

MOST_SHOWN = 5_000  # points that a browser redraws without delay
EXCERPT = 160  # characters

# Digests are spread evenly, so the first ones are a fair sample that stays the same.
SHOWN = """
    WITH shown AS (
        SELECT prompt_point.text_id, prompt_point.x, prompt_point.y, prompt_point.topic
        FROM prompt_point JOIN text ON text.id = prompt_point.text_id
        WHERE prompt_point.prompt_map_id = %(project)s
          AND (%(topic)s::int IS NULL OR prompt_point.topic = %(topic)s)
        ORDER BY text.digest LIMIT %(most)s
    )
    SELECT shown.text_id, shown.x, shown.y, shown.topic, count(DISTINCT item_texts.item_id),
           min(item_texts.item_id), {value}
    FROM shown
    JOIN item_texts ON item_texts.prompt_id = shown.text_id
        AND item_texts.project_id = %(project)s
    {joined}
    GROUP BY shown.text_id, shown.x, shown.y, shown.topic
    ORDER BY shown.text_id
"""
OF_COMPARISONS = "LEFT JOIN comparison ON comparison.item_id = item_texts.item_id"
OF_CONSENSUS = f"{OF_COMPARISONS} LEFT JOIN consensus ON consensus.comparison_id = comparison.id"
OF_SIGNALS = f"""{OF_COMPARISONS}
    LEFT JOIN signals ON signals.comparison_id = comparison.id
        AND signals.family = %(family)s AND signals.values -> %(name)s <> 'null'
"""
OF_GROUPS = "LEFT JOIN duplicate_member ON duplicate_member.item_id = item_texts.item_id"
# Of every kind of value one SQL expression and what it is read from.
KINDS = {
    Kind.NUMBER: ("avg((signals.values ->> %(name)s)::float)", OF_SIGNALS),
    Kind.FLAG: ("avg((signals.values ->> %(name)s)::bool::int)::float", OF_SIGNALS),
    Kind.WORD: ("mode() WITHIN GROUP (ORDER BY signals.values ->> %(name)s)", OF_SIGNALS),
}
BUILT_IN = {
    "topic": ("shown.topic", ""),
    "items": ("count(DISTINCT item_texts.item_id)", ""),
    "votes": ("sum(consensus.n_votes)::float", OF_CONSENSUS),
    "agreement": ("avg(consensus.agreement)", OF_CONSENSUS),
    "duplicates": ("coalesce(min(duplicate_member.kind), 'none')", OF_GROUPS),
}
MEANINGS = {
    "topic": "Topic",
    "items": "Number of items with this prompt",
    "votes": "Number of votes",
    "agreement": "Agreement of the votes",
    "duplicates": "Kind of duplicate group",
}
WORDY = ("topic", "duplicates")


@dataclass(frozen=True, slots=True)
class Colour:
    """What the points are coloured by."""

    name: str
    meaning: str
    is_number: bool

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic as the page lists it. `typical` are excerpts of its most typical prompts."""

    number: int
    label: str
    size: int
    typical: list[str]


def map_of(project: Project) -> PromptMap | None:
    """The project's map; None before the first is made."""
    return PromptMap.objects.filter(project=project, computed_at__isnull=False).first()


def colours_of(project: Project) -> list[Colour]:
    """Everything by which the project's map can be coloured."""
    imported = ImportedSignal.objects.filter(project=project).values_list("name", flat=True)
    signals = [one for one in SIGNALS.values() if one.kind in KINDS and one.name not in BUILT_IN]
    signals += [
        signal
        for name in imported.distinct().order_by("name")
        if (signal := signal_named(f"imported.{name}"))
    ]
    return [
        *(Colour(name, meaning, name not in WORDY) for name, meaning in MEANINGS.items()),
        *(Colour(one.name, one.meaning.rstrip("."), one.kind != Kind.WORD) for one in signals),
    ]


def points_of(found: PromptMap, colour: str, topic: int | None = None) -> list[dict[str, Any]]:
    """Read the points of a map, a fair sample of `MOST_SHOWN` where there are more.

    Returns:
        A row a prompt: its text, place, topic, items, one of them to open, an excerpt, and the
        mean of the colour over its comparisons, null where none has it.
    """
    signal = signal_named(colour)
    value, joined = BUILT_IN[colour] if colour in BUILT_IN or not signal else KINDS[signal.kind]
    values = {
        "project": found.project_id,
        "topic": topic,
        "most": MOST_SHOWN,
        "name": colour,
        "family": signal.family if signal else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(SHOWN.format(value=value, joined=joined), values)
        rows = cursor.fetchall()
    texts = texts_of([row[0] for row in rows])
    names = ("text", "x", "y", "topic", "items", "item", "value")
    return [
        dict(zip(names, row, strict=True)) | {"excerpt": shortened(texts[row[0]])} for row in rows
    ]


def topics_of(found: PromptMap) -> list[TopicRow]:
    """The map's topics, the largest first. Three queries."""
    topics = list(Topic.objects.filter(prompt_map=found).order_by("number"))
    texts = texts_of([text for topic in topics for text in topic.typical])
    return [
        TopicRow(
            topic.number,
            topic.label,
            topic.size,
            [shortened(texts[text]) for text in topic.typical if text in texts],
        )
        for topic in topics
    ]


def shortened(text: str) -> str:
    line = " ".join(text[: 4 * EXCERPT].split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"
