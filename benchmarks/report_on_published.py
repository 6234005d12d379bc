"""Import published data sets for real, report on them, and compare with the published figures.

    python -m benchmarks.report_on_published FOLDER

FOLDER holds <set>.items.jsonl.gz and <set>.votes.jsonl.gz of any of the sets, STATS.json (figures
to three digits) and PUBLISHED.json. Each set becomes a project `report-<set>` of the instance under
QUORUM_VAR, unless it is there already. Exits with 1 on any difference.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.management import call_command

from benchmarks.published_agreement import Checks, sets_in

Report = Mapping[str, Any]

HUMAN: dict[str, Callable[[Report], float | None]] = {
    "items_with_2+_human_votes": lambda r: r["agreement"]["n_items"],
    "human_human_pairs": lambda r: r["agreement"]["n_pairs"],
    "human_human_agreement": lambda r: r["agreement"]["pairwise"],
    "human_human_agreement_no_ties": lambda r: r["agreement"]["pairwise_no_ties"],
    "human_human_agreement_item_mean": lambda r: r["agreement"]["pairwise_mean_item"],
    "unanimous_items": lambda r: r["agreement"]["unanimous"],
    "krippendorff_alpha_nominal": lambda r: r["agreement"]["alpha_nominal"],
    "krippendorff_alpha_ordinal_0_tie_1": lambda r: r["agreement"]["alpha_ordinal"],
    "human_tie_rate": lambda r: r["agreement"]["tie_rate"],
    "human_first_shown_wins": lambda r: r["bias"]["human"]["first_shown"]["value"],
    "human_longer_response_wins": lambda r: r["bias"]["human"]["longer_wins"]["value"],
    "human_votes": lambda r: r["counts"]["judgments_human"],
    "human_annotators": lambda r: r["counts"]["annotators"],
}
COUNTS: dict[str, Callable[[Report], float | None]] = {
    "items": lambda r: r["counts"]["items"],
    "distinct_prompts": lambda r: r["counts"]["prompts"],
    "llm_votes": lambda r: r["counts"]["judgments_llm"],
    "llm_judges": lambda r: r["counts"]["judges"],
    "unparsed_votes": lambda r: r["counts"]["unparsed"],
    "votes_with_seconds": lambda r: r["counts"]["with_seconds"],
}
JUDGE = {  # figure in STATS.json: ours
    "votes": "n",
    "tie_rate": "tie_rate",
    "agreement_with_human_majority": "agreement_with_majority",
    "agreement_no_ties": "agreement_with_majority_no_ties",
    "agreement_with_single_human_vote": "agreement_with_single_vote",
    "cohen_kappa_with_human_majority": "kappa",
    "n_compared": "n_compared",
    "first_shown_wins": "first_shown_rate",
    "longer_response_wins": "longer_win_rate",
    "items_in_both_orders": "n_flips",
    "position_conflict_rate": "order_flip_rate",
    "accuracy_vs_gold_per_vote": "accuracy_vs_gold",
}
PLACES = {"0": 0, "1": 1, "tie": 2}


def report_on(slug: str, *only: str) -> Report:
    """Run the command, as a user would."""
    out = io.StringIO()
    call_command("report", slug, *(f"--only={each}" for each in only), json=True, stdout=out)
    return json.loads(out.getvalue())


def imported(folder: Path, name: str) -> str:
    """Import a set where that was not done before; finished imports change nothing."""
    slug = f"report-{name}"
    quiet = {"stdout": io.StringIO()}
    call_command("import_items", slug, str(folder / f"{name}.items.jsonl.gz"), create=True, **quiet)
    call_command("import_judgments", slug, str(folder / f"{name}.votes.jsonl.gz"), **quiet)
    return slug


def check_people(checks: Checks, name: str, report: Report, stats: Report) -> None:
    for key, of in HUMAN.items():
        if key in stats and ("agreement" in key or "alpha" in key) <= bool(
            stats.get("items_with_2+_human_votes")
        ):
            checks.compare(f"{name} {key}", of(report), stats[key])
    for choice, expected in stats.get("human_choice_share", {}).items():
        ours = report["agreement"]["prevalence"][PLACES[choice]]
        checks.compare(f"{name} share of {choice}", ours, expected)


def check_judges(checks: Checks, name: str, report: Report, stats: Report) -> None:
    judges = {judge["annotator"]: judge for judge in report["judges"]}
    for judge, expected in stats.get("llm", {}).items():
        for key, ours in JUDGE.items():
            if key in expected:
                checks.compare(f"{name} {judge} {key}", judges[judge][ours], expected[key])


def check_gold(checks: Checks, name: str, report: Report, stats: Report) -> None:
    if expected := stats.get("majority_vs_gold"):
        gold = report["gold"]
        checks.compare(f"{name} items with gold", gold["n_items"], expected["items"])
        undecided = expected["majority_undecided"]
        checks.compare(f"{name} majority undecided", gold["n_undecided"], undecided)
        checks.compare(f"{name} majority = gold", gold["agreement"], expected["agree_of_decided"])


def check_rankings(checks: Checks, name: str, report: Report, stats: Report) -> None:
    if expected := stats.get("ranking"):
        found = report["rankings"]["human"] or report["rankings"]["llm"]
        for key, ours in {
            "items_with_2+_rankings": found["n_units"],
            "annotator_pairs": found["n_ranking_pairs"],
            "pair_order_agreement_ties_excluded": found["order"]["value"],
            "kendall_tau_a_pooled": found["tau_a"]["value"],
            "same_top_set": found["same_top"]["value"],
        }.items():
            checks.compare(f"{name} {key}", ours, expected[key])


def check_criteria(checks: Checks, name: str, report: Report, expected: Report, of: str) -> None:
    criteria = {criterion["key"]: criterion for criterion in report["criteria"]}
    for aspect, alpha in expected.items():
        found = criteria[aspect]["human"] or criteria[aspect]["llm"]
        checks.compare(f"{name} {of} of {aspect}", found[of], alpha)


def check_stats(checks: Checks, name: str, slug: str, report: Report, stats: Report) -> None:
    for key, of in COUNTS.items():
        checks.compare(f"{name} {key}", of(report), stats[key])
    check_people(checks, name, report, stats)
    check_judges(checks, name, report, stats)
    check_gold(checks, name, report, stats)
    check_rankings(checks, name, report, stats)
    ratings = stats.get("ratings_alpha_interval", {})
    check_criteria(checks, name, report, ratings, "alpha_interval")
    for pool in ("crowd", "expert"):
        if f"{pool}_only" in stats:
            part = report_on(slug, f"pool={pool}")
            check_people(checks, f"{name} {pool}", part, stats[f"{pool}_only"])
            if pool == "crowd":
                aspects = stats.get("human_aspect_alpha_ordinal", {})
                check_criteria(checks, f"{name} crowd", part, aspects, "alpha_ordinal")


def check_leaderboard(checks: Checks, name: str, report: Report, published: Report) -> None:
    """Models in the published order, and judges' boards as close to people's as published."""
    golden = published.get("scores_of_human_votes", {}).get("bradley_terry", {})
    order = [place["model"] for place in report["leaderboard"]]
    expected = sorted(golden, key=lambda model: -golden[model])
    same = sum(ours == theirs for ours, theirs in zip(order, expected, strict=True))
    checks.compare(f"{name} models at their published place", same, len(expected))


def check(folder: Path) -> int:
    stats = json.loads((folder / "STATS.json").read_text())
    published = json.loads((folder / "PUBLISHED.json").read_text())
    checks = Checks()
    for name in sets_in(folder):
        slug = imported(folder, name)
        started = perf_counter()
        report = report_on(slug)
        print(f"{name}: reported in {perf_counter() - started:.1f} s")
        check_stats(checks, name, slug, report, stats[name])
        if "scores_of_human_votes" in published.get(name, {}):
            check_leaderboard(checks, name, report, published[name])
    print(f"{checks.n} figures compared, {len(checks.failed)} differ")
    for name in checks.failed:
        print("  differs:", name)
    return int(bool(checks.failed) or not checks.n)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0)
    sys.exit(check(arguments.folder))
