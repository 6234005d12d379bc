"""Seven published rankings of the LLMFAO models, recomputed from the votes.

    python -m benchmarks.published_rankings FOLDER

FOLDER holds llmfao.items.jsonl.gz, llmfao.votes.jsonl.gz and PUBLISHED.json. Bradley-Terry and
Newman's ranking (Davidson's model under another name) come from `annotation.domain`; the other
five are written out here. Exits with 1 unless every order is the published one.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from annotation.domain import bradley_terry, davidson
from annotation.domain.comparisons import Comparisons, win_matrix, win_shares, wins_and_ties

NEARLY_FLAT = 1e3  # standard deviation of the prior: the published figures have none
SAME = 1e-5  # scores nearer than this count as equal: some of the published ones are


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def votes_of(folder: Path, kind: str, model: str | None = None) -> tuple[Comparisons, list[str]]:
    """Read the votes of people, or of one judge, as comparisons of models, in file order."""
    sides = {
        item["id"]: [response["model"] for response in item["responses"]]
        for item in rows(folder / "llmfao.items.jsonl.gz")
    }
    names = sorted({name for pair in sides.values() for name in pair})
    number = {name: index for index, name in enumerate(names)}
    outcome = {0: 1.0, 1: 0.0, "tie": 0.5}
    judged = [
        (*(number[name] for name in sides[vote["item_id"]]), outcome[vote["choice"]])
        for vote in rows(folder / "llmfao.votes.jsonl.gz")
        if vote["kind"] == kind and vote["model"] == model and vote["choice"] is not None
    ]
    first, second, y = zip(*judged, strict=True)
    return Comparisons(np.array(first), np.array(second), np.array(y), len(names)), names


def leading_vector(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(matrix)
    return np.abs(np.real(vectors[:, np.argmax(np.real(values))]))


def elo(comparisons: Comparisons) -> np.ndarray:
    scores = np.full(comparisons.n_items, 1000.0)
    columns = (comparisons.first, comparisons.second, comparisons.outcome)
    for i, j, y in zip(*columns, strict=True):
        gain = 4 * (y - 1 / (1 + 10 ** ((scores[j] - scores[i]) / 400)))
        scores[i], scores[j] = scores[i] + gain, scores[j] - gain
    return scores


def pagerank(wins: np.ndarray) -> np.ndarray:
    lost = wins.T / wins.T.sum(1, keepdims=True)
    return leading_vector((0.85 * lost + 0.15 / len(wins)).T)


def rankings(comparisons: Comparisons) -> dict[str, np.ndarray]:
    wins = win_matrix(comparisons)
    strict, ties = wins_and_ties(comparisons)
    flat = {"prior_sd": NEARLY_FLAT}
    return {
        "average_win_rate": np.nanmean(win_shares(wins), axis=1),
        "bradley_terry": bradley_terry.fit(wins, **flat).scores,
        "counting": wins.sum(1),
        "eigen": leading_vector(wins.T),  # of losses, as published: the worst come first
        "elo": elo(comparisons),
        "newman": davidson.fit(strict, ties, **flat, tie_prior_sd=NEARLY_FLAT).scores,
        "pagerank": pagerank(wins),
    }


def turned_pairs(ours: np.ndarray, theirs: np.ndarray) -> int:
    """Count pairs of models that we order one way and the published scores the other."""
    gap = theirs[:, None] - theirs[None, :]
    clear = np.abs(gap) > SAME * np.abs(theirs).max()
    return int(np.sum(clear & (np.sign(ours[:, None] - ours[None, :]) != np.sign(gap))) // 2)


def check(folder: Path) -> int:
    published = json.loads((folder / "PUBLISHED.json").read_text())["llmfao"]
    comparisons, names = votes_of(folder, "human")
    failed = 0
    for method, ours in rankings(comparisons).items():
        theirs = np.array([published["scores_of_human_votes"][method][name] for name in names])
        turned = turned_pairs(ours, theirs)
        failed += turned > 0
        print(f"{method:18} rho {spearmanr(ours, theirs).statistic:.6f}  pairs turned {turned}")
    judges = {"human": ("human", None)}
    judges |= {model: ("llm", model) for model in ("gpt-4", "gpt-3.5-turbo-instruct")}
    # Rounded, because models with the same record must share a rank.
    ranks = {
        judge: rankdata(
            -bradley_terry.fit(
                win_matrix(votes_of(folder, *who)[0]), prior_sd=NEARLY_FLAT
            ).scores.round(6)
        )
        for judge, who in judges.items()
    }
    for pair, expected in published["rank_correlation_bradley_terry"].items():
        left, right = pair.split("/")
        rho = float(np.corrcoef(ranks[left], ranks[right])[0, 1])
        failed += abs(rho - expected) > published["tolerance"]
        print(f"{pair:32} {rho:.6f}  published {expected:.6f}")
    return int(failed > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    sys.exit(check(parser.parse_args().folder))
