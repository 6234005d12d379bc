"""Which prompt decides the split of a group of duplicates."""

from collections.abc import Iterable, Sequence
from datetime import datetime

Prompt = tuple[datetime, str]  # when its item came, digest of its content


def anchors_of(groups: Iterable[Sequence[Prompt]]) -> dict[str, str]:
    """Give each prompt of the groups the one that decides its split.

    Groups that share a prompt are one, whatever kinds and projects they are of. Of each the
    earliest prompt decides, among equals the least digest, so that what comes later moves nothing
    that is there already; only a prompt that joins two groups moves the later one.

    Args:
        groups: the prompts of each group's items, in any order.

    Returns:
        Digest of the deciding prompt, by digest; its own for that prompt itself.
    """
    parent: dict[str, str] = {}
    earliest: dict[str, Prompt] = {}
    for group in groups:
        for prompt in group:
            root, other = root_of(parent, group[0][1]), root_of(parent, prompt[1])
            parent[other] = root
            known = [earliest[one] for one in (root, other) if one in earliest]
            earliest[root] = min([prompt, *known])
    return {digest: earliest[root_of(parent, digest)][1] for digest in list(parent)}


def root_of(parent: dict[str, str], digest: str) -> str:
    parent.setdefault(digest, digest)
    while parent[digest] != digest:
        parent[digest] = parent[parent[digest]]
        digest = parent[digest]
    return digest
