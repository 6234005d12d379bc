"""Looks for texts that are alike to those that wait, and keeps the pairs with their evidence."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.duplicates import evidence, minhash
from curation.domain.duplicates.policy import PROMPT
from curation.domain.duplicates.reading import reading_of
from curation.domain.duplicates.scoring import Scored, is_kept, near_score, semantic_score
from curation.domain.vocabulary import DuplicateKind
from curation.models import (
    DuplicatePair,
    DuplicateRequest,
    DuplicateState,
    Embedding,
    Generation,
)
from curation.selectors import duplicate_links as links
from curation.selectors.texts import texts_of
from curation.selectors.vectors import active_generation
from curation.services.duplicates import asking, signatures, vectors
from curation.services.duplicates.candidates import Candidate

TEXTS_AT_ONCE = 500
VECTORS_AT_ONCE = 20_000
PAIRS_AT_ONCE = 2_000  # whose texts are in memory
SEARCHED = (DuplicateKind.NEAR, DuplicateKind.SEMANTIC)
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError)


def search_next(*, now: datetime, project: Project | None = None) -> int:
    """Look for the duplicates of a batch of texts of one project by one kind of evidence.

    Requests are deleted in the transaction that stores what was found, so a killed worker leaves
    nothing half done; rivals skip what another is looking for. Pairs that rest on signatures or
    vectors no longer in use are dropped and looked for anew. A text that cannot be worked on is
    tried alone and set aside after `MOST_TRIES`.

    Returns:
        How many texts were taken; 0 when nothing is left to do. Safe to repeat.
    """
    generation = active_generation()
    renew_outdated(project, generation, now)
    while ahead := next_requests(project, generation):
        if ahead[0].kind == DuplicateKind.NEAR:
            # Committed before any search begins: two texts that are searched for at the same time
            # would else miss each other.
            signatures.sign([row.text_id for row in ahead])
        if n := search_among(ahead, generation, now):
            return n
    return 0


def search_among(
    ahead: Sequence[DuplicateRequest], generation: Generation | None, now: datetime
) -> int:
    """Work on those of some requests that no rival has taken meanwhile; give how many."""
    with transaction.atomic():
        if taken := take([row.pk for row in ahead]):
            try:
                with transaction.atomic():
                    search(taken, generation, now)
            except UNREADABLE as error:
                set_back(taken, error)
    return len(taken)


def waiting(project: Project | None, generation: Generation | None) -> QuerySet[DuplicateRequest]:
    """Requests that can be worked on: a semantic one once its text has its vector."""
    found = DuplicateRequest.objects.filter(tries__lt=MOST_TRIES)
    if project is not None:
        found = found.filter(project=project)
    vectors = Embedding.objects.filter(text=OuterRef("text"), generation=generation)
    return found.filter(~Q(kind=DuplicateKind.SEMANTIC) | Exists(vectors))


def next_requests(project: Project | None, generation: Generation | None) -> list[DuplicateRequest]:
    """Those that wait longest, of one project and kind, and free; one that failed comes alone."""
    with transaction.atomic():
        free = waiting(project, generation).select_for_update(skip_locked=True, of=("self",))
        first = free.order_by("id").first()
        if first is None:
            return []
        limit = VECTORS_AT_ONCE if first.kind == DuplicateKind.SEMANTIC else TEXTS_AT_ONCE
        alike = free.filter(project=first.project_id, kind=first.kind, tries=0)
        return [first] if first.tries else list(alike.order_by("id")[:limit])


def take(ids: Sequence[int]) -> list[DuplicateRequest]:
    """Delete requests and give them, so that whoever asks again from now on adds a new one."""
    free = DuplicateRequest.objects.filter(pk__in=ids)
    taken = list(free.select_for_update(skip_locked=True, of=("self",)).order_by("id"))
    DuplicateRequest.objects.filter(pk__in=[row.pk for row in taken]).delete()
    return taken


def set_back(taken: Sequence[DuplicateRequest], error: Exception) -> None:
    for row in taken:
        row.tries += 1
        row.error = f"{type(error).__name__}: {error}"
    DuplicateRequest.objects.bulk_create(taken)


def renew_outdated(project: Project | None, generation: Generation | None, now: datetime) -> None:
    """Drop pairs that rest on signatures or vectors no longer in use, and ask for them anew."""
    used = {DuplicateKind.NEAR: near_by(), DuplicateKind.SEMANTIC: semantic_by(generation)}
    for kind, basis in used.items():
        states = DuplicateState.objects.exclude(**{f"{kind}_by": basis})
        if project is not None:
            states = states.filter(project=project)
        for project_id in list(states.values_list("pk", flat=True)) if basis else []:
            renew(project_id, kind, basis, now)


def renew(project_id: int, kind: DuplicateKind, basis: str, now: datetime) -> None:
    column = f"{kind}_by"
    with transaction.atomic():
        asking.hold_rules(project_id, alone=True)
        state = DuplicateState.objects.select_for_update().get(pk=project_id)
        if before := getattr(state, column):
            rule = links.policy_in_force(project_id).policy.rule(kind)
            asking.regroup_pairs(project_id=project_id, kind=kind, now=now)
            DuplicatePair.objects.filter(project=project_id, kind=kind).delete()
            asking.search_all(project_id=project_id, kind=kind, what=rule.what, now=now)
        if before != basis:
            setattr(state, column, basis)
            state.save(update_fields=[column])


def near_by() -> str:
    return f"{minhash.SCHEME.name} v{evidence.VERSION}"


def semantic_by(generation: Generation | None) -> str:
    return f"generation {generation.pk} v{evidence.VERSION}" if generation else ""


def search(taken: Sequence[DuplicateRequest], generation: Generation | None, now: datetime) -> None:
    project_id, kind = taken[0].project_id, DuplicateKind(taken[0].kind)
    texts = [row.text_id for row in taken]
    asking.hold_rules(project_id)
    DuplicateState.objects.get_or_create(
        pk=project_id,
        defaults={"near_by": near_by(), "semantic_by": semantic_by(generation)},
    )
    if kind == DuplicateKind.EXACT:
        read_again(project_id, texts, now)
    elif kind == DuplicateKind.NEAR:
        store(near_pairs(project_id, texts), project_id, kind, now)
    elif generation is not None:
        store(semantic_pairs(project_id, texts, generation), project_id, kind, now)


def read_again(project_id: int, prompt_ids: Collection[int], now: datetime) -> None:
    """Ask for what new items need: to be grouped, and their responses where those count."""
    asking.regroup_texts(project_id=project_id, text_ids=prompt_ids, now=now)
    policy = links.policy_in_force(project_id).policy
    for kind in SEARCHED:
        if policy.rule(kind).what != PROMPT:
            asking.search_responses(
                project_id=project_id, kind=kind, prompt_ids=prompt_ids, now=now
            )


class Likeness(NamedTuple):
    """A pair that is worth storing, and what speaks for it."""

    first: int
    second: int
    scored: Scored


def near_pairs(project_id: int, texts: Sequence[int]) -> Iterator[Likeness]:
    rule = links.policy_in_force(project_id).policy.near
    alike = signatures.alike_signatures(project_id, rule.what, texts, rule.floor)
    for some, said in with_texts(alike):
        for one in some:
            scored = near_score(said[one.first], said[one.second], rule)
            if is_kept(scored, rule):
                yield Likeness(one.first, one.second, scored)


def semantic_pairs(
    project_id: int, texts: Sequence[int], generation: Generation
) -> Iterator[Likeness]:
    rule = links.policy_in_force(project_id).policy.semantic
    alike = vectors.alike_vectors(project_id, rule.what, texts, generation, rule.floor)
    for some, said in with_texts(alike):
        readings = {text: reading_of(what) for text, what in said.items()}
        for one in some:
            first, second = readings[one.first], readings[one.second]
            scored = semantic_score(first, second, one.similarity, rule)
            if is_kept(scored, rule):
                yield Likeness(one.first, one.second, scored)


def with_texts(
    candidates: Iterable[Candidate],
) -> Iterator[tuple[list[Candidate], dict[int, str]]]:
    """Read the texts of candidates, some at a time. Those without texts of their own are left."""
    left = iter(candidates)
    while some := list(islice(left, PAIRS_AT_ONCE)):
        said = texts_of(list({text for one in some for text in (one.first, one.second)}))
        yield some, said


def store(found: Iterable[Likeness], project_id: int, kind: DuplicateKind, now: datetime) -> None:
    """Write pairs, in one order everywhere, and have their items regrouped."""
    rows = sorted(found, key=lambda one: one[:2])
    DuplicatePair.objects.bulk_create(
        [
            DuplicatePair(
                project_id=project_id,
                kind=kind,
                first_id=one.first,
                second_id=one.second,
                similarity=one.scored.similarity,
                score=one.scored.score,
                evidence=one.scored.evidence,
                version=evidence.VERSION,
                found_at=now,
            )
            for one in rows
        ],
        update_conflicts=True,
        unique_fields=["project", "kind", "first", "second"],
        update_fields=["similarity", "score", "evidence", "version", "found_at"],
        batch_size=2_000,
    )
    touched = {text for one in rows for text in one[:2]}
    asking.regroup_texts(project_id=project_id, text_ids=touched, now=now)
