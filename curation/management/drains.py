"""Does a project's waiting work in the foreground, in the order in which it flows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from annotation.models import Comparison, Project
from annotation.selectors import judge_requests
from annotation.selectors.clock import database_now
from annotation.services import aggregation, quality, rounds, skills
from annotation.services.feedback import trusting
from annotation.services.judges import calibration, requests, writing
from curation.management.bars import bar
from curation.selectors import difficulty, duplicate_groups, progress, routing, signals
from curation.services import difficulty as fits
from curation.services import embedding, generations, intake, maps
from curation.services.duplicates import regrouping, searching
from curation.services.routing import drain as router
from curation.services.routing import figures, fitting, guarding, simulations
from curation.services.signals import refreshing

ASKED_AT_ONCE = 200  # requests to judges between two steps of the bar


@dataclass(frozen=True)
class Drain:
    """A stage: `take(now=…, project=…)` does the next batch, 0 when nothing is left.

    `name` is its key in the report; `waiting` counts what is left at the start.
    """

    name: str
    label: str
    take: Callable[..., int]
    waiting: Callable[[Project], int]


# In the order of the flow: what one writes, the next ones read.
TO_DUPLICATES = (
    Drain("read", "Items read", intake.read_next_items, progress.items_waiting),
    Drain("embedded", "Texts embedded", embedding.embed_next_batch, progress.texts_waiting),
    Drain(
        "searched",
        "Texts looked for",
        searching.search_next,
        duplicate_groups.texts_waiting,
    ),
    Drain(
        "regrouped",
        "Items regrouped",
        regrouping.regroup_next,
        duplicate_groups.items_waiting,
    ),
)
DRAINS = (
    *TO_DUPLICATES,
    Drain("written", "Comparisons ordered", writing.write_next, lambda project: 1),
    Drain(
        "asked",
        "Judges asked",
        partial(requests.answer_next, limit=ASKED_AT_ONCE),
        judge_requests.requests_waiting,
    ),
    Drain("calibrations", "Judges calibrated", calibration.refit_next, lambda project: 1),
    Drain("maps", "Prompts laid out", maps.refresh_next_map, lambda project: 1),
    Drain("signals", "Signals worked out", refreshing.refresh_next, signals.requests_waiting),
    Drain("fits", "Fits of difficulty", fits.refit_next, lambda project: 1),
    Drain("difficulties", "Difficulties foretold", fits.refresh_next, difficulty.requests_waiting),
    Drain("routers", "Fits of the learned router", fitting.refit_next, lambda project: 1),
    Drain("routed", "Comparisons routed", router.route_next, routing.requests_waiting),
    Drain("guards", "Slices recounted", guarding.recount_next, lambda project: 1),
    Drain("figures", "Figures of routing", figures.refresh_next, lambda project: 1),
    Drain("simulations", "Dry runs of policies", simulations.simulate_next, lambda project: 1),
)


def drain_all(project: Project) -> dict[str, int]:
    """Work until a round over all stages finds nothing to do.

    Returns:
        How much was done, by stage.
    """
    done = {"refreshed": 0, "second_rounds": 0} | dict.fromkeys((d.name for d in DRAINS), 0)
    is_quiet = False
    while not is_quiet:
        before = sum(done.values())
        done["refreshed"] += drain_consensus(project)
        done["second_rounds"] += rounds.open_second_rounds(project=project, now=database_now())
        for drain in DRAINS:
            done[drain.name] += run(drain, project)
        generations.switch_when_complete(now=database_now())
        is_quiet = sum(done.values()) == before
    return done


def drain_duplicates(project: Project) -> int:
    """Do what the groups of duplicates rest on, until quiet; give how much was done."""
    done, is_quiet = 0, False
    while not is_quiet:
        before = done
        done += sum(run(drain, project) for drain in TO_DUPLICATES)
        generations.switch_when_complete(now=database_now())
        is_quiet = done == before
    return done


def run(drain: Drain, project: Project) -> int:
    done = 0
    with bar(f"{drain.label} of {project.slug}") as show:
        total = drain.waiting(project)
        show(done, total)
        while taken := drain.take(now=database_now(), project=project):
            done += taken
            show(done, max(done, total))
    return done


def drain_consensus(project: Project) -> int:
    """Refresh a project's comparisons, how its annotators err, and its quality, until quiet.

    Returns:
        How many comparisons were worked out, those counted twice that new skills changed.
    """
    done = 0
    total = Comparison.objects.filter(project=project, stale_since__isnull=False).count()
    with bar(f"Consensus of {project.slug}") as show:
        is_learned = True
        while is_learned:
            while taken := aggregation.refresh_next_stale(now=database_now(), project=project):
                done += taken
                show(done, max(done, total))
            is_learned = skills.refresh_skills(project=project, now=database_now(), at_once=True)
    quality.refresh_report(project=project, now=database_now())
    trusting.refresh_trust(project=project, now=database_now())
    return done
