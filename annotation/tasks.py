from celery import shared_task
from celery.worker import state as worker_state

from annotation.selectors.clock import database_now
from annotation.selectors.health import worker_name
from annotation.services import aggregation, health, quality, rounds, skills
from annotation.services.feedback import trusting
from annotation.services.importing import running
from annotation.services.judges import calibration, requests


@shared_task
def refresh_stale(*, limit: int = 5_000) -> int:
    """Drain stale comparisons. Running it twice, late, or in parallel is harmless."""
    done = 0
    while done < limit and (taken := aggregation.refresh_next_stale(now=database_now())):
        done += taken
    return done


@shared_task
def refresh_skills(*, limit: int = 100) -> int:
    """Learn how annotators err, where enough new votes ask for it. Safe to repeat."""
    done = 0
    while done < limit and skills.refresh_next_due(now=database_now()):
        done += 1
    return done


@shared_task
def refresh_reports(*, limit: int = 100) -> int:
    """Work out the quality reports that judgments have overtaken. Safe to repeat."""
    done = 0
    while done < limit and quality.refresh_next_report(now=database_now()):
        done += 1
    return done


@shared_task
def refresh_trust(*, limit: int = 100) -> int:
    """Work out how far users' feedback is to be trusted, where there is news. Safe to repeat."""
    done = 0
    while done < limit and trusting.refresh_next(now=database_now()):
        done += 1
    return done


@shared_task
def open_second_rounds() -> int:
    """Let the winners of first rounds meet the others. Safe to repeat."""
    return rounds.open_all_second_rounds(now=database_now())


@shared_task
def beat_heart(*, queue: str) -> None:
    """Answer the bell: beat, the broker and this queue's worker are all at work."""
    health.record_answer(name=worker_name(queue), now=database_now())


@shared_task
def run_imports(*, limit: int = 20) -> int:
    """Run waiting uploads one after another. A killed one is taken up behind its last batch."""
    done = 0
    while done < limit and running.run_next(now=database_now()):
        done += 1
    return done


@shared_task
def calibrate_judges(*, limit: int = 100) -> int:
    """Make judges' probabilities honest, where enough new labels ask for it. Safe to repeat."""
    done = 0
    while done < limit and calibration.refit_next(now=database_now()):
        done += 1
    return done


@shared_task
def ask_judges() -> int:
    """Ask judges' endpoints what is due, for as long as something is. Safe to repeat.

    A worker that is told to stop takes nothing more and waits for what is on its way.
    """
    return requests.answer_next(now=database_now(), is_stopping=is_stopping)


def is_stopping() -> bool:
    return any(
        sign is not None and sign is not False  # an exit code, which may be 0
        for sign in (worker_state.should_stop, worker_state.should_terminate)
    )
