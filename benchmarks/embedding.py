"""Texts embedded per CPU-second, against `SentenceTransformer.encode` as it is.

    python -m benchmarks.embedding [--data FOLDER] [--texts N] [--rounds N]

Both sides run in this process on the same texts with their own defaults, by turns, after a first
round each that is not counted; CPU seconds are those of all threads, and each side's best round
counts. The headline is about distinct texts within the model's limit, which both embed whole. Of
longer texts the library embeds the opening and Quorum all of it. Texts are prompts and responses
of `*.items.jsonl.gz` in a folder, else those of the demo.
"""

import argparse
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DEMO = Path(__file__).resolve().parent.parent / "demo"
SEED = 4
LEAST_RATIO = {"fp32": 1.2, "bf16": 2.5}
MOST_OFF = {"fp32": 1e-5, "bf16": 1e-3}  # 1 - cosine to the library's fp32


@dataclass(frozen=True)
class Round:
    cpu: float
    wall: float
    vectors: np.ndarray


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEMO, help="folder of *.items.jsonl.gz")
    parser.add_argument("--texts", type=int, default=300, help="texts of each comparison")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)

    import torch
    from sentence_transformers import SentenceTransformer

    from curation.domain.embedding.encoder import Encoder, default_model

    encoder, library = Encoder(default_model()), SentenceTransformer(default_model())
    engine = encoder.engine()
    texts = shuffled(chosen.data)
    sizes = {text: len(engine.cutter.read(text)) for text in texts[: 20 * chosen.texts]}
    whole = [text for text, size in sizes.items() if size <= engine.cutter.room][: chosen.texts]
    mixed = list(sizes)[: chosen.texts]
    print(f"{engine.device}, {engine.precision}, {torch.get_num_threads()} threads")

    ours, theirs = compared(encoder, library, whole, chosen.rounds)
    ratio = theirs.cpu / ours.cpu
    off = 1 - float((ours.vectors * theirs.vectors).sum(axis=1).min())
    least, most_off = LEAST_RATIO[engine.precision], MOST_OFF[engine.precision]
    show("distinct texts within the limit", whole, sizes, ours, theirs)
    print(f"{'  ratio':44} {ratio:8.2f}   target {least}")
    print(f"{'  largest deviation, 1 - cosine':44} {off:8.1e}   at most {most_off:.0e}")
    if engine.device.startswith("cuda"):
        show_share_of_peak(engine, library, [sizes[text] for text in whole], ours.wall)
    show("texts of any length", mixed, sizes, *compared(encoder, library, mixed, 1))
    thrice = whole[: len(whole) // 3] * 3
    show("each text three times", thrice, sizes, *compared(encoder, library, thrice, 1))
    return int(ratio < least or off > most_off)


def shuffled(folder: Path) -> list[str]:
    """Distinct texts of a folder, in an order that is the same every time."""
    texts = [text for text in dict.fromkeys(texts_in(folder)) if text.strip()]
    if not texts:
        raise SystemExit(f"no texts in {folder}/*.items.jsonl.gz; name a folder with --data")
    random.Random(SEED).shuffle(texts)
    return texts


def texts_in(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.items.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for item in map(json.loads, lines):
                spoken = [item.get("prompt"), *(each.get("text") for each in item["responses"])]
                yield from (text for text in spoken if isinstance(text, str))


def compared(encoder: Any, library: Any, texts: list[str], rounds: int) -> tuple[Round, Round]:
    """Best round of Quorum and of the library, which take turns."""
    few = texts[:40]
    encoder.encode(few), library.encode(few)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(timed(lambda: encoder.encode(texts).vectors))
        theirs.append(timed(lambda: library.encode(texts)))
    return min(ours, key=lambda each: each.cpu), min(theirs, key=lambda each: each.cpu)


def timed(work: Callable[[], np.ndarray]) -> Round:
    cpu, wall = time.process_time(), time.perf_counter()
    vectors = work()
    return Round(time.process_time() - cpu, time.perf_counter() - wall, vectors)


def show(name: str, texts: list[str], sizes: dict[str, int], ours: Round, theirs: Round) -> None:
    mean = np.mean([sizes[text] for text in texts])
    print(f"{name}: {len(texts):,}, {mean:.0f} tokens on average")
    for side, run in (("  Quorum", ours), ("  SentenceTransformer.encode", theirs)):
        speed = f"{len(texts) / run.cpu:8.1f} texts per CPU-s, {len(texts) / run.wall:8.1f} per s"
        print(f"{side:44} {speed}")


def show_share_of_peak(engine: Any, library: Any, sizes: list[int], wall: float) -> None:
    """Arithmetic done per second as a share of what a large bf16 product reaches on the card."""
    import torch

    bert = library[0].model
    weights = sum(each.numel() for each in bert.encoder.parameters())
    lengths = np.array(sizes) + engine.cutter.n_added
    width, layers = bert.config.hidden_size, bert.config.num_hidden_layers
    work = float((2 * weights * lengths + 4 * layers * width * lengths**2).sum())
    side = torch.randn(8192, 8192, device=engine.device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(10):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        side @ side
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    peak = 2 * 8192**3 / min(seconds)
    print(f"{'  tokens in a batch, found by itself':44} {engine.budget.tokens:8,}")
    print(f"{'  share of the bf16 peak of the card':44} {work / wall / peak:8.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
