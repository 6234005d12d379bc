"""Comparisons of the very same texts that have been judged elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import VOTERS
from annotation.models import Comparison, Project, User
from curation.models import ItemTexts, ResponseText
from curation.selectors.datasets import readable_projects

MOST_TWINS = 50


@dataclass(frozen=True)
class Twin:
    """A judged comparison of the same texts. `responses` gives this one's for each of its own."""

    comparison: Comparison
    n_judgments: int
    responses: dict[int, int]


def comparison_in(project: Project, comparison_id: int) -> Comparison:
    """Find a comparison of a project.

    Raises:
        NotFound: there is none.
    """
    found = Comparison.objects.filter(project=project, pk=comparison_id)
    comparison = found.select_related("project", "item").first()
    if comparison is None:
        raise NotFound("There is no such comparison in this project.")
    return comparison


def twins_of(comparison: Comparison, user: User) -> list[Twin]:
    """Judged comparisons of exact duplicates of an item, in projects that this person reads."""
    own = ItemTexts.objects.filter(pk=comparison.item_id).first()
    if own is None or comparison.other_item_id is not None:
        return []
    same = ItemTexts.objects.filter(digest=own.digest, project__in=readable_projects(user))
    items = list(same.exclude(pk=own.pk).values_list("pk", flat=True)[:MOST_TWINS])
    judged = Comparison.objects.filter(
        item__in=items, context=comparison.context, other_item__isnull=True
    ).select_related("project", "item")
    votes = Q(judgments__superseded_by__isnull=True, judgments__annotator__kind__in=VOTERS)
    in_force = Count("judgments", filter=votes)
    found = list(judged.annotate(n=in_force).filter(n__gt=0).order_by("pk")[:MOST_TWINS])
    texts = texts_by_response([comparison, *found])
    twins = [(other, matched(other, comparison, texts)) for other in found]
    return [Twin(other, other.n, responses) for other, responses in twins if responses]


def texts_by_response(comparisons: Iterable[Comparison]) -> dict[int, int]:
    wanted = {response for one in comparisons for response in one.response_ids}
    found = ResponseText.objects.filter(pk__in=wanted)
    return dict(found.values_list("pk", "text_id"))


def matched(source: Comparison, target: Comparison, texts: dict[int, int]) -> dict[int, int]:
    """Match responses by their texts; nothing where a text is there twice or has no match."""
    theirs = {texts.get(response): response for response in source.response_ids}
    mine = {texts.get(response): response for response in target.response_ids}
    is_clear = len(theirs) == len(source.response_ids) and len(mine) == len(target.response_ids)
    if not is_clear or theirs.keys() != mine.keys() or None in mine:
        return {}
    return {theirs[text]: mine[text] for text in mine}
