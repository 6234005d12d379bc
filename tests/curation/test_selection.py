"""Drafting, applying and undoing selections."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection

from annotation.domain.content import text_of
from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import ResponseFormat
from annotation.models import AuditEvent, Comparison, Consensus, Slot
from annotation.services import queue
from annotation.services.aggregation import refresh_next_stale
from curation.domain.selection.floors import FloorsTooHigh
from curation.domain.selection.wish import Wish, wish_json, wish_of
from curation.domain.vocabulary import DuplicateKind, GenerationState, SelectionMethod, SignalFamily
from curation.models import (
    DuplicateGroup,
    DuplicateMember,
    Embedding,
    Generation,
    ItemTexts,
    ResponseText,
    Signals,
    Text,
)
from curation.selectors import selection_choices, selections
from curation.selectors.candidates import NoVectors
from curation.services import selection

BY_DIFFICULTY = ("difficulty",)


@pytest.fixture
def make_signal(noon):
    """Give a comparison a signal: make_signal(comparison, difficulty=.7)."""

    def make(comparison, family=SignalFamily.DIFFICULTY, **values):
        row, _ = Signals.objects.update_or_create(
            comparison=comparison,
            family=family,
            defaults={
                "project": comparison.project, "version": 1, "values": values, "computed_at": noon
            },
        )  # fmt: skip
        return row

    return make


@pytest.fixture
def graded(make_comparison, make_signal):
    """Five open comparisons of growing difficulty, in the order of the queue."""
    comparisons = []
    for place in range(5):
        metadata = {"topic": "maths" if place == 0 else "prose"}
        comparison = make_comparison(slots=2, metadata=metadata, prompt=f"Prompt {place}")
        make_signal(comparison, difficulty=place / 10)
        comparisons.append(comparison)
    return comparisons


@pytest.fixture
def draft(project, noon):
    def draft(**wish):
        wish = {"signals": BY_DIFFICULTY, "n": 2} | wish
        return selection.draft_selection(project=project, user=None, wish=Wish(**wish), now=noon)

    return draft


@pytest.fixture
def embed(noon):
    """Give an item's prompt and responses vectors: embed(item, prompt, [first, second])."""

    def row_of(item, response, text, vector):
        digest = hashlib.sha256(text.encode()).digest()
        row, is_new = Text.objects.get_or_create(
            digest=digest,
            defaults={"folded": digest, "n_chars": len(text), "item": item, "response": response},
        )
        generation, _ = Generation.objects.get_or_create(
            name="tests", revision="1", dimensions=2, max_tokens=9, recipe={},
            state=GenerationState.ACTIVE, defaults={"created_at": noon},
        )  # fmt: skip
        if is_new:
            Embedding.objects.create(
                text=row, generation=generation, vector=np.array(vector, dtype=float).tolist(),
                n_tokens=1, n_chunks=1, embedded_at=noon,
            )  # fmt: skip
        return row

    def embed(item, prompt, answers):
        text = row_of(item, None, f"prompt {item.id}", prompt)
        ItemTexts.objects.create(
            item=item, project=item.project, prompt=text, digest=text.digest, folded=text.folded
        )
        for response, vector in zip(item.responses.order_by("position"), answers, strict=True):
            text = row_of(item, response, f"{response.id} {text_of(response.content)}", vector)
            ResponseText.objects.create(
                response=response, item=item, project=item.project, text=text
            )

    return embed


def picked(drafted):
    return list(drafted.picks.order_by("place").values_list("comparison_id", flat=True))


def order_of(project):
    """Comparisons as the queue hands them out."""
    slots = Slot.objects.open().filter(project=project).order_by("rank", "id")
    return list(dict.fromkeys(slots.values_list("comparison_id", flat=True)))


class TestDraftSelection:
    def test_picks_the_highest_and_changes_nothing_in_the_queue(self, project, graded, draft):
        drafted = draft()

        assert picked(drafted) == [graded[4].id, graded[3].id]
        assert "difficulty 0.4: place 1 of 5" in drafted.picks.get(place=1).reason
        assert order_of(project) == [one.id for one in graded]
        assert drafted.outcome["is_exact"]

    def test_picks_the_lowest_where_that_is_asked(self, graded, draft):
        assert picked(draft(signals=("-difficulty",))) == [graded[0].id, graded[1].id]

    def test_leaves_out_what_is_settled(self, project, graded, judge, draft, ann, bob, noon):
        for annotator in (ann, bob):
            judge(annotator, graded[4], [[0], [1]])
        refresh_next_stale(now=noon)
        assert Consensus.objects.get().is_settled

        assert picked(draft()) == [graded[3].id, graded[2].id]

    def test_leaves_out_what_a_duplicate_stands_for(self, project, graded, draft, noon):
        group = DuplicateGroup.objects.create(
            project=project, kind=DuplicateKind.NEAR, key=b"1" * 32, similarity=0.9, n_items=2,
            representative=graded[0].item, grouped_at=noon,
        )  # fmt: skip
        for member in (graded[0], graded[4]):
            DuplicateMember.objects.create(group=group, item=member.item, kind=DuplicateKind.NEAR)

        assert picked(draft()) == [graded[3].id, graded[2].id]
        assert picked(draft(leaves_out_duplicates=False))[0] == graded[4].id
        assert draft().outcome["duplicates"] == 1

    def test_keeps_floors_and_says_what_they_cost(self, graded, draft):
        drafted = draft(groups="metadata.topic", floors="given", leasts={"maths": 1})

        assert picked(drafted) == [graded[4].id, graded[0].id]
        assert "for the floor of 'maths'" in drafted.picks.get(place=2).reason
        assert drafted.outcome["lost"] == pytest.approx(0.75)
        maths = next(row for row in drafted.outcome["groups"] if row["group"] == "maths")
        assert (maths["available"], maths["floor"], maths["picked"]) == (1, 1, 1)
        assert maths["price"] == pytest.approx(0.75)

    def test_refuses_floors_that_cannot_hold(self, graded, draft):
        with pytest.raises(FloorsTooHigh, match="'maths' wants 2 and has 1"):
            draft(groups="metadata.topic", floors="given", leasts={"maths": 2})

    def test_refuses_a_floor_of_a_group_that_nobody_is_in(self, graded, draft):
        with pytest.raises(FloorsTooHigh, match="'law' wants 1 and has 0"):
            draft(groups="metadata.topic", floors="given", leasts={"law": 1})

    def test_makes_one_ranking_of_several_signals(self, graded, make_signal, draft):
        for place, comparison in enumerate(graded):
            make_signal(comparison, SignalFamily.VECTORS, novelty=[0.9, 0, 0, 0.1, 0.2][place])

        drafted = draft(signals=("difficulty", "novelty"), n=1)

        assert picked(drafted) == [graded[4].id]
        told = {row["signal"]: row["correlation"] for row in drafted.outcome["sources"]}
        assert told["difficulty"] > 0.5
        assert drafted.picks.get().reason == "difficulty 0.4, novelty 0.2: place 1 of 5"

    def test_keeps_a_budget_of_minutes(self, graded, draft):
        drafted = draft(n=None, minutes=0.55)

        assert len(picked(drafted)) == 3
        assert drafted.outcome["minutes"] <= 0.55

    def test_takes_prompts_that_differ(self, graded, embed, draft):
        for place, comparison in enumerate(graded):
            direction = [1.0, 0.0] if place > 1 else [0.0, 1.0]
            embed(comparison.item, direction, [[1, 0], [0, 1]])

        drafted = draft(weight=1.0)

        assert picked(drafted) == [graded[4].id, graded[1].id]
        assert "at most 0.00 like an earlier pick" in drafted.picks.get(place=2).reason

    def test_says_so_where_nothing_is_embedded(self, graded, draft):
        with pytest.raises(NoVectors, match="Nothing here is embedded yet"):
            draft(weight=1.0)

    def test_says_so_where_no_candidate_has_the_signal(self, graded, draft):
        with pytest.raises(selection.NothingToPick, match="No candidate has a value"):
            draft(signals=("novelty",))


class TestApplySelection:
    def test_puts_the_picks_first_in_their_order(self, project, graded, draft, noon):
        applied = selection.apply_selection(selection=draft(), user=None, now=noon)

        assert applied.state == "applied"
        assert order_of(project) == [graded[at].id for at in (4, 3, 0, 1, 2)]
        assert AuditEvent.objects.latest("id").action == "selection.applied"

    def test_is_harmless_twice(self, project, graded, draft, noon):
        drafted = draft()

        once = selection.apply_selection(selection=drafted, user=None, now=noon)
        again = selection.apply_selection(selection=drafted, user=None, now=noon)

        assert once.outcome["first_rank"] == again.outcome["first_rank"]
        assert AuditEvent.objects.count() == 1

    def test_opens_a_slot_where_a_pick_has_none(self, project, graded, draft, ann, noon):
        graded[4].slots.all().delete()

        applied = selection.apply_selection(selection=draft(), user=None, now=noon)

        assert order_of(project)[0] == graded[4].id
        assert len(applied.outcome["opened"]) == 1
        selection.undo_selection(selection=applied, user=None, now=noon)
        assert not graded[4].slots.exists()

    def test_refuses_a_draft_that_another_selection_came_before(self, graded, draft, noon):
        first, second = draft(), draft(signals=("-difficulty",))
        selection.apply_selection(selection=first, user=None, now=noon)

        with pytest.raises(selection.SelectionOutdated, match="make a new draft"):
            selection.apply_selection(selection=second, user=None, now=noon)

    @pytest.mark.django_db(transaction=True)
    def test_lets_one_of_two_people_win(self, project, graded, draft, noon):
        drafts = [draft(), draft(signals=("-difficulty",))]

        def apply(drafted):
            try:
                selection.apply_selection(selection=drafted, user=None, now=noon)
                return drafted
            except selection.SelectionOutdated:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as people:
            won = [drafted for drafted in people.map(apply, drafts) if drafted]

        assert len(won) == 1
        assert order_of(project)[:2] == picked(won[0])


class TestUndoSelection:
    def test_puts_the_ranks_back(self, project, graded, draft, noon):
        before = order_of(project)
        applied = selection.apply_selection(selection=draft(), user=None, now=noon)

        undone = selection.undo_selection(selection=applied, user=None, now=noon)

        assert undone.state == "undone"
        assert order_of(project) == before
        assert set(Comparison.objects.values_list("rank", flat=True)) == {0}

    def test_undoes_the_latest_first(self, project, graded, draft, noon):
        first = selection.apply_selection(selection=draft(), user=None, now=noon)
        selection.apply_selection(selection=draft(signals=("-difficulty",)), user=None, now=noon)

        with pytest.raises(selection.NotNow, match="Selection 2 was applied on top"):
            selection.undo_selection(selection=first, user=None, now=noon)

    def test_keeps_a_slot_that_somebody_took(self, project, graded, draft, ann, noon):
        graded[4].slots.all().delete()
        applied = selection.apply_selection(selection=draft(), user=None, now=noon)
        held = queue.claim_slot(project_id=project.id, annotator_id=ann.id, now=noon)

        selection.undo_selection(selection=applied, user=None, now=noon)

        assert graded[4].slots.get().id == held.id

    def test_keeps_a_rank_that_was_given_since(self, project, graded, draft, noon):
        applied = selection.apply_selection(selection=draft(), user=None, now=noon)
        Comparison.objects.filter(id=graded[4].id).update(rank=-50)

        selection.undo_selection(selection=applied, user=None, now=noon)

        assert Comparison.objects.get(id=graded[4].id).rank == -50

    def test_refuses_a_draft(self, graded, draft, noon):
        with pytest.raises(selection.NotNow, match="nothing to undo"):
            selection.undo_selection(selection=draft(), user=None, now=noon)


class TestPickingResponses:
    @pytest.fixture
    def crowd(self, project, make_item, embed, make_comparison):
        """An item with two clusters of two responses; one of each is the best choice."""
        item = make_item(texts=("a", "b", "c", "d"))
        embed(item, [1, 0], [[1, 0], [0.98, 0.199], [0, 1], [0.199, 0.98]])
        make_comparison(item=item)
        return item

    def wish(self, **fields):
        return {"method": SelectionMethod.RESPONSES, "signals": (), "k": 2, "n": 5} | fields

    def test_opens_the_comparison_of_one_of_each_cluster(self, project, crowd, draft, noon):
        drafted = draft(**self.wish())
        applied = selection.apply_selection(selection=drafted, user=None, now=noon)

        pick = applied.picks.get()
        places = [crowd.responses.get(id=response).position for response in pick.response_ids]
        assert {place // 2 for place in places} == {0, 1}
        assert pick.comparison.response_ids == pick.response_ids
        assert order_of(project)[0] == pick.comparison_id
        assert "2 of 4 responses, the best of all choices" in pick.reason

    def test_compares_three_in_pairs(self, project, crowd, draft):
        assert draft(**self.wish(k=3)).picks.count() == 3

    def test_compares_three_at_once_in_a_ranking_project(self, project, crowd, draft):
        project.response_format = ResponseFormat.RANKING
        project.save()

        assert len(draft(**self.wish(k=3)).picks.get().response_ids) == 3

    def test_says_so_where_no_item_has_enough_responses(self, crowd, draft):
        with pytest.raises(selection.NothingToPick):
            draft(**self.wish(k=4))


class TestWishOf:
    def test_reads_what_it_writes(self):
        wish = Wish(signals=("-novelty",), n=3, groups="topic", floors="given", leasts={"a": 1})

        assert wish_of(wish_json(wish)) == wish

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            ({"signals": ["difficulty"]}, "n"),
            ({"n": 3}, "signals"),
            ({"n": 3, "signals": ["prompt_language"]}, "signals"),
            ({"n": 3, "signals": ["nonsense"]}, "signals"),
            ({"n": 0, "signals": ["novelty"]}, "n"),
            ({"n": 3, "signals": ["novelty"], "floors": "proportional"}, "floors"),
            ({"n": 3, "signals": ["novelty"], "groups": "colour"}, "groups"),
            ({"n": 3, "signals": ["novelty"], "groups": "topic", "leasts": {"a": -1}}, "floors"),
            ({"n": 3, "minutes": 2, "method": "responses"}, "minutes"),
            ({"n": 3, "k": 1, "method": "responses"}, "k"),
            ({"n": 3, "colour": "red"}, "colour"),
        ],
    )
    def test_refuses_at_the_field(self, value, field):
        with pytest.raises(InvalidField) as refused:
            wish_of(value)

        assert refused.value.field == field


class TestChoices:
    def test_offer_the_signals_that_are_there(self, project, graded, make_signal):
        make_signal(
            graded[0], SignalFamily.TEXT, prompt_words=3, prompt_language="en", n_turns=None
        )

        names = [signal.name for signal in selection_choices.ranked_signals(project)]

        assert names == ["difficulty", "prompt_words"]

    def test_offer_groups_with_how_many_are_open(self, project, graded):
        assert ("metadata.topic", "metadata: topic") in selection_choices.groupings(project)
        assert selection_choices.available(project, "metadata.topic") == [
            ("prose", 4),
            ("maths", 1),
        ]

    def test_tell_what_a_draft_would_do_to_the_queue(self, graded, draft):
        graded[4].slots.all().delete()

        effect = selections.queue_effect(draft())

        assert (effect.n_moved, effect.n_open, effect.n_without) == (2, 8, 1)
