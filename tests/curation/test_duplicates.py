"""Duplicates of items: looked for as texts come in, grouped, decided upon, and kept apart."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import MOST_TRIES, Role
from annotation.models import AuditEvent, Item
from annotation.services import aggregation
from curation.domain.duplicates import scoring
from curation.models import (
    DuplicateDecision,
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    DuplicateRequest,
    DuplicateState,
    RegroupRequest,
)
from curation.services.duplicates import decisions, policies, regrouping, searching, vectors

pytestmark = pytest.mark.django_db

RAIN = "Please write a short haiku about the rain that falls in the old town in spring"
SNOW = "Explain how a compiler turns the source of a program into machine code, step by step"


@pytest.fixture
def ada(make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    return user


@pytest.fixture
def search_all(noon):
    """Look for all duplicates and group them: search_all()."""

    def search_all(project=None):
        while searching.search_next(now=noon, project=project):
            pass
        while regrouping.regroup_next(now=noon, project=project):
            pass

    return search_all


def groups(project, kind=None):
    """What the groups say, by names alone: (kind, members, representative)."""
    found = DuplicateGroup.objects.filter(project=project).select_related("representative")
    return sorted(
        (
            group.kind,
            tuple(sorted(group.members.values_list("item__external_id", flat=True))),
            group.representative.external_id,
            round(group.similarity, 6),
            group.is_accepted,
        )
        for group in (found.filter(kind=kind) if kind else found)
    )


def members(project, kind):
    return [group[1] for group in groups(project, kind)]


def ids(*names):
    return sorted(Item.objects.filter(external_id__in=names).values_list("pk", flat=True))


class TestSearch:
    def test_groups_items_that_are_equal_whatever_the_order_of_responses(
        self, project, make_item, read_all, search_all
    ):
        make_item(("a", "b"), external_id="one")
        make_item(("b", "a"), external_id="two")
        make_item(("a", "c"), external_id="three")

        read_all()
        search_all()

        assert groups(project) == [("exact", ("one", "two"), "one", 1.0, False)]

    def test_groups_items_whose_prompts_are_nearly_the_same(
        self, project, make_item, read_all, search_all
    ):
        make_item(("a", "b"), RAIN, external_id="one")
        make_item(("c", "d"), RAIN + ".", external_id="two")
        make_item(("e", "f"), SNOW, external_id="three")

        read_all()
        search_all()

        assert members(project, "near") == [("one", "two")]
        pair = DuplicatePair.objects.get(kind="near")
        assert 0.9 < pair.similarity < 1
        assert pair.first_id < pair.second_id

    def test_makes_no_near_group_of_a_prompt_that_is_only_repeated(
        self, project, make_item, read_all, search_all
    ):
        make_item(("a", "b"), RAIN)
        make_item(("c", "d"), RAIN)

        read_all()
        search_all()

        assert groups(project) == []

    def test_groups_items_whose_prompts_have_like_vectors(
        self, project, make_item, embed_all, search_all, ada, noon
    ):
        policies.set_policy(
            user=ada,
            project=project,
            rules={"semantic": {"evidence": "cosine", "threshold": 0.999, "floor": 0.9}},
            representative="first",
            now=noon,
        )
        make_item(("a", "b"), "blue sky", external_id="one")
        make_item(("c", "d"), "sky blue", external_id="two")
        make_item(("e", "f"), SNOW, external_id="three")

        embed_all()
        search_all()

        assert members(project, "semantic") == [("one", "two")]

    def test_keeps_to_each_project(self, project, make_project, make_item, read_all, search_all):
        other = make_project(slug="other")
        make_item(("a", "b"), RAIN)
        make_item(("a", "b"), RAIN, project=other)

        read_all()
        search_all()

        assert not DuplicateGroup.objects.exists()
        assert not DuplicatePair.objects.exists()

    def test_finds_a_text_that_came_later(self, project, make_item, read_all, search_all):
        make_item(("a", "b"), RAIN, external_id="one")
        read_all()
        search_all()
        make_item(("c", "d"), RAIN + "!", external_id="two")

        read_all()
        search_all()

        assert members(project, "near") == [("one", "two")]
        assert not DuplicateRequest.objects.exists()
        assert not RegroupRequest.objects.exists()

    def test_leaves_everything_as_it_was_when_it_is_killed(
        self, project, make_item, read_all, noon, monkeypatch
    ):
        make_item(("a", "b"), RAIN)
        make_item(("a", "b"), RAIN + "!")
        read_all()
        waiting = set(DuplicateRequest.objects.values_list("kind", "text"))

        def die(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(searching, "store", die)
        while True:
            try:
                with transaction.atomic():
                    searching.search_next(now=noon)
            except KeyboardInterrupt:
                break

        assert {kind for kind, _ in waiting} == {"exact", "near"}
        left = set(DuplicateRequest.objects.values_list("kind", "text"))
        assert left == {one for one in waiting if one[0] == "near"}
        assert not DuplicatePair.objects.exists()

    def test_sets_a_text_aside_that_cannot_be_worked_on(
        self, project, make_item, read_all, search_all, noon, monkeypatch
    ):
        make_item(("a", "b"), RAIN, external_id="one")
        make_item(("c", "d"), RAIN + "!", external_id="two")
        make_item(("e", "f"), SNOW, external_id="three")
        make_item(("g", "h"), SNOW + " poison", external_id="four")
        read_all()
        near = scoring.near_score

        def score(first, second, rule):
            if "poison" in first + second:
                raise ValueError("no")
            return near(first, second, rule)

        monkeypatch.setattr(searching, "near_score", score)
        search_all()

        aside = set(DuplicateRequest.objects.values_list("tries", "error"))
        assert aside == {(MOST_TRIES, "ValueError: no")}
        assert DuplicateRequest.objects.count() == 2
        assert members(project, "near") == [("one", "two")]


class TestPolicy:
    def test_counts_responses_where_it_says_so(
        self, project, make_item, read_all, search_all, ada, noon
    ):
        make_item((RAIN, SNOW), "First?", external_id="one")
        make_item((SNOW + ".", RAIN + "!"), "Second?", external_id="two")
        make_item((RAIN + "!", "another"), "Third?", external_id="three")
        read_all()
        search_all()
        assert groups(project) == []

        policies.set_policy(
            user=ada,
            project=project,
            rules={"near": {"what": "response"}},
            representative="first",
            now=noon,
        )
        search_all()

        assert members(project, "near") == [("one", "two")]

    def test_counts_the_responses_of_items_that_come_later_too(
        self, project, make_item, read_all, search_all, ada, noon
    ):
        rules = {"near": {"what": "prompt_and_responses"}}
        policies.set_policy(
            user=ada, project=project, rules=rules, representative="first", now=noon
        )
        for name, end in (("one", ""), ("two", "!")):
            make_item((RAIN + end, SNOW), "First one?" + end, external_id=name)
            read_all()
            search_all()

        assert members(project, "near") == [("one", "two")]

    def test_regroups_under_another_threshold(
        self, project, make_item, read_all, search_all, ada, noon
    ):
        make_item(("a", "b"), RAIN, external_id="one")
        make_item(("c", "d"), RAIN + "!!!", external_id="two")
        read_all()
        search_all()
        assert members(project, "near") == [("one", "two")]
        rules = {"near": {"threshold": 0.99}}

        shown = policies.preview(project=project, rules=rules, representative="first")
        policies.set_policy(
            user=ada, project=project, rules=rules, representative="first", now=noon
        )
        search_all()

        assert [(one.kind, one.n_groups_now, one.n_groups) for one in shown] == [
            ("exact", 0, 0), ("near", 1, 0), ("semantic", 0, 0),
        ]  # fmt: skip
        assert groups(project) == []
        assert DuplicateState.objects.get().policy == 1
        assert AuditEvent.objects.filter(action="duplicate_policy_changed").exists()

    @pytest.mark.parametrize(
        ("rules", "representative"),
        [({"nonsense": {}}, "first"), ({"near": {"threshold": 2}}, "first"), ({}, "loudest")],
    )
    def test_refuses_one_that_does_not_read(self, project, ada, noon, rules, representative):
        with pytest.raises(InvalidField):
            policies.set_policy(
                user=ada, project=project, rules=rules, representative=representative, now=noon
            )

    def test_chooses_who_stands_for_a_group(
        self, project, make_item, read_all, search_all, ada, noon
    ):
        make_item(("a", "b"), RAIN, external_id="first")
        make_item(("c", "d"), RAIN + "!", external_id="longer")
        read_all()
        search_all()
        before = groups(project)

        policies.set_policy(user=ada, project=project, rules={}, representative="first", now=noon)
        search_all()

        assert [before[0][2], groups(project)[0][2]] == ["longer", "first"]

    def test_prefers_the_item_with_most_judgments_as_they_come_in(
        self, project, make_comparison, read_all, search_all, judge, ann, noon
    ):
        make_comparison(texts=("a", "b"), external_id="one")
        judged = make_comparison(texts=("b", "a"), external_id="two")
        read_all()
        search_all()
        before = groups(project)

        judge(ann, judged, [[0], [1]])
        aggregation.refresh_next_stale(now=noon)
        search_all()

        assert [before[0][2], groups(project)[0][2]] == ["one", "two"]


class TestDecisions:
    @pytest.fixture
    def three(self, project, make_item, read_all, search_all):
        for number, end in enumerate(("", "!", ".")):
            make_item((f"a{number}", "b"), RAIN + end, external_id=f"item-{number}")
        read_all()
        search_all()
        return DuplicateGroup.objects.get(kind="near")

    def test_split_an_item_out_for_good(
        self, three, project, make_item, read_all, search_all, ada, noon
    ):
        decisions.split_group(
            user=ada, project=project, group_id=three.pk, items=ids("item-1"), now=noon
        )
        search_all()
        assert members(project, "near") == [("item-0", "item-2")]

        make_item(("x", "y"), RAIN + "?", external_id="item-3")
        read_all()
        search_all()
        regrouping.rebuild_duplicates(project=project, now=noon)
        search_all()

        together = {frozenset(group) for group in members(project, "near")}
        assert not any({"item-1"} < group & {"item-0", "item-1", "item-2"} for group in together)
        assert any("item-3" in group for group in together)

    def test_accept_exactly_what_was_seen(
        self, three, project, make_item, read_all, search_all, ada, noon
    ):
        seen = ids("item-0", "item-1", "item-2")
        decisions.accept_group(user=ada, project=project, group_id=three.pk, items=seen, now=noon)
        search_all()
        assert groups(project)[0][4] is True

        make_item(("x", "y"), RAIN + "?", external_id="item-3")
        read_all()
        search_all()

        (group,) = groups(project)
        assert (len(group[1]), group[4]) == (4, False)

    def test_refuse_a_group_that_has_changed(self, three, project, ada, noon):
        with pytest.raises(decisions.GroupChanged):
            decisions.accept_group(
                user=ada, project=project, group_id=three.pk, items=ids("item-0"), now=noon
            )
        with pytest.raises(InvalidField):
            decisions.split_group(user=ada, project=project, group_id=three.pk, items=[], now=noon)
        with pytest.raises(NotFound):
            decisions.split_group(user=ada, project=project, group_id=0, items=[1], now=noon)

    def test_merge_groups_and_undo_it(
        self, three, project, make_item, read_all, search_all, ada, noon
    ):
        for number, end in enumerate(("", "!")):
            make_item((f"c{number}", "d"), SNOW + end, external_id=f"snow-{number}")
        read_all()
        search_all()
        before = groups(project)
        pks = list(DuplicateGroup.objects.filter(kind="near").values_list("pk", flat=True))

        merged = decisions.merge_groups(user=ada, project=project, group_ids=pks, now=noon)
        search_all()
        assert [len(group) for group in members(project, "near")] == [5]
        decisions.undo(user=ada, project=project, decision_id=merged.pk, now=noon)
        decisions.undo(user=ada, project=project, decision_id=merged.pk, now=noon)
        search_all()

        assert groups(project) == before
        written = DuplicateDecision.objects.get()
        assert (written.decided_by, written.decided_at, written.undone_at) == (ada, noon, noon)
        actions = list(AuditEvent.objects.values_list("action", flat=True).order_by("id"))
        assert actions == ["duplicates_merge", "duplicates_undone"]

    def test_are_overruled_by_later_ones(self, three, project, search_all, ada, noon):
        everyone = ids("item-0", "item-1", "item-2")
        decisions.split_group(
            user=ada, project=project, group_id=three.pk, items=everyone[:1], now=noon
        )
        decisions.decide(
            user=ada, project=project, kind="near", verb=decisions.DuplicateVerb.MERGE,
            items=everyone, now=noon + timedelta(hours=1),
        )  # fmt: skip
        search_all()

        assert [len(group) for group in members(project, "near")] == [3]

    def test_are_about_items_of_the_project_alone(
        self, project, make_project, make_item, ada, noon
    ):
        mine, theirs = make_item(), make_item(project=make_project(slug="other"))

        with pytest.raises(InvalidField):
            decisions.decide(
                user=ada, project=project, kind="near", verb=decisions.DuplicateVerb.MERGE,
                items=[mine.pk, theirs.pk], now=noon,
            )  # fmt: skip


class TestGroups:
    def test_hold_an_item_once_of_each_kind(self, project, make_item, read_all, search_all):
        make_item(("a", "b"), external_id="one")
        make_item(("b", "a"), external_id="two")
        read_all()
        search_all()
        group = DuplicateGroup.objects.get()

        with pytest.raises(IntegrityError, match="duplicate_member_once_per_kind"):
            DuplicateMember.objects.create(group=group, item_id=ids("one")[0], kind="exact")

    @settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 12), max_size=3))
    def test_are_the_same_in_whatever_order_items_come(
        self, project, make_item, read_all, search_all, ada, noon, seed, cuts
    ):
        """Piece by piece in a shuffled order, or all at once: equal groups, and a rebuild too."""
        rain = [RAIN[:n] for n in (50, 56, 62, 68, 74, len(RAIN))]
        story = [(f"i{n}", RAIN + "!" * n) for n in range(3)] + [
            (f"r{n}", text) for n, text in enumerate(rain)
        ] + [("s0", SNOW), ("s1", SNOW), ("s2", SNOW + ".")]  # fmt: skip
        with transaction.atomic():
            shuffled = random.Random(seed).sample(story, len(story))
            for place, (name, prompt) in enumerate(shuffled):
                make_item(("a", "b"), prompt, external_id=name)
                if place in cuts:
                    read_all()
                    search_all()
            read_all()
            search_all()
            piecewise = groups(project)
            keys = {bytes(key) for key in DuplicateGroup.objects.values_list("key", flat=True)}

            regrouping.rebuild_duplicates(project=project, now=noon)
            search_all()

            assert piecewise == groups(project) == what_the_first_order_gave(piecewise)
            assert {bytes(k) for k in DuplicateGroup.objects.values_list("key", flat=True)} == keys
            assert len(piecewise) > 1
            transaction.set_rollback(True)


FIRST = []


def what_the_first_order_gave(piecewise):
    if not FIRST:
        FIRST.append(piecewise)
    return FIRST[0]


class TestTwoDrains:
    @pytest.mark.django_db(transaction=True)
    def test_at_once_miss_nothing(
        self, project, make_item, read_all, search_all, noon, monkeypatch
    ):
        monkeypatch.setattr(searching, "TEXTS_AT_ONCE", 4)
        for number in range(24):
            text = (RAIN if number % 2 else SNOW) + "!" * (number // 2)
            make_item((f"a{number // 4}", "b"), text, external_id=f"i{number}")
        read_all()

        def drain(_):
            try:
                while searching.search_next(now=noon) or regrouping.regroup_next(now=noon, limit=5):
                    pass
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as workers:
            list(workers.map(drain, range(3)))
        search_all()
        together = groups(project)
        regrouping.rebuild_duplicates(project=project, now=noon)
        search_all()

        assert together == groups(project)
        assert sorted(len(group) for group in members(project, "near")) == [12, 12]


class TestIndex:
    def test_gives_what_comparing_all_gives(
        self, project, make_item, embed_all, search_all, ada, noon, monkeypatch
    ):
        policies.set_policy(
            user=ada,
            project=project,
            rules={"semantic": {"evidence": "cosine", "threshold": 0.95, "floor": 0.5}},
            representative="first",
            now=noon,
        )
        for number, text in enumerate(("blue sky", "sky blue", SNOW, "blue blue sky", RAIN)):
            make_item((f"a{number}", "b"), text)
        embed_all()
        search_all()
        compared = pairs_by_texts()
        regrouping.rebuild_duplicates(project=project, now=noon)
        monkeypatch.setattr(vectors, "MOST_COMPARED", 0)
        monkeypatch.setattr(vectors, "SHARE", 0)

        search_all()

        assert len(compared) >= 1
        assert pairs_by_texts() == compared


def pairs_by_texts():
    found = DuplicatePair.objects.filter(kind="semantic")
    return {
        (first, second): pytest.approx(similarity, abs=2e-3)
        for first, second, similarity in found.values_list("first", "second", "similarity")
    }
