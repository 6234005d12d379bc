from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from annotation.domain.vocabulary import MOST_TRIES
from curation.domain.vocabulary import GenerationState
from curation.models import (
    DuplicateRequest,
    Embedding,
    EmbeddingRequest,
    Generation,
    SignalRequest,
)
from curation.selectors.vectors import active_generation
from curation.services import embedding, generations

pytestmark = pytest.mark.django_db
BUILDING, ACTIVE, RETIRED = (
    GenerationState.BUILDING,
    GenerationState.ACTIVE,
    GenerationState.RETIRED,
)


def states():
    return dict(Generation.objects.values_list("name", "state"))


def indexes():
    """Those of the generations that there are; tests before may have left some of others."""
    names = [f"embedding_hnsw_{pk}" for pk in Generation.objects.values_list("pk", flat=True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [names])
        return [definition for (definition,) in cursor.fetchall()]


@pytest.fixture
def switch_to(settings, models):
    def switch_to(name):
        settings.EMBEDDING_MODEL = name
        return models[name]

    return switch_to


class TestTheFirstGeneration:
    def test_is_in_force_at_once(self, make_item, read_all, models, noon):
        make_item()
        read_all()

        embedding.embed_next_batch(now=noon)

        generation = active_generation()
        assert (generation.name, generation.dimensions, generation.max_tokens) == ("toy", 8, 16)
        assert generation.activated_at == noon

    def test_has_an_index_of_its_own(self, make_item, embed_all):
        make_item()
        embed_all()

        (definition,) = indexes()
        assert f"generation_id = {active_generation().pk}" in definition
        assert "halfvec(8)) halfvec_cosine_ops" in definition

    def test_is_found_again_under_another_name_of_the_same_model(
        self, make_item, embed_all, models, switch_to, noon
    ):
        make_item()
        embed_all()
        moved = switch_to("/moved/toy")
        moved.revision = models["toy"].revision

        embed_all()

        assert states() == {"toy": ACTIVE}


class TestAnotherModel:
    def test_is_built_beside_the_old_one_which_stays_in_force(
        self, make_item, embed_all, switch_to, noon
    ):
        make_item()
        embed_all()
        switch_to("better")

        embedding.embed_next_batch(now=noon)

        assert states() == {"toy": ACTIVE, "better": BUILDING}
        assert len(indexes()) == 2

    def test_embeds_all_texts_there_are(self, make_item, embed_all, switch_to):
        make_item(texts=("a", "b"), prompt="c")
        embed_all()
        better = switch_to("better")

        embed_all()

        assert sorted(better.asked) == ["a", "b", "c"]

    def test_takes_the_place_of_the_old_one_once_complete(
        self, make_comparison, embed_all, switch_to, noon
    ):
        make_comparison()
        embed_all()
        SignalRequest.objects.all().delete()
        DuplicateRequest.objects.all().delete()
        switch_to("better")
        embedding.embed_next_batch(now=noon)

        assert generations.switch_when_complete(now=noon + timedelta(hours=1))

        assert states() == {"toy": RETIRED, "better": ACTIVE}
        assert active_generation().activated_at == noon + timedelta(hours=1)
        assert SignalRequest.objects.filter(family="vectors").count() == 1
        assert DuplicateRequest.objects.filter(kind="semantic").count() == 1

    def test_waits_for_the_last_text(self, make_item, embed_all, switch_to, noon, monkeypatch):
        make_item()
        embed_all()
        switch_to("better")
        monkeypatch.setattr(embedding, "MOST_TEXTS", 2)
        embedding.embed_next_batch(now=noon)

        assert not generations.switch_when_complete(now=noon)

    def test_is_not_held_up_by_texts_that_were_set_aside(
        self, make_item, embed_all, switch_to, noon
    ):
        make_item(texts=("odd", "even"))
        embed_all()
        switch_to("better").unreadable = {"odd"}

        embed_all()

        assert states() == {"toy": RETIRED, "better": ACTIVE}
        assert EmbeddingRequest.objects.get().tries == MOST_TRIES

    def test_does_not_keep_new_texts_from_searches(
        self, make_item, embed_all, read_all, switch_to, models, noon, monkeypatch
    ):
        make_item(texts=("a", "b"), prompt="c")
        embed_all()
        better = switch_to("better")
        generations.generation_for(model=better, name="better", now=noon)
        make_item(texts=("new", "newer"), prompt="newest")
        read_all()

        embedding.embed_next_batch(now=noon)

        assert better.asked == []
        assert {"new", "newer", "newest"} <= set(models["toy"].asked)

    def test_works_where_the_old_one_is_gone_for_good(
        self, make_item, embed_all, read_all, switch_to, models, noon
    ):
        make_item()
        embed_all()
        models["toy"].revision = "changed on disk"
        make_item(texts=("new", "newer"))

        switch_to("better")
        embed_all()

        assert states() == {"toy": RETIRED, "better": ACTIVE}

    def test_is_given_up_for_a_third_one(self, make_item, embed_all, switch_to, noon, models):
        make_item()
        embed_all()
        generations.generation_for(model=switch_to("better"), name="better", now=noon)
        generations.generation_for(model=switch_to("best"), name="best", now=noon)

        assert states() == {"toy": ACTIVE, "better": RETIRED, "best": BUILDING}

    def test_is_given_up_for_the_one_in_force(self, make_item, embed_all, switch_to, noon, models):
        make_item()
        embed_all()
        generations.generation_for(model=switch_to("better"), name="better", now=noon)

        embedding_model = switch_to("toy")
        generations.generation_for(model=embedding_model, name="toy", now=noon)

        assert states() == {"toy": ACTIVE, "better": RETIRED}

    def test_can_be_gone_back_from(self, make_item, embed_all, switch_to, models):
        make_item(texts=("a", "b"), prompt="c")
        embed_all()
        switch_to("better")
        embed_all()
        make_item(texts=("d", "b"), prompt="c")
        embed_all()
        models["toy"].asked.clear()

        switch_to("toy")
        embed_all()

        assert models["toy"].asked == ["d"]
        assert states() == {"toy": ACTIVE, "better": RETIRED}


class TestClearNextRetired:
    def test_deletes_old_vectors_in_batches_and_the_index_first(
        self, make_item, embed_all, switch_to
    ):
        make_item()
        embed_all()
        switch_to("better")
        embed_all()

        done = []
        while taken := generations.clear_next_retired(limit=2):
            done.append(taken)

        assert done == [2, 1]
        (definition,) = indexes()
        assert f"generation_id = {active_generation().pk}" in definition
        assert Embedding.objects.count() == 3

    def test_deletes_requests_that_nobody_needs_any_more(
        self, make_item, embed_all, switch_to, noon, models
    ):
        make_item()
        embed_all()
        generations.generation_for(model=switch_to("better"), name="better", now=noon)
        switch_to("toy")
        generations.generation_for(model=models["toy"], name="toy", now=noon)

        while generations.clear_next_retired():
            pass

        assert not EmbeddingRequest.objects.exists()
        assert states() == {"toy": ACTIVE, "better": RETIRED}

    def test_leaves_what_is_in_use(self, make_item, embed_all):
        make_item()
        embed_all()

        assert generations.clear_next_retired() == 0
        assert Embedding.objects.count() == 3


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_make_one_generation(self, make_item, read_all, models, noon):
        make_item()
        read_all()
        models["toy"]

        def make(_):
            try:
                return generations.generation_for(model=models["toy"], name="toy", now=noon).pk
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as workers:
            assert len(set(workers.map(make, range(6)))) == 1

        assert EmbeddingRequest.objects.count() == 3
