from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection
from pgvector import HalfVector

from annotation.domain.vocabulary import MOST_TRIES, AnnotatorKind, Outcome
from annotation.models import Annotator, Consensus, Response
from annotation.services import aggregation
from curation.domain.signals.registry import SIGNALS, VERSIONS
from curation.domain.vocabulary import SignalFamily
from curation.models import (
    Embedding,
    Generation,
    ImportedSignal,
    ItemTexts,
    PromptMap,
    PromptPoint,
    ResponseText,
    SignalRequest,
    Signals,
    Topic,
)
from curation.selectors.signals import requests_waiting, signals_of
from curation.services import intake
from curation.services.signals import refreshing, requests

pytestmark = pytest.mark.django_db


@pytest.fixture
def drain(noon):
    def drain(project=None):
        aggregation.refresh_next_stale(now=noon)
        done = 0
        while taken := refreshing.refresh_next(now=noon, project=project):
            done += taken
        return done

    return drain


@pytest.fixture
def generation(noon):
    return Generation.objects.create(
        name="toy",
        revision="1",
        dimensions=2,
        max_tokens=8,
        recipe={},
        state="active",
        created_at=noon,
    )


@pytest.fixture
def embed(generation, noon):
    """Give texts their vectors by angle: embed({text id: degrees})."""

    def embed(angles):
        for text_id, degrees in angles.items():
            turn = np.radians(degrees)
            Embedding.objects.create(
                text_id=text_id,
                generation=generation,
                vector=HalfVector([np.cos(turn), np.sin(turn)]),
                n_tokens=1,
                n_chunks=1,
                embedded_at=noon,
            )

    return embed


def of(comparison):
    return signals_of([comparison.pk])[comparison.pk]


class TestRefreshNext:
    def test_works_out_the_signals_of_a_new_comparison_from_its_texts(self, make_comparison, drain):
        comparison = make_comparison(texts=["one two three", "one two four five"])

        drain()

        values = of(comparison)
        assert values["rouge_1"] == pytest.approx(4 / 7, abs=1e-6)
        assert values["length_difference"] == -4
        row = Signals.objects.get()
        assert (row.family, row.version) == (SignalFamily.TEXT, VERSIONS[SignalFamily.TEXT])
        assert requests_waiting(comparison.project) == 0

    def test_writes_names_that_the_registry_knows_only(
        self, make_comparison, judge, ann, drain, embed
    ):
        comparison = make_comparison(texts=["a b c", "a b", "d"])
        judge(ann, comparison, [[0], [1, 2]])

        drain()

        assert set(of(comparison)) <= set(SIGNALS)
        assert {row.family for row in Signals.objects.all()} == {"text", "votes", "judges"}

    def test_gives_the_same_when_run_again_and_leaves_nothing_to_do(
        self, make_comparison, judge, ann, drain, noon
    ):
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        drain()
        before = of(comparison)

        requests.rebuild(project=comparison.project, now=noon)
        drain()

        assert of(comparison) == before
        assert drain() == 0

    def test_follows_new_votes(self, make_comparison, judge, ann, bob, drain):
        comparison = make_comparison()
        judge(ann, comparison, [[0], [1]])
        drain()
        first = of(comparison)

        judge(bob, comparison, [[1], [0]])
        drain()

        assert first["people_probability"] == 0.75
        assert of(comparison)["people_probability"] == 0.5
        assert of(comparison)["vote_agreement"] == 0.0

    def test_keeps_judges_and_people_apart(self, make_comparison, judge, ann, drain, noon):
        comparison = make_comparison()
        robot = Annotator.objects.create(kind=AnnotatorKind.LLM, name="robot", created_at=noon)
        judge(ann, comparison, [[0], [1]])
        judge(robot, comparison, [[1], [0]])

        drain()

        values = of(comparison)
        assert (values["people_votes"], values["n_judges"]) == (1, 1)
        assert values["judge_probability"] == 0.0
        assert values["judge_human_gap"] == 0.75

    def test_asks_for_difficulty_afterwards(self, make_comparison, drain):
        comparison = make_comparison()

        drain()

        asked = SignalRequest.objects.get()
        assert (asked.comparison_id, asked.family) == (comparison.pk, "difficulty")

    def test_sets_a_comparison_aside_that_cannot_be_read_and_goes_on(
        self, make_comparison, drain, monkeypatch
    ):
        broken, good = make_comparison(), make_comparison()
        Response.objects.filter(item=broken.item).update(content=[{"type": "text"}])

        drain()

        assert list(signals_of([broken.pk, good.pk])) == [good.pk]
        aside = SignalRequest.objects.get(family="text")
        assert (aside.comparison_id, aside.tries) == (broken.pk, MOST_TRIES)
        assert aside.error == "KeyError: 'text'"

    def test_works_out_anew_what_an_older_version_has_made(self, make_comparison, drain):
        comparison = make_comparison()
        drain()
        Signals.objects.update(version=0, values={"stale": 1})

        drain()

        assert Signals.objects.get().version == VERSIONS[SignalFamily.TEXT]
        assert "stale" not in of(comparison)

    def test_leaves_other_projects_alone(self, make_comparison, make_project, make_item, drain):
        mine = make_comparison()
        other = make_comparison(item=make_item(project=make_project()))

        drain(project=mine.project)

        assert list(signals_of([mine.pk, other.pk])) == [mine.pk]

    @pytest.mark.django_db(transaction=True)
    def test_works_out_each_comparison_once_when_many_drain_at_once(self, make_comparison, noon):
        for _ in range(12):
            make_comparison()

        def work(_):
            try:
                done = 0
                while taken := refreshing.refresh_next(now=noon, limit=2):
                    done += taken
                return done
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            done = sum(pool.map(work, range(4)))

        assert done == 12
        assert Signals.objects.filter(family="text").count() == 12


class TestVectors:
    @pytest.fixture
    def read(self, noon):
        def read():
            while intake.read_next_items(now=noon):
                pass

        return read

    def test_compare_responses_with_each_other_and_with_the_prompt(
        self, make_comparison, read, embed, drain, noon
    ):
        comparison = make_comparison()
        read()
        prompt = ItemTexts.objects.get().prompt_id
        answers = ResponseText.objects.order_by("response_id").values_list("text_id", flat=True)
        embed({prompt: 0, answers[0]: 0, answers[1]: 60})
        requests.ask(comparison_ids=[comparison.pk], families=[SignalFamily.VECTORS], now=noon)

        drain()

        values = of(comparison)
        assert values["response_cosine"] == pytest.approx(0.5, abs=1e-3)
        assert values["prompt_response_cosine"] == pytest.approx(0.75, abs=1e-3)
        assert values["prompt_response_cosine_difference"] == pytest.approx(0.5, abs=1e-3)
        assert values["novelty"] == 1.0
        assert values["embedding_model"] == "toy 1"

    def test_measure_novelty_against_what_people_judged_through_other_comparisons(
        self, make_comparison, read, embed, judge, ann, drain, noon
    ):
        judged, near, far = (make_comparison(prompt=p) for p in ("a", "b", "c"))
        judge(ann, judged, [[0], [1]])
        read()
        prompts = dict(ItemTexts.objects.values_list("item_id", "prompt_id"))
        embed({prompts[judged.item_id]: 0, prompts[near.item_id]: 60, prompts[far.item_id]: 90})
        ids = [judged.pk, near.pk, far.pk]
        requests.ask(comparison_ids=ids, families=[SignalFamily.VECTORS], now=noon)

        drain()

        novelty = {pk: values["novelty"] for pk, values in signals_of(ids).items()}
        assert novelty[judged.pk] == 1.0
        assert novelty[near.pk] == pytest.approx(0.5, abs=1e-3)
        assert novelty[far.pk] == pytest.approx(1.0, abs=1e-3)

    def test_renew_novelty_once_more_is_judged(
        self, make_comparison, read, embed, judge, ann, drain, noon
    ):
        judged, other = make_comparison(prompt="a"), make_comparison(prompt="b")
        read()
        embed({one.prompt_id: 0 for one in ItemTexts.objects.all()})
        requests.ask(comparison_ids=[other.pk], families=[SignalFamily.VECTORS], now=noon)
        drain()
        assert of(other)["novelty"] == 1.0

        judge(ann, judged, [[0], [1]])
        drain()

        assert of(other)["novelty"] == 0.0

    def test_keep_no_row_without_an_embedding_model(self, make_comparison, drain, noon):
        comparison = make_comparison()
        requests.ask(comparison_ids=[comparison.pk], families=[SignalFamily.VECTORS], now=noon)

        drain()

        assert not Signals.objects.filter(family="vectors").exists()


class TestTopics:
    def test_name_the_topic_of_the_prompt(self, make_comparison, drain, noon):
        comparison = make_comparison()
        while intake.read_next_items(now=noon):
            pass
        drawn = PromptMap.objects.create(project=comparison.project)
        Topic.objects.create(prompt_map=drawn, number=3, label="poems", size=1, centroid=b"")
        PromptPoint.objects.create(
            prompt_map=drawn, text=ItemTexts.objects.get().prompt, x=0, y=0, topic=3
        )
        requests.ask(comparison_ids=[comparison.pk], families=[SignalFamily.TOPIC], now=noon)

        drain()

        assert (of(comparison)["topic"], of(comparison)["topic_label"]) == (3, "poems")


class TestImported:
    def test_follow_which_response_people_chose(self, make_comparison, judge, ann, drain, noon):
        comparison = make_comparison()
        for response, value in zip(comparison.response_ids, (-10.0, -30.0), strict=True):
            ImportedSignal.objects.create(
                project=comparison.project,
                item=comparison.item,
                response_id=response,
                name="ref_logprob",
                value=value,
                source="a model",
                imported_at=noon,
            )
        requests.ask(comparison_ids=[comparison.pk], families=[SignalFamily.IMPORTED], now=noon)
        drain()
        assert of(comparison)["reference_log_ratio"] == 20.0
        assert of(comparison)["reference_gap"] is None

        judge(ann, comparison, [[1], [0]])
        drain()

        assert of(comparison)["reference_gap"] == 20.0


class TestRebuild:
    def test_tries_again_what_was_set_aside(self, make_comparison, drain, noon):
        comparison = make_comparison()
        SignalRequest.objects.update(tries=MOST_TRIES, error="out of luck")
        assert drain() == 0

        requests.rebuild(project=comparison.project, now=noon)
        drain()

        assert of(comparison)["n_responses"] == 2

    def test_asks_for_votes_only_where_there_are_any(
        self, make_comparison, judge, ann, drain, project, noon
    ):
        judged, _ = make_comparison(), make_comparison()
        judge(ann, judged, outcome=Outcome.UNSURE)
        drain()
        assert Consensus.objects.count() == 1

        requests.rebuild(project=project, now=noon, families=[SignalFamily.VOTES])

        assert SignalRequest.objects.get(family="votes").comparison_id == judged.pk
