"""What the learned router gains: in simulations, and on real labels of people and judges.

    python -m benchmarks.routing_evaluation [FOLDER [SET…]] [--seeds N]

In simulations the published figures of the method stand beside ours. With FOLDER (of
<set>.items.jsonl.gz and <set>.votes.jsonl.gz) the votes that judges gave are replayed, for each
judge alone and for all as a jury. Right is what people agree on (posterior at least .7); how often
one person is right is measured by leaving each out in turn, or assumed where one person judged
each comparison. Features are the signals of the texts alone: none needs a model. Exits with 1
where learned is below confidence beyond its interval, or a simulation breaks its promise.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from annotation.domain.families import model_family
from annotation.domain.judges.opinions import JudgeTable, opinions_of_counts
from annotation.domain.verdicts import FIRST, NO_VERDICT, SECOND, TIE
from benchmarks.routing_simulation import compare, off_policy
from benchmarks.shared_data import rows_of
from curation.domain.routing import strengths
from curation.domain.routing.evaluation import ROUTERS, Labelled, evaluate
from curation.domain.routing.juries import jury_verdicts, weights_of
from curation.domain.routing.references import PeopleVotes, human_quality, references
from curation.domain.routing.router_features import features_of
from curation.domain.signals.text import read_prompt, read_response, text_signals

SETS = ("llmfao", "pandalm", "cragc25", "llmbar")
CODES = {0: FIRST, 1: SECOND, "tie": TIE}
ORDERS = {False: 0, True: 1, None: 2}
FEWEST = 50  # labelled comparisons
# Fewer prompts are too few to tell how often judges are right on others.
MOST_ERROR, FEWEST_FOR_ERROR, FEWEST_PROMPTS = 0.05, 500, 100
PUBLISHED = {  # of the method's own simulation, over 20 seeds
    "area": {"random": 0.727, "confidence": 0.760, "learned": 0.782, "oracle": 0.793},
    "gain": {"confidence": 0.505, "learned": 0.832},
    "ece": {"raw": 0.33, "confidence": 0.022, "learned": 0.016},
    "auroc": {"raw": 0.68, "learned": 0.77, "oracle": 0.825},
}
PUBLISHED_AT = {
    "random": (0.630, 0.666, 0.727),
    "confidence": (0.641, 0.694, 0.776),
    "learned": (0.663, 0.729, 0.807),
    "oracle": (0.672, 0.749, 0.824),
}
PUBLISHED_OFF = {"truth": 0.606, "naive": 0.480, "IPS": 0.608, "SNIPS": 0.608}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the evaluations of the sets to this file")
    chosen = parser.parse_args(arguments)
    faults = simulated(chosen.seeds)
    if chosen.folder:
        found, on_sets = measured(chosen.folder, chosen.sets)
        faults += on_sets
        if chosen.json:
            chosen.json.write_text(json.dumps(found), encoding="utf-8")
    print("\n".join(faults) or "everything that is promised is kept")
    return int(bool(faults))


def simulated(n_seeds: int) -> list[str]:
    begin = time.process_time()
    seeds = [compare(seed) for seed in range(n_seeds)]
    print(f"simulation, mean of {n_seeds} seeds; published in brackets")
    for name, published in PUBLISHED.items():
        shown = [
            f"{key} {np.mean([getattr(one, name)[key] for one in seeds]):.3f} ({there:.3f})"
            for key, there in published.items()
        ]
        print(f"  {name:6} " + "  ".join(shown))
    for router, published in PUBLISHED_AT.items():
        ours = np.mean([one.at[router] for one in seeds], axis=0)
        pairs = zip(ours, published, strict=True)
        print(f"  at 10/25/50 % {router:10} " + "  ".join(f"{a:.3f} ({b:.3f})" for a, b in pairs))
    wins = sum(one.area["learned"] > one.area["confidence"] for one in seeds)
    errors = [one.ece["learned"] for one in seeds]
    chance = [one.ece["oracle"] for one in seeds]  # of the very chances that outcomes are drawn by
    print(
        f"  learned above confidence on {wins} of {n_seeds} seeds; ECE at most {max(errors):.3f}, "
        f"of the true chances {np.mean(chance):.3f}, at most {max(chance):.3f}"
    )
    faults = [] if wins == n_seeds else [f"simulation: only {wins} of {n_seeds} seeds"]
    faults += [] if np.mean(errors) < 0.03 else ["simulation: the ECE is above .03"]
    faults += estimated(n_seeds)
    print(f"  {time.process_time() - begin:.0f} CPU-s")
    return faults


def estimated(n_seeds: int) -> list[str]:
    rows = np.array([off_policy(seed) for seed in range(n_seeds)])
    shown = [
        f"{name} {value:.3f} ({there:.3f})"
        for (name, there), value in zip(PUBLISHED_OFF.items(), rows.mean(axis=0), strict=False)
    ]
    errors = rows[:, 3] - rows[:, 0]
    print(f"  off-policy: {'  '.join(shown)}; SNIPS' standard error {rows[:, 4].mean():.3f}, ")
    print(f"  its errors' sd {errors.std():.3f}, IPS' {(rows[:, 2] - rows[:, 0]).std():.3f}")
    is_near = (np.abs(errors) < 3 * rows[:, 4]).all()
    return [] if is_near else ["simulation: SNIPS is not near the truth"]


def measured(folder: Path, names: list[str]) -> tuple[dict[str, Any], list[str]]:
    found, faults = {}, []
    for name in names:
        for judge, labelled, quality in labelled_in(folder, name):
            if len(labelled.right) < FEWEST or len(np.unique(labelled.right)) < 2:
                continue
            told = found[f"{name} {judge}"] = evaluate(labelled)
            report(f"{name}, {judge}", told, quality)
            faults += faults_of(f"{name}, {judge}", told)
    return found, faults


def labelled_in(folder: Path, name: str) -> Iterator[tuple[str, Labelled, Any]]:
    """The jury of all judges of a set, then each judge alone."""
    items = list(rows_of(folder / f"{name}.items.jsonl.gz"))
    votes = [v for v in rows_of(folder / f"{name}.votes.jsonl.gz") if v["choice"] is not None]
    place = {item["id"]: number for number, item in enumerate(items)}
    people = people_votes([vote for vote in votes if vote["kind"] == "human"], place)
    table, judges = opinions([vote for vote in votes if vote["kind"] == "llm"], place)
    signals = signals_of(items)
    yield (
        f"jury of {len(judges)}",
        labelled_by(table, people, items, signals),
        human_quality(people),
    )
    for number, judge in enumerate(judges):
        alone = table.where(table.annotator == number)
        yield judge, labelled_by(alone, people, items, signals), human_quality(people)


def people_votes(votes: list[dict[str, Any]], place: dict[str, int]) -> PeopleVotes:
    names = sorted({vote["annotator"] for vote in votes})
    number = {name: at for at, name in enumerate(names)}
    return PeopleVotes(
        np.array([place[vote["item_id"]] for vote in votes]),
        np.array([number[vote["annotator"]] for vote in votes]),
        np.array([CODES[vote["choice"]] for vote in votes]),
        len(place),
    )


def opinions(votes: list[dict[str, Any]], place: dict[str, int]) -> tuple[JudgeTable, list[str]]:
    """What recorded votes of both orders amount to, as the application reads imported ones."""
    models = {vote["annotator"]: vote["model"] for vote in votes}
    judges = sorted(models)
    number = {name: at for at, name in enumerate(judges)}
    who = np.array([(number[vote["annotator"]], place[vote["item_id"]]) for vote in votes])
    who, at = np.unique(who, axis=0, return_inverse=True)
    counts = np.zeros((len(who), 3, 4), np.int64)
    orders = [ORDERS[vote["position_swapped"]] for vote in votes]
    np.add.at(counts, (at.reshape(-1), orders, [CODES[vote["choice"]] for vote in votes]), 1)
    said = opinions_of_counts(counts)
    families = {number[name]: model_family(model or name) for name, model in models.items()}
    table = JudgeTable(
        who[:, 0],
        who[:, 1],
        said.p_first,
        said.verdict,
        said.confidence,
        said.is_flipped,
        np.ones(len(who), bool),
        families,
    )
    return table, judges


def signals_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    read: dict[str, Any] = {}
    rows = []
    for item in items:
        asked = item.get("prompt") or "\n".join(one["content"] for one in item["messages"])
        for response in item["responses"]:
            if response["text"] not in read:
                read[response["text"]] = read_response(response["text"])
        texts = [read[response["text"]] for response in item["responses"]]
        rows.append(text_signals(read_prompt(asked, len(item.get("messages", "1"))), texts))
    return rows


def labelled_by(
    table: JudgeTable,
    people: PeopleVotes,
    items: list[dict[str, Any]],
    signals: list[dict[str, Any]],
) -> Labelled:
    right = references(people)
    every = np.arange(len(items))
    jury = jury_verdicts(table, weights_of(table, every, right))
    names = [[response["model"] or "" for response in item["responses"]] for item in items]
    known, numbers = np.unique(["", *np.ravel(names)], return_inverse=True)
    models = numbers[1:].reshape(-1, 2)[jury.comparison] - 1  # the first name is that of unknown
    gap = strengths.gaps_without(models, jury.p_first, len(known) - 1)
    rows = np.flatnonzero(right[jury.comparison] != NO_VERDICT)
    ids = jury.comparison[rows]
    columns = columns_of([signals[number] for number in ids]) | {
        "judge_confidence": jury.confidence[rows],
        "judge_probability": jury.p_first[rows],
        "judge_agreement": jury.agreement[rows],
        "order_flip": jury.is_flipped[rows],
        "judged_strength_gap": gap[rows],
    }
    features, used = features_of(columns)
    prompts = [item.get("prompt") or json.dumps(item["messages"]) for item in items]
    return Labelled(
        features,
        used,
        jury.confidence[rows],
        (jury.verdict[rows] == right[ids]).astype(float),
        np.full(len(ids), human_quality(people).value),
        np.unique(prompts, return_inverse=True)[1][ids],
    )


def columns_of(signals: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns of those signals that are numbers, flags or words."""
    columns = {}
    for name, value in signals[0].items():
        values = [row.get(name) for row in signals]
        if isinstance(value, str):
            columns[name] = np.array(values, object)
        elif not isinstance(value, list):
            columns[name] = np.array([np.nan if v is None else float(v) for v in values])
    return columns


def report(name: str, told: dict[str, Any], quality: Any) -> None:
    def spans(group: str, key: str) -> str:
        value, (low, high) = told[group][key], told["intervals"][group][key]
        return f"{value:.3f} ({low:.3f} to {high:.3f})" if low is not None else f"{value:.3f}"

    source = f"from {quality.n} labels" if quality.is_measured else "assumed"
    print(
        f"{name}: n {told['n']} of {told['n_prompts']} prompts; judges right "
        f"{told['judge_quality']:.3f}, one person {quality.value:.3f} {source}"
    )
    print("  area " + ", ".join(f"{router} {spans('area', router)}" for router in ROUTERS))
    gains = [f"{router} {spans('normalised_gain', router)}" for router in told["normalised_gain"]]
    print("  normalised gain " + ", ".join(gains))
    print("  " + ", ".join(f"{key} {spans('difference', key)}" for key in told["difference"]))
    at = [
        f"{router} " + "/".join(f"{v:.3f}" for v in told["quality_at"][router].values())
        for router in ROUTERS
    ]
    print("  at 10/25/50 % " + ", ".join(at))
    for key in ("ece", "auroc"):
        print(f"  {key} " + ", ".join(f"{source} {v:.3f}" for source, v in told[key].items()))
    print(f"  penalties {told['penalties']}")


def faults_of(name: str, told: dict[str, Any]) -> list[str]:
    _, high = told["intervals"]["difference"]["learned_less_confidence"]
    faults = [f"{name}: learned is below confidence"] if high is not None and high < 0 else []
    is_enough = told["n"] >= FEWEST_FOR_ERROR and told["n_prompts"] >= FEWEST_PROMPTS
    if is_enough and told["ece"]["learned"] >= MOST_ERROR:
        faults.append(f"{name}: ECE {told['ece']['learned']:.3f} with {told['n']} labels")
    return faults


if __name__ == "__main__":
    sys.exit(main())
