import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.domain.content import content_hash, text_of
from annotation.domain.importing.items import item_of
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.vocabulary import ExclusionReason, PairStrategy, ResponseFormat
from annotation.models import Annotator, Comparison, Exclusion, Item, Response, Slot
from annotation.services.importing.items import ItemsRefused, create_items, write_items

hostile = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
) | st.sampled_from(
    [
        "  spaces  ",
        "\ufeffBOM\ufeff in the middle",
        "CRLF\r\nCR\rLF\nNEL\u0085LS\u2028PS\u2029",
        "\u00a0NBSP\u00a0",
        "é e\u0301",
        "\u202eright to left\u2066",
        "👩‍👩‍👧‍👦 \U000e0041",
        "\\N \\. \\t\t back\\slash",
        "e" + "\u0301" * 1000,
    ]
)


def an_item(name="one", texts=("a", "b"), **fields):
    responses = [{"id": f"{name}-{n}", "text": text} for n, text in enumerate(texts)]
    return {"id": name, "prompt": "Why?", "responses": responses} | fields


class TestItemOf:
    @pytest.mark.parametrize(
        ("change", "field", "rule"),
        [
            ({"id": ""}, "id", "empty"),
            ({"id": 7}, "id", "wrong_type"),
            ({"id": "x" * 201}, "id", "too_long"),
            ({"prompt": ""}, "prompt", "empty"),
            ({"prompt": ["Why?"]}, "prompt", "wrong_type"),
            ({"messages": []}, "prompt", "prompt_or_messages"),
            ({"prompt": None}, "prompt", "prompt_or_messages"),
            ({"prompt": None, "messages": []}, "messages", "empty"),
            (
                {"prompt": None, "messages": [{"role": "assistant", "content": "x"}]},
                "messages",
                "ends_without_user",
            ),
            (
                {"prompt": None, "messages": [{"role": "god", "content": "x"}]},
                "messages.0.role",
                "unknown_role",
            ),
            (
                {"prompt": None, "messages": [{"role": "user", "content": "x", "name": "ann"}]},
                "messages.0.name",
                "unknown_field",
            ),
            (
                {"prompt": None, "messages": [{"role": "user", "content": [{"type": "sound"}]}]},
                "messages.0.content.0.type",
                "unknown_part",
            ),
            ({"respones": []}, "respones", "unknown_field"),
            ({"responses": []}, "responses", "response_count"),
            ({"responses": [{"text": "x"}] * 10}, "responses", "response_count"),
            ({"responses": "ab"}, "responses", "wrong_type"),
            ({"responses": [{"text": "x"}, "y"]}, "responses.1", "wrong_type"),
            ({"responses": [{"text": "x"}, {"id": "y"}]}, "responses.1.text", "missing_field"),
            ({"responses": [{"text": "x"}, {"text": None}]}, "responses.1.text", "wrong_type"),
            (
                {"responses": [{"id": "x", "text": "x"}, {"id": "x", "text": "y"}]},
                "responses.1.id",
                "duplicate_id",
            ),
            ({"meta": []}, "meta", "wrong_type"),
            ({"source": "a", "meta": {"source": "b"}}, "source", "contradiction"),
        ],
    )
    def test_refuses_by_field_and_rule(self, change, field, rule):
        with pytest.raises(LineRefused) as refused:
            item_of(an_item() | change, 1)

        assert (refused.value.field, refused.value.rule) == (field, rule)

    def test_keeps_what_it_does_not_know_of_a_response_as_metadata(self):
        responses = [{"id": "a", "text": "", "style": "plain", "grades": {"x": 1}}, {"text": "b"}]

        first, second = item_of(an_item(responses=responses), 1).responses

        assert first.metadata == {"style": "plain", "grades": {"x": 1}}
        assert (second.external_id, second.metadata) == ("response-2", {})

    def test_reads_a_prompt_and_its_conversation_alike(self):
        messages = [{"role": "user", "content": "Why?"}]

        spelled = item_of({k: v for k, v in an_item(messages=messages).items() if k != "prompt"}, 1)

        assert spelled.content_hash == item_of(an_item(), 1).content_hash


@pytest.mark.django_db
class TestWriteItems:
    def write(self, project, noon, *records):
        parsed = [item_of(record, line) for line, record in enumerate(records, 1)]
        return write_items(project=project, records=parsed, now=noon)

    def test_makes_items_responses_comparisons_and_slots(self, project, noon):
        written = self.write(project, noon, an_item("one"), an_item("two", ("a", "b", "")))

        assert (written.n_written, written.n_unchanged, written.refused) == (2, 0, [])
        assert Response.objects.filter(item__project=project).count() == 5
        assert Comparison.objects.filter(item__external_id="two").count() == 3
        assert Slot.objects.filter(project=project).count() == 4 * project.overlap

    def test_puts_all_responses_into_one_comparison_where_they_are_ranked(self, make_project, noon):
        project = make_project(response_format=ResponseFormat.RANKING, overlap=0)

        self.write(project, noon, an_item(texts="abcdefghi"))

        comparison = Comparison.objects.get(project=project)
        ids = list(comparison.item.responses.values_list("id", flat=True))
        assert comparison.response_ids == sorted(ids)
        assert not comparison.slots.exists()

    @pytest.mark.parametrize(
        ("strategy", "n"), [(PairStrategy.BUDGETED, 5), (PairStrategy.BEST_VERSUS_REST, 3)]
    )
    def test_makes_fewer_pairs_where_the_project_says_so(self, make_project, noon, strategy, n):
        project = make_project(pair_strategy=strategy, pair_budget=5)

        self.write(project, noon, an_item(texts="abcd"))

        assert Comparison.objects.filter(project=project).count() == n

    def test_takes_the_same_item_again_as_unchanged(self, project, noon):
        record = an_item(meta={"n": 1.5, "big": 2**53 + 1}, source="here")
        self.write(project, noon, record)

        again = self.write(project, noon, record, record)

        assert (again.n_written, again.n_unchanged, again.refused) == (0, 2, [])
        assert Item.objects.get().metadata == {"n": 1.5, "big": 2**53 + 1, "source": "here"}

    @pytest.mark.parametrize(
        "other",
        [
            an_item(texts=("a", "c")),
            an_item(prompt="Why not?"),
            an_item(meta={"new": True}),
            an_item(
                responses=[{"id": "one-0", "text": "a", "model": "m"}, {"id": "one-1", "text": "b"}]
            ),
        ],
    )
    def test_refuses_another_content_under_a_known_id(self, project, noon, other):
        self.write(project, noon, an_item())

        refused = self.write(project, noon, an_item("two"), other).refused

        assert [(each.line, each.field, each.rule) for each in refused] == [
            (2, "id", "external_id_taken")
        ]
        assert Item.objects.count() == 2

    def test_sees_two_contents_under_one_id_within_a_batch(self, project, noon):
        written = self.write(project, noon, an_item(), an_item(), an_item(prompt="Why not?"))

        assert (written.n_written, written.n_unchanged, len(written.refused)) == (1, 1, 1)

    def test_tells_ids_apart_that_differ_only_in_case_or_composition(self, project, noon):
        names = ["é", "e\u0301", "E\u0301", "../é", " é"]

        self.write(project, noon, *(an_item(name) for name in names))

        assert set(Item.objects.values_list("external_id", flat=True)) == set(names)

    def test_never_asks_an_author_about_an_own_answer(self, project, ann, noon):
        responses = [
            {"id": "x", "text": "x", "author": "ann"},
            {"id": "y", "text": "y", "author": "a poet"},
            {"id": "z", "text": "z"},
        ]

        self.write(project, noon, an_item(responses=responses))

        poet = Annotator.objects.get(name="a poet")
        assert Response.objects.get(external_id="x").author == ann
        assert poet.project == project
        assert Exclusion.objects.filter(annotator=ann, reason=ExclusionReason.AUTHOR).count() == 2
        assert Exclusion.objects.filter(annotator=poet).count() == 2

    def test_links_a_revision_to_what_it_revises(self, project, noon):
        responses = [{"id": "x", "text": "x"}, {"id": "y", "text": "y", "revision_of": "x"}]

        self.write(project, noon, an_item(responses=responses))

        assert Response.objects.get(external_id="y").revision_of.external_id == "x"

    @settings(
        max_examples=60,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(texts=st.tuples(hostile, hostile, hostile), own=hostile)
    def test_stores_every_text_byte_for_byte(self, project, noon, texts, own):
        prompt, first, second = texts
        name = content_hash([*texts, own]).hex()
        messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": own}]
        record = an_item(name, prompt=prompt or "?", meta={"own": own})
        record["responses"] = [
            {"id": "1", "text": first, "messages": messages},
            {"id": "2", "text": second, "note": own},
        ]

        self.write(project, noon, json.loads(json.dumps(record)))

        item = Item.objects.get(project=project, external_id=name)
        one, two = item.responses.all()
        assert text_of(item.messages[0]["content"]).encode() == (prompt or "?").encode()
        assert text_of(one.content).encode() == first.encode()
        assert text_of(two.content).encode() == second.encode()
        assert text_of(one.messages[1]["content"]).encode() == own.encode()
        assert (item.metadata, two.metadata) == ({"own": own}, {"note": own})
        assert bytes(one.content_hash) == content_hash(one.content)

    def test_asks_the_database_as_often_for_many_items_as_for_one(
        self, project, noon, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(12):
            self.write(project, noon, *(an_item(f"item {n}") for n in range(200)))


@pytest.mark.django_db
class TestCreateItems:
    def test_writes_all_or_none(self, project, noon):
        bad = an_item("bad") | {"prompt": ""}

        with pytest.raises(ItemsRefused) as refused:
            create_items(project=project, records=[an_item(), bad], now=noon)

        error = refused.value
        assert (error.code, error.field, error.line) == ("empty", "prompt", 2)
        assert not Item.objects.exists()

    def test_writes_none_where_one_id_is_taken(self, project, noon):
        create_items(project=project, records=[an_item()], now=noon)

        with pytest.raises(ItemsRefused) as refused:
            create_items(project=project, records=[an_item("new"), an_item(prompt="x")], now=noon)

        assert (refused.value.code, refused.value.line) == ("external_id_taken", 2)
        assert Item.objects.count() == 1

    def test_is_safe_to_repeat(self, project, noon):
        for _ in range(2):
            written = create_items(project=project, records=[an_item()], now=noon)

        assert (written.n_written, written.n_unchanged) == (0, 1)
        assert not connection.needs_rollback
