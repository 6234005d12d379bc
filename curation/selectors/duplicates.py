"""Which items are duplicates of which, as the groups stand now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from annotation.models import Project
from curation.domain.anchors import anchors_of
from curation.domain.canonical import digest_of
from curation.domain.duplicates.policy import PROMPT
from curation.domain.vocabulary import DuplicateKind
from curation.models import DuplicateMember, ItemTexts
from curation.selectors.duplicate_links import policy_in_force

MEMBERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Membership:
    """An item in a group of duplicates.

    `is_repeat` says that another item stands for it: it is neither the representative nor, where
    prompts are what counts, an item with the representative's very prompt.
    """

    group_id: int
    key: bytes
    kind: DuplicateKind
    representative_id: int
    representative: str
    n_items: int
    similarity: float
    is_repeat: bool


def groups_of(item_ids: Collection[int]) -> dict[int, list[Membership]]:
    """The groups that items are in, one of each kind at most, the strongest kind first.

    Items that are in none are left out. Two queries, and one for each project.
    """
    found = DuplicateMember.objects.filter(item__in=item_ids)
    rows = list(found.select_related("group__representative").order_by("item_id"))
    of_interest = {row.item_id for row in rows} | {row.group.representative_id for row in rows}
    prompts = dict(ItemTexts.objects.filter(pk__in=of_interest).values_list("pk", "prompt_id"))
    joined = {project: kinds_of_prompts(project) for project in {r.group.project_id for r in rows}}
    memberships: dict[int, list[Membership]] = defaultdict(list)
    for row in rows:
        stands = row.group.representative_id
        has_its_prompt = prompts.get(row.item_id) == prompts.get(stands)
        is_one = has_its_prompt and row.kind in joined[row.group.project_id]
        memberships[row.item_id].append(
            Membership(
                row.group_id,
                bytes(row.group.key),
                DuplicateKind(row.kind),
                stands,
                row.group.representative.external_id,
                row.group.n_items,
                row.group.similarity,
                row.item_id != stands and not is_one,
            )
        )
    order = list(DuplicateKind)
    return {
        item: sorted(of_item, key=lambda one: order.index(one.kind))
        for item, of_item in memberships.items()
    }


def kinds_of_prompts(project_id: int) -> set[str]:
    """The kinds whose groups join prompts, so that items with one prompt are not told apart."""
    policy = policy_in_force(project_id).policy
    kinds = (DuplicateKind.NEAR, DuplicateKind.SEMANTIC)
    return {kind.value for kind in kinds if policy.rule(kind).what == PROMPT}


def split_anchors(projects: Sequence[Project], kinds: Collection[str]) -> dict[str, str]:
    """For the prompts of all groups of some kinds, the prompt that decides their split."""
    return anchors_of(prompts_by_group(projects, kinds))


def prompts_by_group(
    projects: Sequence[Project], kinds: Collection[str]
) -> Iterator[list[tuple[datetime, str]]]:
    members = DuplicateMember.objects.filter(group__project__in=projects, kind__in=kinds)
    rows = members.order_by("group_id", "item_id").values_list(
        "group_id", "item__created_at", "item__messages"
    )
    for _, of_group in groupby(rows.iterator(chunk_size=MEMBERS_AT_ONCE), itemgetter(0)):
        yield [(created_at, digest_of(messages)) for _, created_at, messages in of_group]
