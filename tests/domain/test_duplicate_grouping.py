from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from curation.domain.duplicates.decisions import Decision, links_of
from curation.domain.duplicates.grouping import components, groups_of
from curation.domain.duplicates.items import ItemDigests, item_groups
from curation.domain.duplicates.pairs import Pair, pair_of
from curation.domain.duplicates.policy import DEFAULT, LINKAGES, rule_of

NODES = "abcdefghij"
ends = st.lists(st.sampled_from(NODES), min_size=2, max_size=2, unique=True).map(
    lambda two: tuple(sorted(two))
)
graphs = st.dictionaries(ends, st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.8, 1.0]), max_size=25).map(
    lambda known: [Pair(*link, score, score) for link, score in known.items()]
)
links = st.lists(ends, max_size=4)
any_linkage = st.sampled_from(LINKAGES)


def members(groups):
    return {group.members for group in groups}


class TestGroupsOf:
    @given(graphs, links, links, any_linkage, st.randoms())
    def test_does_not_depend_on_the_order_of_anything(self, pairs, must, cannot, how, dice):
        first = groups_of(pairs, threshold=0.5, linkage=how, must=must, cannot=cannot)
        for shuffled in (pairs, must, cannot):
            dice.shuffle(shuffled)
        second = groups_of(pairs, threshold=0.5, linkage=how, must=must, cannot=cannot)

        assert first == second

    @given(graphs, links, links, any_linkage)
    def test_never_joins_what_somebody_has_split(self, pairs, must, cannot, how):
        found = groups_of(pairs, threshold=0.5, linkage=how, must=must, cannot=cannot)

        assert not any(set(link) <= set(group.members) for group in found for link in cannot)

    @given(graphs, links, any_linkage)
    def test_joins_what_somebody_has_merged(self, pairs, must, how):
        found = groups_of(pairs, threshold=0.5, linkage=how, must=must)

        assert all(any(set(link) <= set(group.members) for group in found) for link in must)

    @given(graphs, links, links, any_linkage)
    def test_gives_the_same_one_component_at_a_time(self, pairs, must, cannot, how):
        whole = groups_of(pairs, threshold=0.5, linkage=how, must=must, cannot=cannot)
        parts = [
            group
            for part in components(pairs, 0.5, must, cannot)
            for group in groups_of(
                part.pairs, threshold=0.5, linkage=how, must=part.must, cannot=part.cannot
            )
        ]

        assert sorted(parts, key=lambda group: group.members) == whole

    @given(graphs, st.lists(st.sampled_from(NODES), unique=True), any_linkage)
    def test_keeps_the_groups_that_new_pairs_do_not_touch(self, pairs, newcomers, how):
        old = [pair for pair in pairs if not {pair.first, pair.second} & set(newcomers)]
        before = groups_of(old, threshold=0.5, linkage=how)
        after = groups_of(pairs, threshold=0.5, linkage=how)
        touched = {
            node
            for part in components(pairs, 0.5)
            if {end for pair in part.pairs for end in pair[:2]} & set(newcomers)
            for node in part.nodes
        }

        assert {m for m in members(before) if not touched & set(m)} == {
            m for m in members(after) if not touched & set(m)
        }

    @given(graphs)
    def test_agrees_with_connected_components_under_single_linkage(self, pairs):
        strong = [pair for pair in pairs if pair.score >= 0.5]
        rows = [NODES.index(pair.first) for pair in strong]
        columns = [NODES.index(pair.second) for pair in strong]
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(NODES),) * 2)
        labels = connected_components(graph, directed=False)[1]
        expected = defaultdict(list)
        for node, label in zip(NODES, labels, strict=True):
            expected[label].append(node)

        found = groups_of(pairs, threshold=0.5, linkage="single")

        assert members(found) == {tuple(g) for g in expected.values() if len(g) > 1}

    @settings(max_examples=50)
    @given(st.integers(0, 10_000), any_linkage)
    def test_agrees_with_scipy_where_no_scores_are_equal(self, seed, how):
        # Drawn freely: means of evenly spaced scores can be equal where the scores are not.
        scores = np.random.default_rng(seed).uniform(0.01, 0.99, 45)
        first, second = np.triu_indices(len(NODES), 1)
        pairs = [
            Pair(NODES[i], NODES[j], score, score)
            for i, j, score in zip(first, second, scores, strict=True)
        ]
        distances = np.zeros((len(NODES),) * 2)
        distances[first, second] = distances[second, first] = 1 - scores
        labels = fcluster(linkage(squareform(distances), how), 0.4, "distance")
        expected = defaultdict(list)
        for node, label in zip(NODES, labels, strict=True):
            expected[label].append(node)

        found = groups_of(pairs, threshold=0.6, linkage=how)

        assert members(found) == {tuple(g) for g in expected.values() if len(g) > 1}

    def test_breaks_a_chain_under_average_linkage(self):
        chain = [Pair(a, b, 0.9, 0.9) for a, b in zip(NODES, NODES[1:], strict=False)]

        found = groups_of(chain, threshold=0.5, linkage="average")

        assert max(len(group.members) for group in found) == 2

    def test_names_the_weakest_link_that_holds_a_group(self):
        pairs = [Pair("a", "b", 0.9, 0.7), Pair("a", "c", 0.8, 0.6), Pair("b", "c", 0.7, 0.5)]

        (group,) = groups_of(pairs, threshold=0.5, linkage="average")

        assert group.similarity == 0.6
        assert group.score == pytest.approx(0.75)


class TestLinksOf:
    def test_lets_the_later_decision_hold(self):
        merged = Decision("merge", ("b", "a", "c"))
        split = Decision("split", ("c",), ("a",))

        must, cannot = links_of([merged, split])

        assert must == [("a", "b"), ("b", "c")]
        assert cannot == [("a", "c")]
        assert links_of([split, merged]) == ([("a", "b"), ("a", "c"), ("b", "c")], [])


class TestItemGroups:
    repeated = [ItemDigests(f"i{n}", "p", (f"r{n}", "s")) for n in range(4)]

    def test_finds_no_group_in_a_prompt_that_is_only_repeated(self):
        assert item_groups(self.repeated, DEFAULT.semantic, []) == []

    def test_joins_all_items_of_two_prompts_that_say_the_same(self):
        others = [ItemDigests(f"j{n}", "q") for n in range(2)]

        (group,) = item_groups([*self.repeated, *others], DEFAULT.near, [Pair("p", "q", 0.9, 0.8)])

        assert group.members == ("i0", "i1", "i2", "i3", "j0", "j1")
        assert (group.score, group.similarity) == (0.9, 0.8)

    def test_finds_exact_repeats_whatever_the_order_of_responses(self):
        items = [ItemDigests("a", "p", ("r", "s")), ItemDigests("b", "p", ("s", "r"))]

        (group,) = item_groups([*items, ItemDigests("c", "p", ("r", "r"))], DEFAULT.exact)

        assert group.members == ("a", "b")

    def test_splits_two_items_of_one_exact_group(self):
        items = [ItemDigests(key, "p", ("r",)) for key in "abc"]

        found = item_groups(items, DEFAULT.exact, cannot=[("a", "b")])

        assert members(found) == {("a", "c")}

    def test_asks_every_response_for_its_like_where_responses_count(self):
        rule = rule_of("near", {"what": "prompt_and_responses"})
        items = [ItemDigests("a", "p", ("r", "s")), ItemDigests("b", "q", ("r", "t"))]
        prompts, answers = Pair("p", "q", 0.9, 0.9), Pair("s", "t", 0.8, 0.8)

        assert item_groups(items, rule, [prompts]) == []
        assert members(item_groups(items, rule, [prompts, answers])) == {("a", "b")}

    @given(st.lists(ends, max_size=3), st.lists(ends, max_size=3), st.randoms())
    def test_does_not_depend_on_the_order_of_items(self, must, cannot, dice):
        items = [ItemDigests(key, f"p{place % 4}") for place, key in enumerate(NODES)]
        pairs = [pair_of("p0", "p1", 0.9, 0.9), pair_of("p2", "p1", 0.7, 0.7)]
        before = item_groups(items, DEFAULT.semantic, pairs, must=must, cannot=cannot)
        dice.shuffle(items)

        after = item_groups(items, DEFAULT.semantic, pairs, must=must, cannot=cannot)

        assert before == after
        assert not any(set(link) <= set(g.members) for g in after for link in cannot)
