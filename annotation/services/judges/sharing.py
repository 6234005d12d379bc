"""Shares comparisons out among judges, so that none judges answers of its own model family."""

from collections.abc import Sequence

from annotation.domain.families import model_family
from annotation.models import Comparison, Judge, Response


def shared_out(judges: Sequence[Judge], comparison_ids: Sequence[int]) -> dict[int, list[int]]:
    """List by judge the comparisons to ask it about: those of its own family go to others."""
    families = {judge.pk: judge.family or model_family(judge.model_name) for judge in judges}
    shares: dict[int, list[int]] = {judge.pk: [] for judge in judges}
    by_comparison = families_compared(comparison_ids) if len(judges) > 1 else {}
    for comparison in comparison_ids:
        own = by_comparison.get(comparison, set())
        neutral = [judge for judge in shares if families[judge] not in own]
        for judge in neutral or shares:
            shares[judge].append(comparison)
    return shares


def families_compared(comparison_ids: Sequence[int]) -> dict[int, set[str]]:
    """Name by comparison the families of the models whose answers it compares."""
    compared = dict(
        Comparison.objects.filter(pk__in=comparison_ids).values_list("pk", "response_ids")
    )
    responses = {response for ids in compared.values() for response in ids}
    named = Response.objects.filter(pk__in=responses).values_list("pk", "model_name")
    families = {pk: model_family(name) for pk, name in named}
    return {pk: {families[response] for response in ids} - {""} for pk, ids in compared.items()}
