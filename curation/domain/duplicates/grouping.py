"""From scored pairs and people's decisions to groups.

Groups are joined best pair first: two groups become one when the linkage of all pairs between them
reaches the threshold and nobody has said that they differ. Whatever is equal is ordered by key, so
the result is a function of the set of pairs, not of the order in which they came. No linkage is
above its best pair, so no group reaches beyond a connected component of the pairs at or above the
threshold and the must-links: regrouping the components that changed is enough.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from curation.domain.duplicates.pairs import Key, Pair
from curation.domain.duplicates.policy import AVERAGE, COMPLETE, SINGLE

Link = tuple[Key, Key]


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that are the same.

    Attributes:
        members: two or more keys, ascending.
        score: the least linkage at which it was joined, in [threshold, 1]; 1 where only decisions
            joined it.
        similarity: the least similarity among the pairs that hold it together (those of its
            maximum spanning tree by score); 1 where only decisions hold it.
    """

    members: tuple[Key, ...]
    score: float
    similarity: float


def groups_of(
    pairs: Iterable[Pair],
    *,
    threshold: float,
    linkage: str,
    must: Iterable[Link] = (),
    cannot: Iterable[Link] = (),
) -> list[Group]:
    """Group nodes.

    Args:
        pairs: each pair of nodes once, in any order; a pair that is not there counts 0.
        threshold: least linkage, in (0, 1].
        linkage: "single", "average" or "complete".
        must: pairs that somebody has joined. A link that a `cannot` forbids, directly or through
            the links before it in ascending order, is left out.
        cannot: pairs that never stand in one group.

    Returns:
        Groups of two or more, ascending by their first member. Every node is in at most one.
    """
    groups: list[Group] = []
    for part in components(pairs, threshold, must, cannot):
        groups += _Joining(part, threshold, linkage).groups()
    return sorted(groups, key=lambda group: group.members[0])


@dataclass(slots=True)
class Component:
    """Nodes that pairs or must-links connect, with what is known about them, all ascending."""

    nodes: list[Key] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    must: list[Link] = field(default_factory=list)
    cannot: list[Link] = field(default_factory=list)


def components(
    pairs: Iterable[Pair],
    threshold: float,
    must: Iterable[Link] = (),
    cannot: Iterable[Link] = (),
) -> list[Component]:
    """Cut the nodes into those that pairs at or above the threshold, or must-links, connect.

    Weaker pairs connect nothing, but are kept where both their ends are in one component: they
    count in its linkages.
    """
    pairs, links, cuts = sorted(pairs), in_order(must), in_order(cannot)
    forest = Forest()
    for first, second in [*((p.first, p.second) for p in pairs if p.score >= threshold), *links]:
        forest.join(first, second)
    parts: dict[Key, Component] = {}
    for node in sorted(forest.nodes()):
        parts.setdefault(forest.root(node), Component()).nodes.append(node)
    for one in pairs:
        if forest.connects(one.first, one.second):
            parts[forest.root(one.first)].pairs.append(one)
    for link in links:
        parts[forest.root(link[0])].must.append(link)
    for link in cuts:
        if forest.connects(*link):
            parts[forest.root(link[0])].cannot.append(link)
    return sorted(parts.values(), key=lambda part: part.nodes[0])


def in_order(links: Iterable[Link]) -> list[Link]:
    return sorted({(min(link), max(link)) for link in links if link[0] != link[1]})


class Forest:
    """Union-find with path halving; the root of a tree is its least key."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def nodes(self) -> Iterator[Key]:
        return iter(self._parent)

    def root(self, node: Key) -> Key:
        parent = self._parent
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def connects(self, one: Key, other: Key) -> bool:
        known = one in self._parent and other in self._parent
        return known and self.root(one) == self.root(other)

    def join(self, one: Key, other: Key) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first


class _Joining:
    """The agglomeration of one component. A cluster is named by its least member's position."""

    def __init__(self, part: Component, threshold: float, linkage: str) -> None:
        self.part, self.threshold, self.linkage = part, threshold, linkage
        position = {node: number for number, node in enumerate(part.nodes)}
        self.members = {number: [number] for number in range(len(part.nodes))}
        self.least = dict.fromkeys(self.members, 1.0)
        self.held: dict[int, dict[int, float]] = {number: {} for number in self.members}
        self.apart: dict[int, set[int]] = {number: set() for number in self.members}
        for one, other in part.cannot:
            self._forbid(position[one], position[other])
        for pair in part.pairs:
            one, other = position[pair.first], position[pair.second]
            self.held[one][other] = self.held[other][one] = pair.score
        self._owner = list(range(len(part.nodes)))
        for first, second in part.must:
            self._join_if_allowed(position[first], position[second])

    def groups(self) -> list[Group]:
        self._agglomerate()
        found = [
            (tuple(sorted(self.part.nodes[number] for number in numbers)), self.least[name])
            for name, numbers in self.members.items()
            if len(numbers) > 1
        ]
        owner = {node: members[0] for members, _ in found for node in members}
        within = [p for p in self.part.pairs if owner.get(p.first) == owner.get(p.second, self)]
        weakest = weakest_links(within, owner)
        return [Group(members, least, weakest.get(members[0], 1.0)) for members, least in found]

    def _agglomerate(self) -> None:
        heap = [
            (-value, one, other)
            for one in self.held
            for other in self.held[one]
            if one < other and (value := self._linkage(one, other)) >= self.threshold
        ]
        heapq.heapify(heap)
        while heap:
            value, one, other = heapq.heappop(heap)
            if other not in self.held.get(one, ()) or self._linkage(one, other) != -value:
                continue
            if other in self.apart[one]:
                continue
            self.least[one] = min(self.least[one], self.least[other], -value)
            self._join(one, other)
            for third in self.held[one]:
                if (value := self._linkage(one, third)) >= self.threshold:
                    heapq.heappush(heap, (-value, min(one, third), max(one, third)))

    def _linkage(self, one: int, other: int) -> float:
        held = self.held[one][other]
        if self.linkage == AVERAGE:
            return held / (len(self.members[one]) * len(self.members[other]))
        return held

    def _join_if_allowed(self, one: int, other: int) -> None:
        first, second = sorted((self._name(one), self._name(other)))
        if first != second and second not in self.apart[first]:
            self._join(first, second)

    def _name(self, number: int) -> int:
        while self._owner[number] != number:
            number = self._owner[number]
        return number

    def _join(self, one: int, other: int) -> None:
        """Move the members of `other` into `one`, which comes before it."""
        self.members[one] += self.members.pop(other)
        self._owner[other] = one
        self.held[one].pop(other, None)
        theirs = self.held.pop(other)
        theirs.pop(one, None)
        for third in [*self.held[one], *(t for t in theirs if t not in self.held[one])]:
            joined = self._joined(self.held[one].get(third, 0.0), theirs.get(third, 0.0))
            self.held[third].pop(other, None)
            self.held[one][third] = self.held[third][one] = joined
        for third in self.apart.pop(other):
            self.apart[third].discard(other)
            self._forbid(one, third)

    def _joined(self, mine: float, theirs: float) -> float:
        if self.linkage == SINGLE:
            return max(mine, theirs)
        if self.linkage == COMPLETE:
            return min(mine, theirs)
        return mine + theirs

    def _forbid(self, one: int, other: int) -> None:
        self.apart[one].add(other)
        self.apart[other].add(one)


def weakest_links(pairs: Sequence[Pair], owner: dict[Key, Key]) -> dict[Key, float]:
    """Find the least similarity in the maximum spanning tree of each group.

    Args:
        pairs: pairs within groups.
        owner: the first member of each member's group.
    """
    forest, weakest = Forest(), dict[Key, float]()
    for pair in sorted(pairs, key=lambda pair: (-pair.score, -pair.similarity, pair[:2])):
        if forest.root(pair.first) != forest.root(pair.second):
            forest.join(pair.first, pair.second)
            name = owner[pair.first]
            weakest[name] = min(weakest.get(name, 1.0), pair.similarity)
    return weakest
