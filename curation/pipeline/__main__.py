"""`python -m curation.pipeline JOB IN OUT`: what can still be done is done, the rest is kept."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from annotation.domain.errors import DomainError
from curation.domain.duplicates.minhash import SCHEME
from curation.domain.duplicates.policy import DEFAULT
from curation.domain.embedding.encoder import Encoder, default_model
from curation.pipeline import shards
from curation.pipeline.engines import run_local, run_ray
from curation.pipeline.steps import Embed, NearPairs, SemanticPairs, Sign, Task


@dataclass(frozen=True)
class Job:
    """A step with its arguments, what its output is made with, and its tasks."""

    step: type
    arguments: Mapping[str, Any]
    made_by: Mapping[str, Any]
    tasks: Sequence[Task]


def embed(options: argparse.Namespace) -> Job:
    arguments = {
        "model": options.model,
        "device": options.device,
        "threads": options.threads,
    }
    made_by = {"model": options.model, "revision": Encoder(options.model).revision}
    return Job(Embed, arguments, made_by, each_shard(options))


def signatures(options: argparse.Namespace) -> Job:
    return Job(Sign, {}, {"scheme": SCHEME.name}, each_shard(options))


def near_pairs(options: argparse.Namespace) -> Job:
    arguments = {"n_parts": options.parts, "least": options.least or DEFAULT.near.floor}
    inputs = tuple(map(str, shards.shards_in(options.input)))
    tasks = [
        Task(inputs, str(options.output / f"near-{part:05}.parquet"), part)
        for part in range(options.parts)
    ]
    made_by = arguments | {"of": shards.maker_of(options.input), "shards": len(inputs)}
    return Job(NearPairs, arguments, made_by, tasks)


def semantic_pairs(options: argparse.Namespace) -> Job:
    arguments = {"least": options.least or DEFAULT.semantic.floor}
    found = list(map(str, shards.shards_in(options.input)))
    cells = [(path,) for path in found] + list(combinations(found, 2))
    tasks = [
        Task(cell, str(options.output / f"{'--'.join(Path(path).stem for path in cell)}.parquet"))
        for cell in cells
    ]
    made_by = arguments | {"of": shards.maker_of(options.input), "shards": len(found)}
    return Job(SemanticPairs, arguments, made_by, tasks)


def each_shard(options: argparse.Namespace) -> list[Task]:
    found = shards.shards_in(options.input)
    return [Task((str(path),), str(options.output / path.name)) for path in found]


JOBS = {
    "embed": embed,
    "signatures": signatures,
    "near-pairs": near_pairs,
    "semantic-pairs": semantic_pairs,
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m curation.pipeline",
        description="Embed texts and find duplicates over folders of Parquet shards. Shards that "
        "are there already are kept, so a job that was stopped goes on where it was.",
    )
    made.add_argument("job", choices=[*JOBS, "digest"], help="what to do; digest prints one of IN")
    made.add_argument("input", type=Path, help="folder of shards; texts have a column 'text'")
    made.add_argument("output", type=Path, nargs="?", help="folder to write to")
    made.add_argument("--engine", choices=["local", "ray"], default="local")
    made.add_argument("--workers", type=int, default=1, help="processes, with ray")
    made.add_argument("--threads", type=int, default=1, help="threads of each process")
    made.add_argument("--gpus", type=float, default=0, help="GPUs of each process, with ray")
    made.add_argument("--model", default=default_model(), help="a folder, or a name on the hub")
    made.add_argument("--device", help="cpu or cuda; the GPU where there is one")
    made.add_argument("--least", type=float, help="least similarity of a pair")
    made.add_argument("--parts", type=int, default=1, help="parts of the search for near pairs")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return run(options)
    except DomainError as error:
        print(error.detail, file=sys.stderr)  # noqa: T201 - what a program says to its caller
        return 2


def run(options: argparse.Namespace) -> int:
    if options.job == "digest":
        say(shards.digest_of(options.input))
        return 0
    if options.output is None:
        raise shards.BadFolder("Name the folder to write to.")
    job = JOBS[options.job](options)
    shards.claim_folder(options.output, job.made_by)
    tasks = [task for task in job.tasks if not Path(task.output).exists()]
    say(f"{options.job}: {len(job.tasks) - len(tasks)} shards are there, {len(tasks)} to do")
    start, n_rows = time.monotonic(), 0
    for output, rows in written(job, tasks, options):
        n_rows += rows
        say(f"{Path(output).name}: {rows} rows")
    say(f"{n_rows} rows in {time.monotonic() - start:.1f} s")
    return 0


def written(job: Job, tasks: Sequence[Task], options: argparse.Namespace) -> Any:
    if not tasks or options.engine == "local":
        return run_local(job.step, job.arguments, tasks)
    workers = min(options.workers, len(tasks))
    return run_ray(
        job.step, job.arguments, tasks,
        workers=workers, threads=options.threads, gpus=options.gpus,
    )  # fmt: skip


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what a program says to its caller


if __name__ == "__main__":
    sys.exit(main())
