"""Keeps the signals of comparisons in step with what they rest on."""

from collections.abc import Collection, Sequence
from datetime import datetime
from math import floor, log

from django.db import transaction

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, Project
from curation.domain.signals.imported import LOGPROB, REWARD
from curation.domain.signals.registry import VERSIONS
from curation.domain.vocabulary import SignalFamily
from curation.models import ImportedSignal, SignalRequest, Signals
from curation.selectors import signal_inputs as inputs
from curation.services.signals import requests
from curation.services.signals.families import WORK, Outcome

BATCH = 500
GROWTH = 1.25  # by how much more is judged before novelty is worked out anew


def refresh_next(*, now: datetime, project: Project | None = None, limit: int = BATCH) -> int:
    """Work out one family of up to `limit` comparisons that are out of date, in one transaction.

    Rivals skip what another is working on. Where nothing waits, signals that an older version of
    the code has made are asked for. A comparison that cannot be read keeps its request with the
    error and is set aside after `MOST_TRIES`; the others are not held up. Whatever difficulty rests
    on asks for it.

    Returns:
        How many requests were taken or made; 0 when nothing is left to do. Safe to repeat.
    """
    for family in WORK:
        with transaction.atomic():
            if taken := take(family, project, limit):
                refresh(family, taken, now)
                return len(taken)
    return requests.ask_outdated(now=now, project=project)


def take(family: SignalFamily, project: Project | None, limit: int) -> list[SignalRequest]:
    """Lock requests that no rival is working on, neighbours together."""
    waiting = SignalRequest.objects.filter(family=family, tries__lt=MOST_TRIES)
    if project is not None:
        waiting = waiting.filter(comparison__project=project)
    return list(
        waiting.select_for_update(skip_locked=True, of=("self",)).order_by("comparison_id")[:limit]
    )


def refresh(family: SignalFamily, taken: Sequence[SignalRequest], now: datetime) -> None:
    comparisons = inputs.comparisons_of([request.comparison_id for request in taken])
    outcome = WORK[family](comparisons)
    before = stored(family, outcome.values)
    save(family, comparisons, outcome, now)
    set_back(taken, outcome)
    ask_what_follows(family, comparisons, outcome, before, now)
    done = [request.pk for request in taken if request.comparison_id not in outcome.errors]
    SignalRequest.objects.filter(pk__in=done).delete()


def stored(family: SignalFamily, comparison_ids: Collection[int]) -> set[int]:
    found = Signals.objects.filter(family=family, comparison__in=comparison_ids)
    return set(found.values_list("comparison_id", flat=True))


def save(
    family: SignalFamily, comparisons: Sequence[Comparison], outcome: Outcome, now: datetime
) -> None:
    """Write the values; what has none keeps no row."""
    fresh = [
        Signals(
            project_id=comparison.project_id,
            comparison_id=comparison.pk,
            family=family,
            version=VERSIONS[family],
            values=values,
            computed_at=now,
        )
        for comparison in comparisons
        if (values := outcome.values.get(comparison.pk)) is not None
    ]
    Signals.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["comparison", "family"],
        update_fields=["version", "values", "computed_at"],
    )
    without = [pk for pk, values in outcome.values.items() if values is None]
    Signals.objects.filter(family=family, comparison__in=without).delete()


def set_back(taken: Sequence[SignalRequest], outcome: Outcome) -> None:
    broken = [request for request in taken if request.comparison_id in outcome.errors]
    for request in broken:
        error = outcome.errors[request.comparison_id]
        request.tries += 1
        request.error = f"{type(error).__name__}: {error}"[:2000]
    SignalRequest.objects.bulk_update(broken, ["tries", "error"])


def ask_what_follows(
    family: SignalFamily,
    comparisons: Sequence[Comparison],
    outcome: Outcome,
    before: set[int],
    now: datetime,
) -> None:
    """Ask for the signals that rest on those just written."""
    changed = [comparison for comparison in comparisons if comparison.pk in outcome.values]
    ids = [comparison.pk for comparison in changed]
    if family == SignalFamily.VOTES:
        requests.ask(
            comparison_ids=with_chosen_gaps(changed), families=[SignalFamily.IMPORTED], now=now
        )
        refresh_novelty([one for one in changed if one.pk not in before], now)
    # Last: a rival that holds the requests above may be about to ask for difficulty too.
    if family != SignalFamily.TOPIC:
        requests.ask(comparison_ids=ids, families=[SignalFamily.DIFFICULTY], now=now)


def with_chosen_gaps(comparisons: Sequence[Comparison]) -> list[int]:
    """The comparisons whose imported signals depend on which response people chose."""
    imported = ImportedSignal.objects.filter(item__in=inputs.item_ids_of(comparisons))
    scored = imported.filter(name=LOGPROB) | imported.filter(name__startswith=REWARD)
    items = set(scored.values_list("item_id", flat=True))
    return [c.pk for c in comparisons if {c.item_id, c.other_item_id} & items]


def refresh_novelty(first_judged: Sequence[Comparison], now: datetime) -> None:
    """Ask for novelty in the projects where the judged comparisons have grown by a quarter."""
    for project_id in {comparison.project_id for comparison in first_judged}:
        n_new = sum(comparison.project_id == project_id for comparison in first_judged)
        n_judged = Signals.objects.filter(project=project_id, family=SignalFamily.VOTES).count()
        if steps(n_judged) > steps(n_judged - n_new):
            known = Signals.objects.filter(project=project_id, family=SignalFamily.VECTORS)
            requests.ask(
                comparison_ids=list(known.values_list("comparison_id", flat=True)),
                families=[SignalFamily.VECTORS],
                now=now,
            )


def steps(n: int) -> int:
    """How often a number has grown by `GROWTH` since 1; -1 for none."""
    return floor(log(n, GROWTH)) if n > 0 else -1
