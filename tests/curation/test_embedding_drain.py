import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from django.db import DataError, connection
from pgvector import HalfVector

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison
from curation.domain.texts import text_digest
from curation.models import (
    DuplicateRequest,
    Embedding,
    EmbeddingRequest,
    Generation,
    ItemTexts,
    ResponseText,
    SignalRequest,
    Text,
)
from curation.selectors.vectors import active_generation, vectors_of
from curation.services import embedding, generations, intake

pytestmark = pytest.mark.django_db


def vector_of(text):
    return np.array(Embedding.objects.get(text__digest=text_digest(text)).vector)


class TestEmbedNextBatch:
    def test_gives_every_distinct_text_one_vector(self, make_item, embed_all, models):
        make_item(texts=("one answer", "same"), prompt="Why so?")
        make_item(texts=("same", "other answer"), prompt="Why so?")

        embed_all()

        assert sorted(models["toy"].asked) == ["Why so?", "one answer", "other answer", "same"]
        assert Embedding.objects.count() == Text.objects.count() == 4
        assert not EmbeddingRequest.objects.exists()

    def test_stores_what_the_model_gave_in_half_precision(self, make_item, embed_all, models):
        make_item(texts=("a b c", "d"))

        embed_all()

        expected = models["toy"].encode(["a b c"]).vectors[0]
        assert np.abs(vector_of("a b c") - expected).max() < 1e-3
        ids, vectors = vectors_of([text.pk for text in Text.objects.all()], active_generation())
        assert vectors.shape == (3, 8)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        place = list(ids).index(Text.objects.get(digest=text_digest("a b c")).pk)
        assert np.abs(vectors[place] - expected).max() < 1e-3

    def test_gives_no_vectors_of_texts_that_have_none(self, make_item, embed_all):
        make_item(texts=("", "b"))
        embed_all()

        ids, vectors = vectors_of([Text.objects.get(n_chars=0).pk], active_generation())

        assert (ids.shape, vectors.shape) == ((0,), (0, 8))

    def test_keeps_an_empty_text_apart(self, make_item, embed_all):
        make_item(texts=("", "  \n"), prompt="Why?")

        embed_all()

        empty = Embedding.objects.filter(is_empty=True)
        assert {row.n_chunks for row in empty} == {0}
        assert len(empty) == 2
        assert not any(any(row.vector) for row in empty)

    def test_cannot_store_what_is_no_number(self, make_item, embed_all, noon):
        make_item()
        embed_all()

        with pytest.raises(DataError):
            Embedding.objects.update(vector=HalfVector([float("nan")] * 8))

    def test_asks_for_duplicates_of_prompts_and_signals_of_complete_comparisons(
        self, make_comparison, embed_all
    ):
        comparison = make_comparison(prompt="Why?")

        embed_all()

        semantic = DuplicateRequest.objects.filter(kind="semantic")
        assert [row.text_id for row in semantic] == [
            ItemTexts.objects.get(item=comparison.item).prompt_id
        ]
        assert SignalRequest.objects.get(family="vectors").comparison_id == comparison.pk

    def test_waits_with_signals_until_all_texts_of_the_item_are_there(
        self, make_comparison, read_all, models, noon, monkeypatch
    ):
        make_comparison(texts=("a", "b b b"), prompt="Why not so?")
        read_all()
        monkeypatch.setattr(embedding, "MOST_TEXTS", 1)

        asked = []
        for _ in range(3):
            embedding.embed_next_batch(now=noon)
            asked.append(SignalRequest.objects.filter(family="vectors").count())

        assert asked == [0, 0, 1]

    def test_asks_again_for_signals_that_a_drain_has_given_up(
        self, make_comparison, embed_all, noon
    ):
        comparison = make_comparison()
        SignalRequest.objects.create(
            comparison=comparison, family="vectors", queued_at=noon, tries=MOST_TRIES, error="x"
        )

        embed_all()

        row = SignalRequest.objects.get(family="vectors")
        assert (row.tries, row.error) == (0, "")

    def test_takes_the_longest_waiting_text_and_those_of_like_length(
        self, make_item, read_all, models, noon, monkeypatch
    ):
        make_item(texts=("x" * 50, "y" * 49), prompt="z" * 51)
        make_item(texts=("a", "b"), prompt="c")
        read_all()
        monkeypatch.setattr(embedding, "MOST_TEXTS", 3)
        generations.generation_for(model=models["toy"], name="toy", now=noon)
        oldest = EmbeddingRequest.objects.get(n_chars=50)
        EmbeddingRequest.objects.filter(pk=oldest.pk).update(id=0)

        embedding.embed_next_batch(now=noon)

        assert [len(text) for text in models["toy"].asked] == [50, 51, 49]

    def test_takes_no_more_than_can_be_embedded_in_one_go(
        self, make_item, read_all, models, noon, monkeypatch
    ):
        make_item(texts=("x" * 60, "y" * 50), prompt="z" * 40)
        read_all()
        monkeypatch.setattr(embedding, "MOST_CHARS", 100)

        taken = []
        while n := embedding.embed_next_batch(now=noon):
            taken.append(n)

        assert sum(taken) == 3
        assert max(taken) <= 2

    def test_keeps_to_a_project_where_one_is_named(
        self, make_item, make_project, read_all, models, noon
    ):
        make_item(texts=("theirs", "also theirs"), prompt="common")
        mine = make_item(project=make_project(), texts=("mine", "also mine"), prompt="common")
        read_all()

        while embedding.embed_next_batch(now=noon, project=mine.project):
            pass

        assert sorted(models["toy"].asked) == ["also mine", "common", "mine"]

    def test_sets_a_text_aside_that_cannot_be_embedded_and_does_the_others(
        self, make_item, embed_all, models, project
    ):
        models["toy"].unreadable = {"odd"}
        make_item(texts=("odd", "even"), prompt="Why?")

        embed_all()

        row = EmbeddingRequest.objects.get()
        assert (row.tries, row.error) == (MOST_TRIES, "ValueError: no words for this")
        assert Embedding.objects.count() == 2

        models["toy"].unreadable = set()
        assert embedding.retry_texts(project=project) == 1
        embed_all()
        assert Embedding.objects.count() == 3

    def test_blames_the_model_and_no_text_where_all_of_a_batch_fail(
        self, make_item, read_all, models, noon
    ):
        models["toy"].unreadable = {"odd", "even", "Why?"}
        make_item(texts=("odd", "even"), prompt="Why?")
        read_all()

        with pytest.raises(embedding.NothingEmbedded):
            embedding.embed_next_batch(now=noon)

        assert set(EmbeddingRequest.objects.values_list("tries", flat=True)) == {0}

    def test_does_not_load_the_model_where_nothing_waits(self, make_item, embed_all, models, noon):
        class Unloadable:
            name = "toy"

        models["toy"], kept = Unloadable(), models["toy"]
        assert embedding.embed_next_batch(now=noon) == 0
        models["toy"] = kept
        make_item()
        embed_all()
        models["toy"] = Unloadable()

        assert embedding.embed_next_batch(now=noon) == 0

    def test_embeds_nothing_twice_whose_vector_is_there(self, make_item, embed_all, models, noon):
        make_item()
        embed_all()
        generation, text = active_generation(), Text.objects.first()
        EmbeddingRequest.objects.create(text=text, generation=generation, n_chars=1, queued_at=noon)
        models["toy"].asked.clear()

        assert embedding.embed_next_batch(now=noon + timedelta(days=1)) == 1

        assert models["toy"].asked == []
        assert not EmbeddingRequest.objects.exists()

    def test_can_be_made_to_embed_a_project_again(self, make_item, embed_all, project, noon):
        make_item()
        embed_all()
        before = {row.text_id: row.vector for row in Embedding.objects.all()}

        assert embedding.forget_vectors(project=project) == 3
        assert embedding.request_missing(project=project, now=noon) == 3
        embed_all()

        after = {row.text_id: row.vector for row in Embedding.objects.all()}
        assert after == before


@pytest.mark.django_db(transaction=True)
class TestRivalWorkers:
    def test_embed_no_text_twice_and_miss_no_comparison(
        self, make_comparison, read_all, models, noon, monkeypatch
    ):
        for number in range(25):
            make_comparison(texts=(f"a{number % 6}", f"b {number}"), prompt=f"Why {number}?")
        read_all()
        monkeypatch.setattr(embedding, "MOST_TEXTS", 4)
        models["toy"]
        together = threading.Barrier(4)

        def work(_):
            try:
                together.wait()
                while embedding.embed_next_batch(now=noon):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(work, range(4)))

        assert len(models["toy"].asked) == len(set(models["toy"].asked)) == 25 + 6 + 25
        assert Generation.objects.count() == 1
        assert Embedding.objects.count() == 56
        assert SignalRequest.objects.filter(family="vectors").count() == 25

    def test_and_readers_miss_no_comparison(self, make_comparison, models, noon, monkeypatch):
        for number in range(25):
            make_comparison(texts=(f"a{number % 6}", f"b {number}"), prompt=f"Why {number % 9}?")
        monkeypatch.setattr(embedding, "MOST_TEXTS", 4)
        models["toy"]

        def read():
            while intake.read_next_items(now=noon, limit=3):
                pass

        def embed():
            while EmbeddingRequest.objects.exists() or intake.Intake.objects.exists():
                embedding.embed_next_batch(now=noon)

        def closing(job):
            try:
                job()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(closing, (read, embed, read, embed)))
        while embedding.embed_next_batch(now=noon):
            pass

        assert len(models["toy"].asked) == len(set(models["toy"].asked))
        assert SignalRequest.objects.filter(family="vectors").count() == 25
        semantic = DuplicateRequest.objects.filter(kind="semantic")
        assert semantic.count() == 9


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestAKilledWorker:
    def test_leaves_nothing_half_done(self, make_comparison, read_all, models, noon, monkeypatch):
        for number in range(50):
            make_comparison(texts=(f"a {number}", f"b {number}"), prompt=f"Why {number}?")
        read_all()
        monkeypatch.setattr(embedding, "MOST_TEXTS", 4)
        embed = models["toy"].encode
        monkeypatch.setattr(models["toy"], "encode", lambda said: time.sleep(0.01) or embed(said))
        dice, n_texts = random.Random(5), Text.objects.count()
        generations.generation_for(model=models["toy"], name="toy", now=noon)

        for _ in range(5):
            kill_a_worker(noon, after=dice.randint(1, 3), pause=dice.uniform(0, 0.05))

            embedded = Embedding.objects.count()
            assert 0 < embedded < n_texts == embedded + EmbeddingRequest.objects.count()
            ready = set(SignalRequest.objects.filter(family="vectors").values_list("comparison"))
            assert ready == set(comparisons_with_vectors())
        while EmbeddingRequest.objects.exists():  # the last one's locks go a moment after it
            embedding.embed_next_batch(now=noon)

        assert Embedding.objects.count() == n_texts == 150
        assert SignalRequest.objects.filter(family="vectors").count() == 50
        assert DuplicateRequest.objects.filter(kind="semantic").count() == 50


def kill_a_worker(noon, *, after, pause):
    """Kill a worker process some batches after its start, wherever it is then."""
    connection.close()  # a process and its child cannot share one
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        while embedding.embed_next_batch(now=noon):
            os.write(told, b".")
        os._exit(0)
    for _ in range(after):
        os.read(heard, 1)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(heard), os.close(told)
    wait_for_other_sessions()


def wait_for_other_sessions():
    """Wait until the server has noticed that the killed worker is gone."""
    alive = True
    while alive:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            alive = cursor.fetchone()[0] > 0
        time.sleep(0.01)


def comparisons_with_vectors():
    """Comparisons all of whose texts are embedded, found the slow way."""
    embedded = set(Embedding.objects.values_list("text_id", flat=True))
    prompts = dict(ItemTexts.objects.values_list("item_id", "prompt_id"))
    answers = dict(ResponseText.objects.values_list("response_id", "text_id"))
    for comparison in Comparison.objects.all():
        texts = {prompts[comparison.item_id], *(answers[pk] for pk in comparison.response_ids)}
        if texts <= embedded:
            yield (comparison.pk,)
