import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Item
from curation import tasks
from curation.models import Embedding, EmbeddingRequest, Intake, ItemTexts, ResponseText, Text

pytestmark = pytest.mark.django_db


def derived():
    """What was read and embedded, named by what it says and not by keys."""
    places = ItemTexts.objects.values_list("item_id", "prompt__digest", "digest", "folded")
    answers = ResponseText.objects.values_list("response_id", "text__digest")
    vectors = Embedding.objects.values_list("text__digest", "vector", "is_empty")
    return [sorted(tuple(map(told, row)) for row in rows) for rows in (places, answers, vectors)]


def told(value):
    return bytes(value).hex() if isinstance(value, memoryview | bytes) else value


class TestCurate:
    def test_reads_and_embeds_a_project_and_counts_it(self, make_comparison, models, project):
        make_comparison(texts=("a", "b"), prompt="Why?")
        make_comparison(texts=("a", "c"), prompt="Why?")
        printed = StringIO()

        call_command("curate", project.slug, "--json", stdout=printed)

        report = json.loads(printed.getvalue())
        assert (report["read"], report["embedded"], report["set_aside"]) == (2, 4, 0)
        assert Embedding.objects.count() == 4

    def test_leaves_nothing_for_the_bells(self, make_comparison, models, project):
        make_comparison()

        call_command("curate", project.slug, stdout=StringIO())

        assert (tasks.read_items(), tasks.embed_texts(), tasks.tend_generations()) == (0, 0, 0)

    def test_says_what_it_could_not_read(self, make_item, models, project):
        broken = make_item()
        Item.objects.filter(pk=broken.pk).update(messages=[{"role": "user"}])

        with pytest.raises(CommandError, match="Item was set aside: KeyError"):
            call_command("curate", project.slug, stdout=StringIO())


class TestTheBells:
    def test_do_all_there_is(self, make_comparison, models):
        make_comparison()

        assert tasks.read_items() == 1
        assert tasks.embed_texts() == 3
        assert not Intake.objects.exists() and not EmbeddingRequest.objects.exists()

    def test_switch_to_another_model_and_clear_the_old_vectors(
        self, make_comparison, models, settings
    ):
        make_comparison()
        tasks.read_items(), tasks.embed_texts()
        settings.EMBEDDING_MODEL = "better"
        tasks.embed_texts()

        assert tasks.tend_generations() == 1 + 3
        assert set(Embedding.objects.values_list("generation__name", flat=True)) == {"better"}


class TestRebuild:
    def test_comes_to_what_was_there(self, make_comparison, models, project):
        make_comparison(texts=("a", ""), prompt="Why?")
        call_command("curate", project.slug, stdout=StringIO())
        before = derived()
        Text.objects.all().delete()

        call_command("rebuild", project.slug, stdout=StringIO())

        assert derived() == before
        assert before[2]

    def test_keeps_the_vectors_unless_told(self, make_comparison, models, project):
        make_comparison()
        call_command("curate", project.slug, stdout=StringIO())
        models["toy"].asked.clear()

        call_command("rebuild", project.slug, stdout=StringIO())
        assert models["toy"].asked == []

        call_command("rebuild", project.slug, "--vectors", stdout=StringIO())
        assert len(models["toy"].asked) == 3
