"""Which items are the same, given which texts are.

Items with the same texts are one unit: among themselves they are exact duplicates, and no evidence
of another kind. A near or semantic group joins at least two units, so it never exists for a prompt
that is only repeated.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from curation.domain.duplicates.grouping import Group, Link, groups_of
from curation.domain.duplicates.pairs import Key, Pair, pair_of
from curation.domain.duplicates.policy import PROMPT, PROMPT_AND_RESPONSES, Rule

Unit = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class ItemDigests:
    """An item by the digests of its texts.

    Attributes:
        key: its external id.
        prompt: digest of its prompt; for exact duplicates under "folded" that of the folded text.
        responses: digests of its responses, in any order, repeats included.
    """

    key: Key
    prompt: Key
    responses: tuple[Key, ...] = ()


def item_groups(
    items: Sequence[ItemDigests],
    rule: Rule,
    pairs: Iterable[Pair] | None = None,
    *,
    must: Iterable[Link] = (),
    cannot: Iterable[Link] = (),
) -> list[Group]:
    """Group items by one kind of evidence.

    Args:
        items: in any order. For a part of a project, all items whose texts are linked to another.
        rule: what counts, and how groups are joined.
        pairs: texts that are alike, each pair once; None for exact duplicates.
        must, cannot: pairs of item keys, as `decisions.links_of` gives them.

    Returns:
        Groups of item keys, ascending by first member; an item is in at most one. `score` and
        `similarity` are those of the texts, 1 for exact duplicates.
    """
    must, cannot = list(must), list(cannot)
    units = units_of(items, rule.what)
    atoms = atoms_of(units, {key for link in (*must, *cannot) for key in link})
    linked = [] if pairs is None else unit_pairs(units, rule, pairs)
    found = groups_of(
        [*within_units(units, atoms), *between_units(linked, atoms)],
        threshold=rule.threshold,
        linkage=rule.linkage,
        must=must,
        cannot=cannot,
    )
    joined = {key for link in must for key in link}
    unit_of = {atom: unit for unit, split in atoms.items() for atom in split}
    whole = {atom: rest for split in atoms.values() for atom, rest in split.items()}
    lone = [] if pairs is not None else lone_atoms(whole, found)
    kept = [
        group
        for group in found
        if pairs is None
        or len({unit_of[atom] for atom in group.members}) > 1
        or not joined.isdisjoint(group.members)
    ]
    spread = [
        replace(g, members=tuple(sorted(key for atom in g.members for key in whole[atom])))
        for g in kept
    ]
    return sorted([*spread, *lone], key=lambda group: group.members[0])


def units_of(items: Iterable[ItemDigests], what: str) -> dict[Unit, list[ItemDigests]]:
    """Gather the items that have the same texts, by those texts, members ascending.

    Items without responses are left out where only responses count.
    """
    units: dict[Unit, list[ItemDigests]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.key):
        if what == PROMPT:
            units[(item.prompt,)].append(item)
        elif what == PROMPT_AND_RESPONSES:
            units[(item.prompt, *sorted(item.responses))].append(item)
        elif item.responses:
            units[tuple(sorted(item.responses))].append(item)
    return units


def atoms_of(
    units: Mapping[Unit, list[ItemDigests]], named: set[Key]
) -> dict[Unit, dict[Key, list[Key]]]:
    """Split units so that items that a decision names stand alone.

    Returns:
        For each unit its atoms: the least item key of each, with all its item keys.
    """
    atoms: dict[Unit, dict[Key, list[Key]]] = {}
    for unit, items in units.items():
        rest = [item.key for item in items if item.key not in named]
        atoms[unit] = {item.key: [item.key] for item in items if item.key in named}
        if rest:
            atoms[unit][rest[0]] = rest
    return atoms


def within_units(
    units: Mapping[Unit, list[ItemDigests]], atoms: Mapping[Unit, Mapping[Key, list[Key]]]
) -> Iterator[Pair]:
    for unit in units:
        keys = sorted(atoms[unit])
        for place, key in enumerate(keys):
            for other in keys[place + 1 :]:
                yield Pair(key, other, 1.0, 1.0)


def between_units(
    linked: Iterable[Pair], atoms: Mapping[Unit, Mapping[Key, list[Key]]]
) -> Iterator[Pair]:
    for link in linked:
        for one in atoms[link.first]:
            for other in atoms[link.second]:
                yield pair_of(one, other, link.score, link.similarity)


def lone_atoms(whole: Mapping[Key, list[Key]], found: Iterable[Group]) -> list[Group]:
    """Exact duplicates that no decision names: a unit that is one atom."""
    taken = {atom for group in found for atom in group.members}
    return [
        Group(tuple(keys), 1.0, 1.0)
        for atom, keys in whole.items()
        if atom not in taken and len(keys) > 1
    ]


def unit_pairs(
    units: Mapping[Unit, list[ItemDigests]], rule: Rule, pairs: Iterable[Pair]
) -> list[Pair]:
    """Say how alike units are: as their least alike part is to the best it finds opposite.

    Args:
        units: as `units_of` gives them.
        rule: what counts.
        pairs: pairs of texts; pairs with a text that no unit has are left out.
    """
    if rule.what == PROMPT:
        return [
            Pair((p.first,), (p.second,), p.score, p.similarity)
            for p in pairs
            if (p.first,) in units and (p.second,) in units
        ]
    alike = alike_texts(pairs)
    holders: dict[Key, list[Unit]] = defaultdict(list)
    for unit in sorted(units):
        holders[unit[0]].append(unit)
        holders[unit[-1]].append(unit)
    found = {}
    for unit in sorted(units):
        for text in (unit[0], *alike.get(unit[0], ())):
            for other in holders.get(text, ()):
                if unit < other:
                    found[unit, other] = alikeness(unit, other, rule.what, alike)
    return [Pair(*ends, *best) for ends, best in found.items() if best[0] > 0]


Alike = Mapping[Key, Mapping[Key, tuple[float, float]]]


def alike_texts(pairs: Iterable[Pair]) -> Alike:
    alike: dict[Key, dict[Key, tuple[float, float]]] = defaultdict(dict)
    for first, second, score, similarity in pairs:
        alike[first][second] = alike[second][first] = (score, similarity)
    return alike


def alikeness(one: Unit, other: Unit, what: str, alike: Alike) -> tuple[float, float]:
    """Give (score, similarity) of the part of either unit that is least alike to the other."""

    def best(text: Key, among: Sequence[Key]) -> tuple[float, float]:
        if text in among:
            return 1.0, 1.0
        known = alike.get(text, {})
        return max((known[t] for t in among if t in known), default=(0.0, 0.0))

    if what == PROMPT_AND_RESPONSES:
        parts = [best(one[0], other[:1])]
        mine, theirs = one[1:], other[1:]
    else:
        parts, mine, theirs = [], one, other
    parts += [best(text, theirs) for text in mine] + [best(text, mine) for text in theirs]
    return min(parts)
