from celery import shared_task

from annotation.selectors.clock import database_now
from curation.selectors import queues
from curation.services import (
    difficulty,
    embedding,
    exporting,
    generations,
    intake,
    maps,
    versioning,
)
from curation.services.duplicates import regrouping, searching
from curation.services.routing import drain, figures, fitting, guarding, simulations
from curation.services.signals import refreshing


@shared_task
def build_versions(*, limit: int = 10) -> int:
    """Build queued versions, then queued exports. Running it twice or in parallel is harmless."""
    done = 0
    for version in queues.waiting_versions()[:limit]:
        done += versioning.build_version(version=version, now=database_now())
    for export in queues.waiting_exports()[:limit]:
        done += exporting.build_export(export=export, now=database_now())
    return done


@shared_task
def read_items(*, limit: int = 20_000) -> int:
    """Read the texts of new items. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := intake.read_next_items(now=database_now())):
        done += taken
    return done


@shared_task
def embed_texts(*, limit: int = 2_000) -> int:
    """Embed waiting texts. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := embedding.embed_next_batch(now=database_now())):
        done += taken
    return done


@shared_task
def tend_generations(*, limit: int = 100_000) -> int:
    """Switch to a new model's vectors once complete, and clear old ones. Safe to repeat."""
    done = int(generations.switch_when_complete(now=database_now()))
    while done < limit and (taken := generations.clear_next_retired()):
        done += taken
    return done


@shared_task
def draw_maps(*, limit: int = 10) -> int:
    """Lay out the prompts of projects that have outgrown their map. Safe to repeat."""
    done = 0
    while done < limit and maps.refresh_next_map(now=database_now()):
        done += 1
    return done


@shared_task
def refresh_signals(*, limit: int = 5_000) -> int:
    """Work out signals that are out of date. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := refreshing.refresh_next(now=database_now())):
        done += taken
    return done


@shared_task
def foretell_difficulty(*, limit: int = 50_000) -> int:
    """Fit difficulty where votes have grown, and foretell it. Safe to repeat, late, in parallel."""
    done = int(difficulty.refit_next(now=database_now()))
    rest = difficulty.REST
    while done < limit and (taken := difficulty.refresh_next(now=database_now(), rest=rest)):
        done += taken
    return done


@shared_task
def find_duplicates(*, limit: int = 20_000) -> int:
    """Look for duplicates, then regroup. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := searching.search_next(now=database_now())):
        done += taken
    while done < limit and (taken := regrouping.regroup_next(now=database_now())):
        done += taken
    return done


@shared_task
def route_comparisons(*, limit: int = 20_000) -> int:
    """Decide who judges what waits for it. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := drain.route_next(now=database_now())):
        done += taken
    return done


@shared_task
def fit_routers(*, limit: int = 5) -> int:
    """Fit learned routers where labels have grown. Safe to repeat, late, in parallel."""
    done = 0
    while done < limit and fitting.refit_next(now=database_now()):
        done += 1
    return done


@shared_task
def simulate_policies(*, limit: int = 10) -> int:
    """Work out dry runs of routing policies. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and simulations.simulate_next(now=database_now()):
        done += 1
    return done


@shared_task
def guard_judges() -> int:
    """Recount audits, and turn slices in which judges err too often. Safe to repeat."""
    return guarding.recount_next(now=database_now())


@shared_task
def refresh_routing_figures(*, limit: int = 100) -> int:
    """Work out where routed comparisons stand, where there is news. Safe to repeat."""
    done = 0
    while done < limit and figures.refresh_next(now=database_now()):
        done += 1
    return done
