from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation.domain.content import text_part
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, Item, Response
from curation.domain.texts import text_digest
from curation.models import (
    DuplicateRequest,
    EmbeddingRequest,
    Intake,
    ItemTexts,
    ResponseText,
    SignalRequest,
    Text,
)
from curation.selectors.texts import texts_of
from curation.services import embedding, intake

pytestmark = pytest.mark.django_db


def requested(kind):
    return set(DuplicateRequest.objects.filter(kind=kind).values_list("text_id", flat=True))


class TestReadNextItems:
    def test_writes_every_distinct_text_once(self, make_item, read_all):
        make_item(texts=("same", "same"), prompt="Why?")
        make_item(texts=("same", ""), prompt="Why?")

        read_all()

        assert sorted(texts_of([text.pk for text in Text.objects.all()]).values()) == [
            "",
            "Why?",
            "same",
        ]
        assert (ItemTexts.objects.count(), ResponseText.objects.count()) == (2, 4)
        assert not Intake.objects.exists()

    def test_says_which_text_each_place_has(self, make_item, read_all):
        item = make_item(texts=("one", "two"), prompt="Why?")

        read_all()

        answers = {row.response_id: bytes(row.text.digest) for row in ResponseText.objects.all()}
        expected = dict(
            zip(item.responses.values_list("pk", flat=True), ("one", "two"), strict=True)
        )
        assert answers == {pk: text_digest(text) for pk, text in expected.items()}
        prompt = ItemTexts.objects.get(item=item).prompt
        assert (bytes(prompt.digest), prompt.n_chars) == (text_digest("Why?"), 4)

    def test_reads_the_answer_of_a_response_with_a_conversation_of_its_own(
        self, make_item, read_all
    ):
        item = make_item(texts=("last", "other"))
        earlier = [{"role": "assistant", "content": text_part("first")}]
        Response.objects.filter(item=item, position=0).update(messages=earlier)

        read_all()

        assert Text.objects.filter(digest=text_digest("last")).exists()

    def test_asks_for_exact_and_near_duplicates_of_each_prompt(self, make_item, read_all):
        make_item(prompt="Why?")
        make_item(prompt="Why not?")

        read_all()

        prompts = set(ItemTexts.objects.values_list("prompt_id", flat=True))
        assert requested("exact") == requested("near") == prompts
        assert requested("semantic") == set()

    def test_asks_again_for_a_prompt_that_another_item_brings(self, make_item, read_all, noon):
        make_item(prompt="Why?")
        read_all()
        DuplicateRequest.objects.all().delete()
        make_item(prompt="Why?")

        read_all()

        assert requested("exact") == set(ItemTexts.objects.values_list("prompt_id", flat=True))

    def test_keeps_to_a_project_where_one_is_named(self, make_item, make_project, read_all):
        make_item()
        mine = make_item(project=make_project())

        read_all(mine.project)

        assert [row.item_id for row in ItemTexts.objects.all()] == [mine.pk]
        assert Intake.objects.count() == 1

    def test_reads_no_more_than_the_limit_oldest_first(self, make_item, noon):
        items = [make_item() for _ in range(3)]

        done = intake.read_next_items(now=noon, limit=2)

        assert done == 2
        assert Intake.objects.get().item_id == items[2].pk

    def test_is_harmless_to_repeat(self, make_item, read_all, project, noon):
        make_item(texts=("same", "b"))
        make_item(texts=("same", "c"))
        read_all()
        before = {model: list(model.objects.order_by("pk").values()) for model in (Text, ItemTexts)}
        Text.objects.update(folded=b"by an older version")

        assert intake.reread_items(project=project, now=noon) == 2
        read_all()

        for model, rows in before.items():
            assert list(model.objects.order_by("pk").values()) == rows

    def test_sets_an_item_aside_that_it_cannot_read_and_does_the_others(
        self, make_item, read_all, noon
    ):
        broken, sound = make_item(), make_item()
        Item.objects.filter(pk=broken.pk).update(messages=[{"role": "user"}])

        read_all()

        row = Intake.objects.get()
        assert (row.item_id, row.tries) == (broken.pk, MOST_TRIES)
        assert row.error == "KeyError: 'content'"
        assert [found.item_id for found in ItemTexts.objects.all()] == [sound.pk]

    def test_takes_up_again_what_was_set_aside_once_asked(self, make_item, read_all, project):
        broken = make_item()
        messages = broken.messages
        Item.objects.filter(pk=broken.pk).update(messages=[{"role": "user"}])
        read_all()
        Item.objects.filter(pk=broken.pk).update(messages=messages)

        assert intake.retry_items(project=project) == 1
        read_all()

        assert not Intake.objects.exists()


class TestVectorRequests:
    def test_are_made_for_each_new_text_under_each_generation_in_use(
        self, make_item, embed_all, read_all, models, settings, noon
    ):
        make_item(texts=("a", "b"), prompt="Why?")
        embed_all()
        settings.EMBEDDING_MODEL = "other"
        embedding.generations.generation_for(model=models["other"], name="other", now=noon)
        EmbeddingRequest.objects.all().delete()
        make_item(texts=("a", "c"), prompt="Why?")

        read_all()

        rows = EmbeddingRequest.objects.values_list("generation__name", "text__digest")
        assert {(name, bytes(digest)) for name, digest in rows} == {
            ("toy", text_digest("c")),
            ("other", text_digest("c")),
        }

    def test_are_not_needed_for_texts_that_are_embedded(self, make_comparison, embed_all, read_all):
        make_comparison()
        embed_all()
        SignalRequest.objects.all().delete()
        DuplicateRequest.objects.all().delete()
        late = make_comparison()

        read_all()

        assert not EmbeddingRequest.objects.exists()
        assert SignalRequest.objects.get(family="vectors").comparison_id == late.pk
        assert requested("semantic") == {ItemTexts.objects.get(item=late.item).prompt_id}

    def test_wait_for_both_items_of_a_joint_comparison(self, make_item, embed_all, noon):
        one, other = make_item(prompt="Why?"), make_item(prompt="How?")
        first, second = one.responses.first(), other.responses.first()
        joint = Comparison.objects.create(
            project=one.project,
            item=one,
            other_item=other,
            response_ids=[first.pk, second.pk],
            created_at=noon,
        )
        Intake.objects.filter(item=other).delete()
        embed_all()
        assert not SignalRequest.objects.filter(family="vectors").exists()
        Intake.objects.create(item=other)

        embed_all()

        assert SignalRequest.objects.get(family="vectors").comparison_id == joint.pk


@pytest.mark.django_db(transaction=True)
class TestRivalReaders:
    def test_write_each_text_once_and_read_each_item_once(
        self, make_item, embed_all, noon, project
    ):
        make_item()
        embed_all()
        for number in range(60):
            make_item(texts=(f"{number % 7}", f"{number % 5} b"), prompt=f"Why {number % 3}?")

        def read(_):
            done = 0
            try:
                while taken := intake.read_next_items(now=noon, limit=7):
                    done += taken
            finally:
                connection.close()
            return done

        with ThreadPoolExecutor(4) as readers:
            assert sum(readers.map(read, range(4))) == 60

        assert Text.objects.count() == 3 + 7 + 5 + 3
        assert EmbeddingRequest.objects.count() == 7 + 5 + 3
        assert ItemTexts.objects.count() == 61


class TestALateComparison:
    def test_of_an_item_that_is_embedded_asks_for_the_signals_of_its_vectors(
        self, make_item, embed_all, noon
    ):
        item = make_item()
        embed_all()

        late = Comparison.objects.create(
            project=item.project,
            item=item,
            response_ids=sorted(item.responses.values_list("pk", flat=True)),
            created_at=noon,
        )

        assert set(SignalRequest.objects.values_list("comparison", "family")) == {
            (late.pk, "text"),
            (late.pk, "vectors"),
        }

    def test_of_a_new_item_waits_for_its_vectors(self, make_comparison):
        make_comparison()

        assert set(SignalRequest.objects.values_list("family", flat=True)) == {"text"}
