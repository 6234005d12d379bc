"""The pipeline over shards: CPU time and bytes a text, and what 100 million texts come to.

    python -m benchmarks.pipeline [--data FOLDER] [--texts N] [--signed N] [--scale N]

Texts are distinct prompts and responses of `*.items.jsonl.gz` in a folder, else those of the demo;
where there are fewer than asked for, each is numbered and comes again. Signing is set against
datasketch on the same texts in the same run, embedding against nothing: see `embedding`. The sums
at the end are the arithmetic of docs/scale.md, with this machine's figures.
"""

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

DEMO = Path(__file__).resolve().parent.parent / "demo"
SHARD = 10_000
BASELINE = 2_000  # texts that datasketch signs
DAY = 86_400


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEMO)
    parser.add_argument("--texts", type=int, default=400, help="to embed")
    parser.add_argument("--signed", type=int, default=20_000, help="to sign and compare")
    parser.add_argument("--scale", type=int, default=100_000_000)
    options = parser.parse_args(arguments)
    known = list(dict.fromkeys(texts_in(options.data)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signed = write(folder / "texts", list(islice(repeated(known), options.signed)))
        few = write(folder / "few", list(islice(repeated(known), options.texts)))
        mean = sum(map(len, known)) / len(known)
        print(f"{len(known):,} distinct texts, {mean:.0f} characters on average")
        report(folder, signed, few, options)
        baseline = datasketch_rate(known)
    print(f"datasketch, the same signatures by its own hash: {baseline:,.0f} texts a CPU-s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


def report(folder: Path, n_signed: int, n_few: int, options: argparse.Namespace) -> None:
    jobs = [
        ("embed", "few", "vectors", n_few, []),
        ("signatures", "texts", "signed", n_signed, []),
        ("near-pairs", "signed", "near", n_signed, ["--least", "0.5"]),
        ("semantic-pairs", "vectors", "alike", n_few, ["--least", "0.6"]),
    ]
    for job, source, target, n, extra in jobs:
        seconds = timed(job, folder / source, folder / target, *extra)
        size = sum(path.stat().st_size for path in (folder / target).glob("*.parquet"))
        line = f"{job:16}{n:>10,} texts {seconds:8.2f} CPU-s {n / seconds:>12,.0f} a CPU-s"
        if target in ("vectors", "signed"):
            days = options.scale / (n / seconds) / DAY
            total = size / n * options.scale / 1e9
            line += (
                f"; {options.scale:,}: {days:,.1f} core-days, {total:,.0f} GB "
                f"({size / n:.0f} bytes a text)"
            )
        print(line)


def timed(job: str, source: Path, target: Path, *extra: str) -> float:
    """CPU seconds of a job, all threads, the loading of a model left out."""
    from contextlib import redirect_stdout
    from io import StringIO

    from curation.pipeline.__main__ import main as pipeline

    with redirect_stdout(StringIO()):
        if job == "embed":
            assert pipeline([job, str(source), str(target.with_name("warm"))]) == 0
        start = time.process_time()
        assert pipeline([job, str(source), str(target), *extra]) == 0
    return time.process_time() - start - (loading() if job == "embed" else 0.0)


def loading() -> float:
    """CPU seconds that a process takes to load the model and embed nothing much."""
    from curation.domain.embedding.encoder import Encoder, default_model

    start = time.process_time()
    Encoder(default_model()).encode(["a"])
    return time.process_time() - start


def datasketch_rate(texts: list[str]) -> float:
    from datasketch import MinHash

    some = list(islice(repeated(texts), BASELINE))
    start = time.process_time()
    for text in some:
        shingles = {text[at : at + 5].encode() for at in range(max(1, len(text) - 4))}
        MinHash(num_perm=128, seed=42).update_batch(shingles)
    return len(some) / (time.process_time() - start)


def texts_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.items.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield from said(json.loads(line))


def said(item: dict[str, Any]) -> Iterator[str]:
    for value in (item.get("prompt"), *(r.get("text") for r in item.get("responses", []))):
        if isinstance(value, str) and value.strip():
            yield value


def repeated(texts: list[str]) -> Iterator[str]:
    yield from texts
    for turn in count(2):
        yield from (f"{text} ({turn})" for text in texts)


def write(folder: Path, texts: list[str]) -> int:
    folder.mkdir()
    for start in range(0, len(texts), SHARD):
        table = pa.table({"text": texts[start : start + SHARD]})
        pq.write_table(table, folder / f"{start // SHARD:05}.parquet")
    return len(texts)


if __name__ == "__main__":
    raise SystemExit(main())
