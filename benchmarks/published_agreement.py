"""Agreement, judges and bias on published data sets, against the figures published with them.

    python -m benchmarks.published_agreement FOLDER

FOLDER holds <set>.items.jsonl.gz and <set>.votes.jsonl.gz of any of the sets, STATS.json (figures
to three digits) and PUBLISHED.json (what the publishers print). Exits with 1 on any difference.
"""

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from annotation.domain import quality, quality_report
from annotation.domain.agreement import alpha, cohen_kappa, counts_by_unit, tally_of
from annotation.domain.bias import order_flips
from annotation.domain.rank_agreement import ranking_agreement
from annotation.domain.rating_agreement import krippendorff_alpha
from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, TIE, plurality

HALF_A_DIGIT = 0.00051  # STATS.json is rounded to three digits
CODES = {0: 0, 1: 1, "tie": TIE, None: NO_VERDICT}
UNREADABLE = N_VERDICTS
ORDERS = {None: -1, False: 0, True: 1}


@dataclass
class Checks:
    """Our figures beside the published ones."""

    n: int = 0
    failed: list[str] = field(default_factory=list)

    def compare(self, name: str, ours: float | None, theirs: float, tolerance: float = 0) -> None:
        self.n += 1
        near = ours is not None and abs(ours - theirs) <= tolerance + HALF_A_DIGIT * (not tolerance)
        if not near:
            self.failed.append(name)
        shown = "undefined" if ours is None else f"{ours:.4f}"
        print(f"  {'  ' if near else '!!'} {name:74} {shown:>10} {theirs:>10}")


@dataclass(frozen=True)
class DataSet:
    """One set as read from its files. `votes` in file order."""

    name: str
    items: dict[str, dict[str, Any]]
    votes: list[dict[str, Any]]

    @cached_property
    def item_number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.items)}

    @cached_property
    def annotators(self) -> list[str]:
        return list(dict.fromkeys(vote["annotator"] for vote in self.votes))

    @cached_property
    def arrays(self) -> quality.Votes:
        """Pairwise verdicts; items of more than two responses have none."""
        number = {name: index for index, name in enumerate(self.annotators)}
        judges = {vote["annotator"] for vote in self.votes if vote["kind"] == "llm"}
        rows = [
            (
                self.item_number[vote["item_id"]],
                number[vote["annotator"]],
                CODES[vote["choice"]],
                ORDERS[vote["position_swapped"]],
            )
            for vote in self.votes
        ]
        item, annotator, choice, swapped = np.array(rows).T
        items = self.items.values()
        n = len(self.items)
        return quality.Votes(
            item=item,
            annotator=annotator,
            choice=choice,
            swapped=swapped,
            is_judge=np.array([name in judges for name in self.annotators]),
            lengths=np.array([[len(r["text"]) for r in i["responses"][:2]] for i in items]),
            gold=np.array([CODES[(i["meta"] or {}).get("gold")] for i in items]),
            seconds=np.array([vote["seconds"] or np.nan for vote in self.votes], float),
            tokens=np.full(n, np.nan),
            family=np.full(len(self.annotators), -1),
            families=np.full((n, 2), -1),
            prompt=np.arange(n),
        )

    @cached_property
    def figures(self) -> dict[str, quality.AnnotatorFigures]:
        return dict(zip(self.annotators, quality.annotator_figures(self.arrays), strict=True))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def read(folder: Path, name: str) -> DataSet:
    items = {item["id"]: item for item in read_rows(folder / f"{name}.items.jsonl.gz")}
    return DataSet(name, items, list(read_rows(folder / f"{name}.votes.jsonl.gz")))


HUMAN = {  # figure in STATS.json: ours, from (agreement, bias)
    "items_with_2+_human_votes": lambda a, b: a.n_items,
    "human_human_pairs": lambda a, b: a.n_pairs,
    "human_human_agreement": lambda a, b: a.pairwise,
    "human_human_agreement_no_ties": lambda a, b: a.pairwise_no_ties,
    "human_human_agreement_item_mean": lambda a, b: a.pairwise_mean_item,
    "unanimous_items": lambda a, b: a.unanimous,
    "krippendorff_alpha_nominal": lambda a, b: a.alpha_nominal,
    "krippendorff_alpha_ordinal_0_tie_1": lambda a, b: a.alpha_ordinal,
    "human_tie_rate": lambda a, b: a.tie_rate,
    "human_first_shown_wins": lambda a, b: b.first_shown.value,
    "human_longer_response_wins": lambda a, b: b.longer_wins.value,
}
JUDGE: dict[str, Callable[[quality.AnnotatorFigures], float | None]] = {
    "votes": lambda f: f.n,
    "tie_rate": lambda f: f.tie_rate,
    "agreement_with_human_majority": lambda f: f.agreement_with_majority,
    "agreement_no_ties": lambda f: f.agreement_with_majority_no_ties,
    "agreement_with_single_human_vote": lambda f: f.agreement_with_single_vote,
    "cohen_kappa_with_human_majority": lambda f: f.kappa,
    "n_compared": lambda f: f.n_compared,
    "first_shown_wins": lambda f: f.first_shown_rate,
    "longer_response_wins": lambda f: f.longer_win_rate,
    "items_in_both_orders": lambda f: f.n_flips,
    "position_conflict_rate": lambda f: f.order_flip_rate,
    "orders_agree": lambda f: None if f.order_flip_rate is None else 1 - f.order_flip_rate,
    "accuracy_vs_gold_per_vote": lambda f: f.accuracy_vs_gold,
}


def check_people(checks: Checks, name: str, votes: quality.Votes, stats: dict[str, Any]) -> None:
    agreement, bias = quality.agreement_among(votes), quality_report.bias_among(votes)
    for key, of in HUMAN.items():
        if key in stats:
            checks.compare(f"{name} {key}", of(agreement, bias), stats[key])
    for choice, expected in stats.get("human_choice_share", {}).items():
        code = TIE if choice == "tie" else int(choice)
        checks.compare(f"{name} share of {choice}", agreement.prevalence[code], expected)


def check_judges(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    for judge, expected in stats.get("llm", {}).items():
        for key, of in JUDGE.items():
            if key in expected:
                name = f"{data.name} {judge} {key}"
                checks.compare(name, of(data.figures[judge]), expected[key])


def check_majority_and_gold(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    if not (expected := stats.get("majority_vs_gold")):
        return
    majority, gold = majority_of_people(data), data.arrays.gold
    released = gold != NO_VERDICT
    decided = released & (majority != NO_VERDICT)
    checks.compare(f"{data.name} items with gold", int(released.sum()), expected["items"])
    undecided = int((released & ~decided).sum())
    checks.compare(f"{data.name} majority undecided", undecided, expected["majority_undecided"])
    agree = float(np.mean(majority[decided] == gold[decided]))
    checks.compare(f"{data.name} majority = gold", agree, expected["agree_of_decided"])


def majority_of_people(data: DataSet) -> np.ndarray:
    people = data.arrays.by_people
    return plurality(counts_by_unit(people.item, people.choice, N_VERDICTS, people.n_items))


def check_rankings(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    if not (expected := stats.get("ranking")):
        return
    units, tiers = [], []
    for vote in data.votes:
        tier = {name: t for t, names in enumerate(vote["ranking"] or ()) for name in names}
        responses = data.items[vote["item_id"]]["responses"]
        units.append(data.item_number[vote["item_id"]])
        tiers.append([float(tier.get(response["id"], np.nan)) for response in responses])
    found = ranking_agreement(np.array(units), np.array(tiers))
    for key, ours in {
        "items_with_2+_rankings": found.n_units,
        "annotator_pairs": found.n_ranking_pairs,
        "pair_order_agreement_ties_excluded": found.order.value,
        "kendall_tau_a_pooled": found.tau_a.value,
        "same_top_set": found.same_top.value,
    }.items():
        checks.compare(f"{data.name} {key}", ours, expected[key])


def check_ratings(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    for aspect, expected in stats.get("ratings_alpha_interval", {}).items():
        rows = [
            (response, ratings[aspect])
            for vote in data.votes
            for response, ratings in (vote["ratings"] or {}).items()
        ]
        names, values = zip(*rows, strict=True)
        _, unit = np.unique(names, return_inverse=True)
        found = krippendorff_alpha(unit, np.array(values, float), "interval")
        checks.compare(f"{data.name} alpha of {aspect}", found.value, expected)


def check_aspects(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    for aspect, expected in stats.get("human_aspect_alpha_ordinal", {}).items():
        votes = [v for v in of_pool(data, "crowd") if aspect in (v["aspects"] or {})]
        unit = np.array([data.item_number[v["item_id"]] for v in votes])
        value = np.array([CODES[v["aspects"][aspect]] for v in votes])
        found = alpha(tally_of(unit, value, 3), "ordinal", (0, 1, 0.5))
        checks.compare(f"{data.name} crowd alpha of {aspect}", found.value, expected)


def of_pool(data: DataSet, pool: str) -> list[dict[str, Any]]:
    people = (vote for vote in data.votes if vote["kind"] == "human")
    return [vote for vote in people if (vote["meta"] or {}).get("pool") == pool]


def check_stats(checks: Checks, data: DataSet, stats: dict[str, Any]) -> None:
    check_people(checks, data.name, data.arrays.by_people, stats)
    for pool in ("crowd", "expert"):
        if f"{pool}_only" in stats:
            part = DataSet(data.name, data.items, of_pool(data, pool))
            check_people(checks, f"{data.name} {pool}", part.arrays, stats[f"{pool}_only"])
    check_judges(checks, data, stats)
    check_majority_and_gold(checks, data, stats)
    check_rankings(checks, data, stats)
    check_ratings(checks, data, stats)
    check_aspects(checks, data, stats)


def check_pandalm(checks: Checks, data: DataSet, published: dict[str, Any], _: Path) -> None:
    votes = data.arrays
    said = {}
    for place, name in enumerate(published["annotators"], 1):
        mine = votes.annotator == data.annotators.index(name)
        said[str(place)] = np.full(votes.n_items, NO_VERDICT)
        said[str(place)][votes.item[mine]] = votes.choice[mine]
    for pair, expected in published["cohen_kappa"].items():
        kappa = cohen_kappa(*(said[name] for name in pair.split("-")), N_VERDICTS).value
        checks.compare(f"pandalm kappa {pair}", kappa, expected, published["tolerance"])
    majority = majority_of_people(data)
    for choice, expected in published["majority_label_distribution"].items():
        code = TIE if choice == "tie" else int(choice)
        checks.compare(f"pandalm majority {choice}", int((majority == code).sum()), expected)


def check_llmbar(checks: Checks, data: DataSet, published: dict[str, Any], _: Path) -> None:
    """Accuracy in each order and agreement of the two orders, by subset and judge.

    The publisher takes "no readable verdict" for a verdict: twice unreadable is the same twice.
    """
    votes = data.arrays
    subsets = np.array([item["meta"]["subset"] for item in data.items.values()])
    correct = (votes.choice == votes.gold[votes.item]) & (votes.choice != NO_VERDICT)
    for cell in published["cells"]:
        judge = data.annotators.index(cell["annotator"])
        mine = (votes.annotator == judge) & (subsets[votes.item] == cell["subset"])
        right = [set(votes.item[mine & correct & (votes.swapped == way)]) for way in (0, 1)]
        part = votes.where(mine)
        said = np.where(part.choice == NO_VERDICT, UNREADABLE, part.choice)
        _, flipped = order_flips(part.item, part.annotator, said, part.swapped)
        for key, ours in {
            "correct_unswapped": len(right[0]),
            "correct_swapped": len(right[1]),
            "correct_both": len(right[0] & right[1]),
            "orders_equal": int((~flipped).sum()),
        }.items():
            checks.compare(f"llmbar {cell['subset']} {cell['annotator']} {key}", ours, cell[key])


def check_judgebench(checks: Checks, data: DataSet, published: dict[str, Any], _: Path) -> None:
    votes = data.arrays
    for judge, expected in published["accuracy_pct_both_games"].items():
        mine = votes.where(votes.annotator == data.annotators.index(judge))
        counts = counts_by_unit(mine.item, mine.choice, N_VERDICTS, mine.n_items)
        right = np.take_along_axis(counts, votes.gold[:, None], 1)
        wrong = np.take_along_axis(counts, 1 - votes.gold[:, None], 1)
        accuracy = 100 * float(np.mean(right > wrong))
        checks.compare(f"judgebench {judge} both games %", accuracy, expected, 0.005001)


def check_ukp(checks: Checks, data: DataSet, published: dict[str, Any], folder: Path) -> None:
    """Win shares of arguments against the released ranks, within each side of each debate."""
    points: dict[tuple[str, str], list[float]] = defaultdict(list)
    share = {0: (1.0, 0.0), 1: (0.0, 1.0), "tie": (0.5, 0.5)}
    for vote in data.votes:
        meta = data.items[vote["item_id"]]["meta"]
        for argument, point in zip(meta["argument_ids"], share[vote["choice"]], strict=True):
            points[meta["source_file"], argument].append(point)
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in read_rows(folder / "ukpconvarg1.released_ranks.jsonl.gz"):
        key = (row["source_file"], row["argument_id"])
        if key in points:
            scores[key[0]].append((float(np.mean(points[key])), row["rank_score"]))
    rhos = [spearmanr(*np.array(pairs).T).statistic for pairs in scores.values()]
    checks.compare("ukpconvarg1 mean Spearman with released ranks", float(np.mean(rhos)), -0.887)


def check_squality(checks: Checks, data: DataSet, published: dict[str, Any], _: Path) -> None:
    ratings: dict[tuple[str, str], list[float]] = defaultdict(list)
    for vote in data.votes:
        for response, rating in vote["ratings"].items():
            ratings[vote["item_id"], response].append(rating["overall"])
    other_means = other_ranks = 0
    for name, item in data.items.items():
        released = item["meta"]["released_overall"]
        means = np.array([np.mean(ratings[name, response]) for response in released])
        ranks = rankdata(-means, method="min")
        for mean, rank, facts in zip(means, ranks, released.values(), strict=True):
            other_means += abs(mean - facts["overall-rating"]) > 1e-9
            other_ranks += rank != facts["overall-ranking"]
    checks.compare("squality mean ratings that differ", other_means, 0)
    checks.compare("squality ranks that differ, beyond one", max(other_ranks - 1, 0), 0)


PUBLISHED = {
    "pandalm": check_pandalm,
    "llmbar": check_llmbar,
    "judgebench": check_judgebench,
    "ukpconvarg1": check_ukp,
    "squality": check_squality,
}


def sets_in(folder: Path) -> Iterable[str]:
    return sorted(path.name.split(".")[0] for path in folder.glob("*.votes.jsonl.gz"))


def check(folder: Path) -> int:
    """Print every figure of every set beside the expected one; 0 if all are equal, else 1."""
    stats = json.loads((folder / "STATS.json").read_text())
    published = json.loads((folder / "PUBLISHED.json").read_text())
    checks = Checks()
    for name in sets_in(folder):
        print(f"{name}\n     {'figure':74} {'ours':>10} {'expected':>10}")
        data = read(folder, name)
        if name in stats:
            check_stats(checks, data, stats[name])
        if name in PUBLISHED and name in published:
            PUBLISHED[name](checks, data, published[name], folder)
    print(f"{checks.n} figures compared, {len(checks.failed)} differ")
    for name in checks.failed:
        print("  differs:", name)
    return int(bool(checks.failed) or not checks.n)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    sys.exit(check(parser.parse_args().folder))
