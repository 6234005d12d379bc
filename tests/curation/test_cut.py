import json
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import DatabaseError

from annotation.domain.content import content_hash, text_part, user_prompt
from annotation.domain.vocabulary import Outcome, WorkState
from annotation.models import Annotator, Comparison, Item, Judgment, Project, Response
from curation.models import Dataset, Version
from curation.selectors import snapshot
from curation.services import builds, datasets, shards, storage, versioning

pytestmark = pytest.mark.django_db(transaction=True)


def records_of(version):
    return list(shards.records_in(version.manifest["shards"]))


class TestCut:
    def test_counts_what_it_kept_and_why_it_dropped_the_rest(
        self, cut, judge, make_comparison, make_item, project, ann, bob
    ):
        judge(ann, make_comparison(), [[0], [1]])
        judge(ann, make_comparison(), [[0, 1]])
        judge(ann, make_comparison(), outcome=Outcome.BOTH_BAD)
        judge(ann, make_comparison(), outcome=Outcome.UNSURE)
        split = make_comparison()
        judge(ann, split, [[0], [1]])
        judge(bob, split, [[1], [0]])
        judge(ann, make_comparison(texts=("same", "same")), [[0], [1]])

        counts = cut(project).counts

        assert counts["dropped"] == {
            "both_bad": 1,
            "identical_responses": 1,
            "no_votes": 1,
            "tie": 1,
            "unsettled": 1,
        }
        assert (counts["comparisons"], counts["kept"], counts["judgments"]) == (6, 1, 7)

    def test_keeps_every_byte_of_the_texts(self, cut, make_comparison, project):
        hostile = (
            " \ufeffa\r\nb\u2028\u0085\u200b ",
            "e\u0301\t\x01'\"\\ \U0001f9d1\u200d\U0001f33e",
        )
        make_comparison(texts=hostile, prompt="\n  prompt \x7f\n")

        (record,) = records_of(cut(project))

        assert [r["content"] for r in record["responses"]] == [text_part(t) for t in hostile]
        assert record["messages"] == user_prompt("\n  prompt \x7f\n")

    def test_never_tells_who_a_person_is(self, cut, judge, make_comparison, project, ann):
        judge(ann, make_comparison(), [[0], [1]])

        version = cut(project)

        (record,) = records_of(version)
        name = record["comparisons"][0]["judgments"][0]["annotator"]
        assert name.startswith("human-")
        assert "ann" not in json.dumps(record["comparisons"][0]["judgments"]).replace("annot", "")

    def test_keeps_the_pseudonyms_that_came_with_imported_votes(
        self, cut, judge, make_comparison, project, noon
    ):
        worker = Annotator.objects.create(
            project=project, kind="human", name="w-17", created_at=noon
        )
        judge(worker, make_comparison(), [[0], [1]], external_id="v-1")

        (record,) = records_of(cut(project))

        judgment = record["comparisons"][0]["judgments"][0]
        assert (judgment["annotator"], judgment["judgment"]) == ("w-17", "v-1")

    def test_counts_only_the_kinds_of_votes_that_the_recipe_wants(
        self, cut, judge, make_comparison, project, ann, noon
    ):
        judge_model = Annotator.objects.create(
            project=project, kind="llm", name="gpt", created_at=noon
        )
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        judge(judge_model, comparison, [[1], [0]], external_id="v-2")

        assert cut(project).counts["dropped"] == {"unsettled": 1}
        assert cut(project, kinds=["human"]).counts["kept"] == 1

    def test_lets_no_family_of_judges_outvote_people_by_numbers(
        self, cut, judge, make_comparison, make_judge, project, ann, make_annotator
    ):
        comparison = make_comparison()
        for person in (ann, make_annotator("bea")):
            judge(person, comparison, [[0], [1]])
        for number in range(4):
            judge(make_judge(f"gpt {number}", family="gpt").annotator, comparison, [[1], [0]])

        (record,) = records_of(cut(project))

        (frozen,) = record["comparisons"]
        assert frozen["consensus"]["n_votes"] == 3
        assert frozen["consensus"]["ranking"][0] == [frozen["responses"][0]]
        assert [each.get("family") for each in frozen["judgments"]].count("gpt") == 4

    def test_numbers_its_versions_without_gaps_when_many_ask_at_once(self, project, noon):
        dataset = datasets.default_dataset(project=project, now=noon)

        def ask(_):
            try:
                return versioning.request_version(dataset=dataset, now=noon).number
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as people:
            numbers = list(people.map(ask, range(12)))

        assert sorted(numbers) == list(range(1, 13))

    def test_says_which_version_it_repeats(self, cut, judge, make_comparison, project, ann, noon):
        judge(ann, make_comparison(), [[0], [1]])
        first, second = cut(project), cut(project)
        judge(ann, make_comparison(), [[0], [1]])

        third = cut(project)

        assert (first.identical_to, second.identical_to, third.identical_to) == (None, 1, None)
        assert bytes(first.digest) == bytes(second.digest) != bytes(third.digest)

    def test_is_one_moment_however_many_submit_meanwhile(
        self, cut, judge, make_comparison, project, ann, bob
    ):
        comparisons = [make_comparison() for _ in range(60)]
        for comparison in comparisons[:30]:
            judge(ann, comparison, [[0], [1]])

        def submit(share):
            try:
                for comparison in comparisons[share::4]:
                    judge(bob, comparison, [[0], [1]])
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as people:
            busy = [people.submit(submit, share) for share in range(4)]
            version = cut(project)
            for one in busy:
                one.result()

        judgments = sum(len(c["judgments"]) for r in records_of(version) for c in r["comparisons"])
        counts = version.counts
        assert judgments == counts["judgments"] == version.manifest["facts"]["judgments"]
        assert counts["comparisons"] == counts["kept"] + sum(counts["dropped"].values()) == 60


class TestMemory:
    @pytest.mark.slow
    def test_is_flat_in_the_number_of_items(self, cut, make_project, noon, monkeypatch):
        monkeypatch.setattr(snapshot, "BATCH", 20)
        monkeypatch.setattr(shards, "BUCKET_ROWS", 20)
        monkeypatch.setattr(shards, "GROUP", 20)
        few, many = make_project(slug="few"), make_project(slug="many")
        fill(few, 100, noon)
        fill(many, 1_000, noon)
        cut(few)

        peaks = []
        for project in (few, many):
            tracemalloc.start()
            cut(project)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

        assert peaks[1] < 1.5 * peaks[0] < 1_000 * TEXT_BYTES / 2


TEXT_BYTES = 20_000


def fill(project, n_items, now):
    messages = user_prompt("x" * TEXT_BYTES)
    Item.objects.bulk_create(
        Item(
            project=project,
            external_id=str(n),
            messages=messages,
            content_hash=b"",
            created_at=now,
        )
        for n in range(n_items)
    )


class TestVersion:
    def test_cannot_be_changed_or_deleted_once_it_is_done(self, cut, make_comparison, project):
        make_comparison()
        version = cut(project)

        with pytest.raises(DatabaseError, match="Cannot update or delete"):
            Version.objects.filter(pk=version.pk).update(counts={})
        with pytest.raises(DatabaseError, match="Cannot update or delete"):
            Version.objects.filter(pk=version.pk).delete()

    def test_is_built_again_where_its_builder_was_killed(self, make_comparison, project, noon):
        make_comparison()
        dataset = datasets.default_dataset(project=project, now=noon)
        version = versioning.request_version(dataset=dataset, now=noon)
        assert builds.begin(version)

        assert not storage.manifest_path(version).exists()
        assert versioning.build_version(version=version, now=noon)

        version.refresh_from_db()
        assert (version.state, version.tries) == (WorkState.DONE, 2)
        assert storage.manifest_path(version).exists()

    def test_is_left_alone_while_somebody_else_builds_it(self, make_comparison, project, noon):
        make_comparison()
        dataset = datasets.default_dataset(project=project, now=noon)
        version = versioning.request_version(dataset=dataset, now=noon)

        def build():
            try:
                return versioning.build_version(version=version, now=noon)
            finally:
                connection.close()

        with builds.alone_with(version) as alone, ThreadPoolExecutor(1) as rival:
            assert alone
            assert rival.submit(build).result() is False

    def test_fails_with_its_reason_after_its_builder_was_killed_too_often(
        self, make_comparison, project, noon
    ):
        dataset = datasets.default_dataset(project=project, now=noon)
        version = versioning.request_version(dataset=dataset, now=noon)
        for _ in range(builds.MOST_TRIES):
            builds.begin(version)

        assert versioning.build_version(version=version, now=noon) is False

        version.refresh_from_db()
        assert version.state == WorkState.FAILED
        assert "killed 5 times" in version.error


class TestDigest:
    @pytest.mark.parametrize("seed", range(3))
    def test_depends_on_facts_and_recipe_alone(self, cut, noon, seed):
        """The same facts, inserted in another order beside other rows, are the same rows."""
        story = [(f"item-{n}", n % 3, n % 2) for n in range(12)]
        first = told(story, "haiku", noon)
        version = cut(first)
        Judgment.objects.all()  # rows of the first telling keep their ids
        with connection.cursor() as cursor:
            cursor.execute("truncate project, annotator, dataset cascade")
        noise = Project.objects.create(slug=f"noise-{seed}", name="Noise", created_at=noon)
        told(story[:2], "other", noon)
        shuffled = random.Random(seed).sample(story, len(story))

        again = cut(told(shuffled, "haiku", noon + timedelta(days=1)))

        assert noise.pk
        assert bytes(again.digest) == bytes(version.digest)
        assert again.manifest["shards"] == version.manifest["shards"]

    def test_changes_with_a_single_judgment(self, cut, judge, make_comparison, project, ann):
        comparison = make_comparison()
        before = cut(project)
        judge(ann, comparison, [[0], [1]])

        assert bytes(cut(project).digest) != bytes(before.digest)


def told(story, slug, now):
    """Write the story's items and votes into a project, in the order of the story."""
    project = Project.objects.create(slug=slug, name=slug, created_at=now)
    people = {
        n: Annotator.objects.create(project=project, kind="human", name=f"w{n}", created_at=now)
        for n in sorted({person for _, person, _ in story}, reverse=True)
    }
    for name, person, best in story:
        messages = user_prompt(f"Say {name}.")
        item = Item.objects.create(
            project=project,
            external_id=name,
            messages=messages,
            metadata={"share": 0.1},
            content_hash=content_hash(messages),
            created_at=now,
        )
        responses = [
            Response.objects.create(
                item=item,
                external_id=f"{name}-{place}",
                position=place,
                content=text_part(f"{name} {place}"),
                content_hash=content_hash(place),
            )
            for place in (1, 0)
        ]
        by_place = sorted(responses, key=lambda response: response.position)
        comparison = Comparison.objects.create(
            project=project, item=item, response_ids=sorted(r.id for r in responses), created_at=now
        )
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=people[person],
            outcome=Outcome.RANKED,
            ranking=[[by_place[best].id], [by_place[1 - best].id]],
            external_id=f"v-{name}",
            judged_at=now,
        )
    return project


class TestDefaultDataset:
    def test_has_the_slug_of_its_project_and_is_made_once(self, project, noon):
        made = {datasets.default_dataset(project=project, now=noon).pk for _ in range(2)}

        assert len(made) == 1
        assert Dataset.objects.get().slug == project.slug
