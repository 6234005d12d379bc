"""Keeps each project's map of its prompts in step with their vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection, transaction

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.maps.layout import lay_out
from curation.domain.maps.topics import Topics, gather, name_topics, nearest_topic
from curation.models import Generation, PromptMap, PromptPoint, Topic
from curation.selectors import maps
from curation.selectors.maps import Prompts
from curation.selectors.vectors import active_generation

VERSION = 1
MOST_FITTED = 20_000  # prompts that topics are learned from; the others join the nearest
BLOCK = 10_000
GROWTH = 1.1  # a map is made anew once there are so many times more prompts
UNMAPPABLE = (ArithmeticError, LookupError, TypeError, ValueError)

# An update, not nothing, where the row is there: a drain may be about to delete it.
ASK_FOR_TOPICS = """
    INSERT INTO signal_request (comparison_id, family)
    SELECT id, 'topic' FROM comparison WHERE project_id = %s ORDER BY id
    ON CONFLICT (family, comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = ''
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A map to be made: of which project, under which vectors, of how many prompts."""

    project: Project
    generation: Generation
    n_prompts: int


def ask_for_map(*, project: Project, now: datetime) -> None:
    """Have a project's map made anew at the next bell. Safe to repeat."""
    PromptMap.objects.update_or_create(
        project=project, defaults={"due_since": now, "tries": 0, "error": ""}
    )


def refresh_next_map(*, now: datetime, project: Project | None = None) -> int:
    """Make one map that is due: asked for, outgrown, or of vectors that no search uses any more.

    A named project's map is made whenever a single prompt is missing from it. Safe to repeat and
    to run in parallel: a map that somebody else is making is left to them.

    Returns:
        1 where a map was made or set aside with its error, else 0.
    """
    generation = active_generation()
    if generation is None:
        return 0
    growth = 1.0 if project else GROWTH
    for due, n_prompts in maps.due_projects(generation, VERSION, growth, project):
        if _refresh(Wanted(due, generation, n_prompts), now):
            return 1
    return 0


def _refresh(wanted: Wanted, now: datetime) -> bool:
    PromptMap.objects.get_or_create(project=wanted.project)
    with transaction.atomic():
        rows = PromptMap.objects.select_for_update(skip_locked=True, of=("self",))
        found = rows.filter(project=wanted.project, tries__lt=MOST_TRIES).first()
        if found is None:
            return False
        try:
            with transaction.atomic():
                _draw(found, wanted)
        except UNMAPPABLE as error:
            found.tries += 1
            found.error = f"{type(error).__name__}: {error}"[:1000]
        else:
            found.tries, found.error, found.due_since, found.computed_at = 0, "", None, now
        found.save()
    return True


def _draw(found: PromptMap, wanted: Wanted) -> None:
    fitted = maps.sampled_prompts(wanted.project, wanted.generation, MOST_FITTED)
    plane, topics = lay_out(fitted.vectors), gather(fitted.vectors)
    found.points.all().delete()
    found.topics.all().delete()
    sizes = np.zeros(len(topics.centroids), dtype=np.int64)
    for block in _blocks(wanted):
        of = nearest_topic(block.vectors, topics.centroids)
        sizes += np.bincount(of, minlength=len(sizes))
        PromptPoint.objects.bulk_create(
            PromptPoint(prompt_map=found, text_id=int(text), x=float(x), y=float(y), topic=int(t))
            for text, (x, y), t in zip(block.ids, plane.place(block.vectors), of, strict=True)
        )
    Topic.objects.bulk_create(_topics(found, fitted, topics, sizes))
    found.generation, found.version, found.n_prompts = wanted.generation, VERSION, int(sizes.sum())
    with connection.cursor() as cursor:
        cursor.execute(ASK_FOR_TOPICS, [wanted.project.pk])


def _blocks(wanted: Wanted) -> Iterator[Prompts]:
    after = 0
    while len((block := maps.prompts_after(wanted.project, wanted.generation, after, BLOCK)).ids):
        yield block
        after = int(block.ids[-1])


def _topics(
    found: PromptMap, fitted: Prompts, topics: Topics, sizes: np.ndarray
) -> Iterator[Topic]:
    texts = maps.texts_of(fitted.ids)
    names = name_topics([texts[int(text)] for text in fitted.ids], topics.of)
    for number, (name, typical) in enumerate(zip(names, topics.typical, strict=True)):
        yield Topic(
            prompt_map=found,
            number=number,
            label=name[:200],
            typical=[int(fitted.ids[place]) for place in typical],
            size=int(sizes[number]),
            centroid=topics.centroids[number].astype(np.float32).tobytes(),
        )
