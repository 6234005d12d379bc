"""How well difficulty is foretold on real votes, beside the best that is possible.

    python -m benchmarks.difficulty FOLDER [SET…]

Exits with 1 where a set falls short of a promise: above every single feature, at least 85 % of the
ceiling, no decile of the foretold probability off by more than .07.
"""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from annotation.domain.verdicts import FIRST, SECOND, TIE
from benchmarks.shared_data import rows_of
from curation.domain.difficulty.evaluation import evaluate
from curation.domain.difficulty.features import from_signals
from curation.domain.difficulty.samples import Known, sample_of
from curation.domain.difficulty.strengths import Pairs
from curation.domain.difficulty.target import Ballot

SETS = ("ukpconvarg1", "llmfao", "cragc25")
LEAST_SHARE = 0.85
WORST_DECILE = 0.07
CODES = {0: FIRST, 1: SECOND, "tie": TIE}


def known_of(folder: Path, name: str) -> Known:
    """Read a set of pairs, with the signals that need no model."""
    items = list(rows_of(folder / f"{name}.items.jsonl.gz"))
    votes = [v for v in rows_of(folder / f"{name}.votes.jsonl.gz") if v["choice"] is not None]
    place = {item["id"]: number for number, item in enumerate(items)}
    people = [vote for vote in votes if vote["kind"] == "human"]
    judged: list[dict[str, list[float]]] = [{} for _ in items]
    for vote in votes:
        if vote["kind"] == "llm":
            shares = judged[place[vote["item_id"]]].setdefault(vote["annotator"], [])
            shares.append({FIRST: 1.0, SECOND: 0.0, TIE: 0.5}[CODES[vote["choice"]]])
    texts = [[response["text"] for response in item["responses"]] for item in items]
    models = [[response["model"] or "" for response in item["responses"]] for item in items]
    prompts = [item.get("prompt") or json.dumps(item["messages"]) for item in items]
    signals = [signals_of(pair, said) for pair, said in zip(texts, judged, strict=True)]
    names, model = np.unique(models, return_inverse=True)
    return Known(
        Ballot(
            pair=np.array([place[vote["item_id"]] for vote in people]),
            choice=np.array([CODES[vote["choice"]] for vote in people]),
            key=np.array([number_of(vote["id"]) for vote in people]),
            pair_key=np.array([number_of(item["id"]) for item in items]),
        ),
        Pairs(
            response=np.unique(texts, return_inverse=True)[1].reshape(-1, 2),
            prompt=np.unique(prompts, return_inverse=True)[1],
            model=model.reshape(-1, 2) - int(names[0] == ""),
        ),
        np.array([from_signals(values) for values in signals]),
    )


def signals_of(texts: list[str], judged: dict[str, list[float]]) -> dict[str, float]:
    """The signals of the same names, for one pair."""
    short, long = sorted(len(text) for text in texts)
    values = {
        "relative_length_gap": (long - short) / max(long + short, 1),
        "shortest_words": float(min(len(text.split()) for text in texts)),
    }
    if judged:
        shares = np.array([np.mean(said) for said in judged.values()])
        p = float(shares.mean())
        values["judge_entropy"] = -sum(q * np.log2(q) for q in (p, 1 - p) if q > 0)
        values["judge_disagreement"] = float(shares.std())
    return values


def number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def check(folder: Path, names: list[str]) -> int:
    faults = []
    for name in names:
        begin = time.process_time()
        known = known_of(folder, name)
        found = evaluate(known, sample_of(known))
        report(name, found, time.process_time() - begin)
        faults += faults_of(name, found)
    print("\n".join(faults) or "all sets keep what is promised")
    return int(bool(faults))


def report(name: str, found: dict[str, Any], seconds: float) -> None:
    def shown(key: str) -> str:
        low, high = found[f"{key}_low"], found[f"{key}_high"]
        span = f" ({low:.3f} to {high:.3f})" if low is not None else " (no interval)"
        return f"{found[key]:.3f}{span}"

    best = found["singles"][0]
    print(f"{name}: {found['n']} comparisons of {found['n_prompts']} prompts, {seconds:.0f} CPU-s")
    print(f"  Spearman {shown('spearman')}  ceiling {shown('ceiling')}, root of the split-half")
    print(f"  correlation {shown('split_half')}; share of ceiling {shown('share_of_ceiling')}")
    print(f"  before any vote {shown('spearman_unseen')}; AUROC {found['auroc']:.3f}; Brier")
    print(f"  {found['brier']:.4f}, of the mean alone {found['brier_of_mean']:.4f}; largest decile")
    print(f"  error {found['max_decile_error']:.3f}; best single {best['name']}, by size:")
    print("  " + ", ".join(f"{one['name']} {one['spearman']:.3f}" for one in found["singles"]))


def faults_of(name: str, found: dict[str, Any]) -> list[str]:
    best = abs(found["singles"][0]["spearman"])
    kept: list[tuple[bool, str]] = [
        (found["spearman"] > best, f"not above the best single feature, {best:.3f}"),
        (found["share_of_ceiling"] >= LEAST_SHARE, f"below {LEAST_SHARE:.0%} of the ceiling"),
        (found["max_decile_error"] <= WORST_DECILE, f"a decile is off by over {WORST_DECILE}"),
    ]
    return [f"{name}: {fault}" for is_kept, fault in kept if not is_kept]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    chosen = parser.parse_args()
    sys.exit(check(chosen.folder, list(chosen.sets)))
