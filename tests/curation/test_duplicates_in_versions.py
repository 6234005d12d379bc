"""Datasets see the groups of duplicates: in splits, in drops, and in the records."""

from datetime import timedelta

import pytest

from annotation.models import Item
from curation.domain.recipes import Recipe, recipe_of
from curation.selectors.duplicates import groups_of
from curation.services import shards
from curation.services.duplicates import regrouping, searching

pytestmark = pytest.mark.django_db(transaction=True)

RAIN = "Please write a short haiku about the rain that falls in the old town, number {}"

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@pytest.fixture
def search_all(noon):
    def search_all():
        while searching.search_next(now=noon):
            pass
        while regrouping.regroup_next(now=noon):
            pass

    return search_all


@pytest.fixture
def grouped(project, make_comparison, judge, ann, read_all, search_all):
    """Ten pairs of near prompts, each item judged; the longer prompts stand for their groups."""
    for number, word in enumerate(WORDS):
        prompt = RAIN.format(word)
        for end in ("", "!"):
            texts = (f"answer {len(end)}", "another")
            made = make_comparison(texts=texts, prompt=f"{number} {prompt * 2}{end}")
            judge(ann, made, [[0], [1]])
    read_all()
    search_all()
    return project


def records(version):
    return list(shards.records_in(version.manifest["shards"]))


def splits_by_group(version):
    found = {}
    for record in records(version):
        for group in record.get("duplicates", []):
            found.setdefault(group["group"], set()).add(record["split"])
    return found


class TestVersions:
    def test_never_put_a_group_into_two_splits(self, grouped, cut):
        split = {"seed": "autumn", "validation": 30, "test": 30}

        together = splits_by_group(cut(grouped, split=split))
        apart = cut(grouped, split=split, duplicates=[])

        assert len(together) >= 5
        assert all(len(splits) == 1 for splits in together.values())
        assert {split for splits in together.values() for split in splits} > {"train"}
        assert all("duplicates" not in record for record in records(apart))

    def test_keep_the_split_of_a_group_when_a_later_item_joins_it(
        self, grouped, cut, make_comparison, read_all, search_all, noon
    ):
        split = {"seed": "autumn", "validation": 30, "test": 30}
        before = {record["item"]: record["split"] for record in records(cut(grouped, split=split))}
        first = grouped.items.order_by("id").first()
        prompt = first.messages[0]["content"][0]["text"]
        later = make_comparison(prompt=f"{prompt}?").item_id
        Item.objects.filter(pk=later).update(created_at=noon + timedelta(days=1))
        read_all()
        search_all()

        after = {record["item"]: record["split"] for record in records(cut(grouped, split=split))}

        assert len(after) == len(before) + 1
        assert {item: after[item] for item in before} == before

    def test_drop_all_of_a_group_but_what_stands_for_it(self, grouped, cut):
        counts = cut(grouped, drop=["duplicate"]).counts
        (group, *_) = groups_of([grouped.items.order_by("id").first().pk]).values()

        assert counts["dropped"]["duplicate"] == 20 - counts["kept"]
        assert 1 <= counts["kept"] <= 10
        assert group[0].is_repeat

    def test_name_the_group_in_the_record(self, grouped, cut):
        record = next(r for r in records(cut(grouped)) if r["item"] == "item-1")

        (group,) = record["duplicates"]
        assert group["kind"] == "near"
        assert group["group"].startswith("g-")
        assert (group["representative"], group["is_repeat"]) == ("item-2", True)

    def test_spell_an_item_without_duplicates_as_before(self, project, make_comparison, cut):
        make_comparison()

        (record,) = records(cut(project))

        assert "duplicates" not in record

    def test_keep_items_that_share_the_representatives_prompt(
        self, project, make_comparison, judge, ann, cut, read_all, search_all
    ):
        prompt = RAIN.format("one") * 2
        for number, text in enumerate((prompt + "!", prompt + "!", prompt)):
            made = make_comparison(texts=(f"a{number}", "b"), prompt=text)
            judge(ann, made, [[0], [1]])
        read_all()
        search_all()

        assert cut(project, drop=["duplicate"]).counts["dropped"] == {"duplicate": 1}


class TestRecipe:
    def test_counts_every_kind_unless_it_says_otherwise(self):
        assert recipe_of({}) == Recipe()
        assert Recipe().duplicates == ("exact", "near", "semantic")
        assert recipe_of({"duplicates": ["exact"]}).duplicates == ("exact",)
