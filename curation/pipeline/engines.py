"""Who does the tasks: a plain loop, or Ray Data with as many processes as it is given."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotation.domain.errors import DomainError
from curation.pipeline.steps import Task

ROOT = Path(__file__).resolve().parents[2]


class NoRay(DomainError):
    """Ray is not installed."""

    code = "no_ray"


class Worker:
    """A step in a process of Ray's: made there from its class and arguments."""

    def __init__(self, step: type, arguments: Mapping[str, Any]) -> None:
        self.step = step(**arguments)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        task = Task(tuple(row["inputs"]), row["output"], int(row["part"]))
        return {"output": task.output, "rows": self.step(task)}


def run_local(
    step: type, arguments: Mapping[str, Any], tasks: Sequence[Task]
) -> Iterator[tuple[str, int]]:
    """Do the tasks one after another; yields what was written and its number of rows."""
    made = step(**arguments)
    for task in tasks:
        yield task.output, made(task)


def run_ray(
    step: type,
    arguments: Mapping[str, Any],
    tasks: Sequence[Task],
    *,
    workers: int,
    threads: int,
    gpus: float,
) -> Iterator[tuple[str, int]]:
    """Do the tasks in `workers` processes of Ray's, in any order; yields as `run_local` does.

    Joins the cluster that RAY_ADDRESS names, else starts one on this machine. Every node has to see
    the folders, and Quorum, under the same paths.

    Raises:
        NoRay: it is not installed.
    """
    try:
        import ray
    except ImportError as missing:
        raise NoRay("Ray is not installed: pip install -r requirements-ray.txt") from missing
    if not ray.is_initialized():
        environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
        options: dict[str, Any] = {"runtime_env": {"env_vars": environment}}
        if not os.environ.get("RAY_ADDRESS"):
            options |= {"num_cpus": workers * threads, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **options)
    ray.data.DataContext.get_current().enable_progress_bars = False
    listed = ray.data.from_items([asdict(task) for task in tasks], override_num_blocks=len(tasks))
    worker: Any = Worker  # a class is made once in each process
    done = listed.map(
        worker,
        fn_constructor_args=(step, dict(arguments)),
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=threads,
        num_gpus=gpus or None,
    )
    for row in done.iter_rows():
        yield row["output"], row["rows"]
