import threading

import numpy as np
import pytest
from django.db import connection

from annotation.domain.content import user_prompt
from curation.domain.signals.signal import Kind
from curation.domain.texts import folded, prompt_text, text_digest
from curation.domain.vocabulary import GenerationState, SignalFamily
from curation.models import (
    Embedding,
    Generation,
    ItemTexts,
    PromptMap,
    PromptPoint,
    SignalRequest,
    Signals,
    Text,
    Topic,
)
from curation.selectors import map_points
from curation.services.maps import ask_for_map, refresh_next_map

DIMENSIONS = 8
BREAD = [f"How long must sourdough bread number {n} bake?" for n in "abcdefgh"]
CODE = [f"Write a python function that sorts list {n}." for n in "abcdefgh"]


@pytest.fixture
def generation(db, noon):
    return Generation.objects.create(
        name="tiny",
        revision="1",
        dimensions=DIMENSIONS,
        max_tokens=16,
        recipe={},
        state=GenerationState.ACTIVE,
        created_at=noon,
        activated_at=noon,
    )


@pytest.fixture
def add_prompt(make_item, generation, noon):
    """Add an item that is read and embedded: a vector near one of two directions."""
    rng = np.random.default_rng(0)

    def add(prompt, axis=0, **fields):
        item = make_item(prompt=prompt, **fields)
        said = prompt_text(user_prompt(prompt))
        digest = text_digest(said)
        text, is_new = Text.objects.get_or_create(
            digest=digest,
            defaults={"folded": text_digest(folded(said)), "n_chars": len(said), "item": item},
        )
        ItemTexts.objects.create(
            item=item, project=item.project, prompt=text, digest=digest, folded=digest
        )
        if is_new:
            vector = np.eye(DIMENSIONS)[axis] + 0.1 * rng.normal(size=DIMENSIONS)
            Embedding.objects.create(
                text=text,
                generation=generation,
                vector=list(vector / np.linalg.norm(vector)),
                n_tokens=8,
                n_chunks=1,
                embedded_at=noon,
            )
        return item

    return add


@pytest.fixture
def two_topics(add_prompt):
    for bread, code in zip(BREAD, CODE, strict=True):
        add_prompt(bread, axis=0)
        add_prompt(code, axis=3)


class TestRefreshNextMap:
    def test_lays_out_every_prompt_and_names_the_topics(self, two_topics, project, noon):
        assert refresh_next_map(now=noon) == 1

        found = PromptMap.objects.get(project=project)
        assert (found.n_prompts, found.computed_at) == (16, noon)
        assert found.points.count() == 16
        assert sorted(topic.size for topic in found.topics.all()) == [8, 8]
        labels = " ".join(topic.label for topic in found.topics.all())
        assert "bread" in labels
        assert "python" in labels

    def test_has_nothing_to_do_until_a_tenth_more_prompts_are_there(
        self, two_topics, add_prompt, noon
    ):
        refresh_next_map(now=noon)

        add_prompt("What is rye bread?")
        assert refresh_next_map(now=noon) == 0
        add_prompt("What is wheat bread?")
        assert refresh_next_map(now=noon) == 1

    def test_leaves_no_prompt_out_where_a_project_is_named(
        self, two_topics, add_prompt, project, noon
    ):
        refresh_next_map(now=noon)
        add_prompt("What is rye bread?")

        assert refresh_next_map(now=noon, project=project) == 1
        assert refresh_next_map(now=noon, project=project) == 0
        assert PromptMap.objects.get().n_prompts == 17

    def test_is_made_anew_when_asked_for(self, two_topics, project, noon):
        refresh_next_map(now=noon)
        ask_for_map(project=project, now=noon)

        assert refresh_next_map(now=noon) == 1
        assert PromptMap.objects.get().due_since is None
        assert PromptPoint.objects.count() == 16

    def test_asks_for_the_topics_of_all_comparisons(self, two_topics, make_comparison, noon):
        comparison = make_comparison()
        SignalRequest.objects.all().delete()

        refresh_next_map(now=noon)

        asked = SignalRequest.objects.get()
        assert (asked.comparison, asked.family) == (comparison, SignalFamily.TOPIC)

    def test_waits_for_the_first_vectors(self, make_item, noon):
        make_item()

        assert refresh_next_map(now=noon) == 0

    def test_keeps_the_last_map_and_its_error_where_one_cannot_be_made(
        self, two_topics, project, noon, monkeypatch
    ):
        refresh_next_map(now=noon)
        ask_for_map(project=project, now=noon)

        def refuse(vectors):
            raise ValueError("no plane")

        monkeypatch.setattr("curation.services.maps.lay_out", refuse)
        for _ in range(7):
            refresh_next_map(now=noon)

        found = PromptMap.objects.get()
        assert (found.tries, found.error) == (5, "ValueError: no plane")
        assert found.points.count() == 16


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_make_a_map_once(self, two_topics, noon):
        made = []

        def refresh():
            made.append(refresh_next_map(now=noon))
            connection.close()

        both = [threading.Thread(target=refresh) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()

        assert sum(made) in (1, 2)  # the second may come after the first is done
        assert PromptPoint.objects.count() == 16
        assert Topic.objects.count() == 2


class TestPointsOf:
    def test_gives_each_prompt_once_with_its_items(self, add_prompt, project, noon):
        for _ in range(3):
            add_prompt(BREAD[0])
        add_prompt(CODE[0], axis=3)
        refresh_next_map(now=noon)

        rows = map_points.points_of(map_points.map_of(project), "items")

        assert sorted((row["excerpt"], row["value"]) for row in rows) == [
            (BREAD[0], 3),
            (CODE[0], 1),
        ]

    def test_colours_by_the_mean_of_a_signal(self, add_prompt, make_comparison, project, noon):
        for value in (0.25, 0.75, None):
            comparison = make_comparison(item=add_prompt(BREAD[0]))
            Signals.objects.create(
                project=project,
                comparison=comparison,
                family=SignalFamily.VECTORS,
                version=1,
                values={"novelty": value},
                computed_at=noon,
            )
        refresh_next_map(now=noon)

        (row,) = map_points.points_of(map_points.map_of(project), "novelty")

        assert row["value"] == 0.5

    def test_takes_every_colour_that_it_offers(self, two_topics, project, noon):
        refresh_next_map(now=noon)
        found = map_points.map_of(project)
        colours = map_points.colours_of(project)

        assert {Kind.NUMBER, Kind.FLAG, Kind.WORD} == set(map_points.KINDS)
        assert len(colours) > 20
        for colour in colours:
            assert len(map_points.points_of(found, colour.name)) == 16

    def test_keeps_to_one_topic(self, two_topics, project, noon):
        refresh_next_map(now=noon)

        rows = map_points.points_of(map_points.map_of(project), "topic", topic=1)

        assert len(rows) == 8
        assert {row["topic"] for row in rows} == {1}
