"""How honest recorded judges' probabilities are before and after calibration, and how they flip.

    python -m benchmarks.judge_calibration FOLDER [SET…]

FOLDER holds <set>.items.jsonl.gz and <set>.votes.jsonl.gz, and STATS.json (order conflicts to three
digits). Each set becomes a project `report-<set>` of the instance under QUORUM_VAR, unless it is
there already; its judges are calibrated as the workers do it. ECE and Brier score are of labels
held out by prompt, in folds that are alike in how often the judge is right; `side` is the ECE of
its leaning where people decide; `sd` is how far a single prompt usually is from that, and `off` how
far all may be on other prompts (95 %), which few prompts leave wide open however small the ECE.

Exits with 1 where a judge with 500 labels ends above .05, or where replaying the recorded votes as
answers in both orders gives another conflict rate than the published one.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from annotation.domain.judges.calibrating import ISOTONIC_FROM
from annotation.domain.judges.combining import Answered, combined
from benchmarks.report_on_published import imported
from benchmarks.shared_data import rows_of

SETS = ("cragc25", "llmbar", "llmfao", "pandalm")
WORST_ECE = 0.05
HALF_A_DIGIT = 0.0005


def check(folder: Path, names: list[str]) -> int:
    failed = []
    for name in names:
        failed += calibrated(folder, name)
        failed += replayed(folder, name)
    print("\n".join(failed) or "every promise is kept")
    return int(bool(failed))


def calibrated(folder: Path, name: str) -> list[str]:
    """Print a line for each judge of a set; return the promises that it breaks."""
    from django.utils.timezone import now

    from annotation.models import Calibration, Project
    from annotation.services import aggregation
    from annotation.services.judges import calibration

    project = Project.objects.get(slug=imported(folder, name))
    while aggregation.refresh_next_stale(now=now(), project=project):
        pass
    begin = time.perf_counter()
    calibration.refit_next(now=now(), project=project)
    seconds = time.perf_counter() - begin
    head = f"\n{name}: calibrated in {seconds:.1f} s"
    print(
        f"{head}\n  {'judge':40} {'labels':>6} {'method':11} {'ECE':>15} {'Brier':>15} {'side':>15}"
        f" {'prompts':>7} {'sd':>5} {'off':>5}"
    )
    failed = []
    newest = Calibration.objects.filter(project=project).order_by("annotator", "-number")
    for row in newest.distinct("annotator").select_related("annotator"):
        said = row.evaluation
        print(
            f"  {row.annotator.name:40} {row.n_labelled:>6} {row.method:11} {change(said, 'ece')} "
            f"{change(said, 'brier')} {change(said['side'], 'ece')} {said['n_prompts']:>7} "
            f"{said['prompt_sd'] or 0.0:>5.2f} {said['off_elsewhere'] or 0.0:>5.2f}"
        )
        is_enough = row.n_labelled >= ISOTONIC_FROM
        if is_enough and said["after"]["ece"] >= WORST_ECE:
            failed.append(f"{name} {row.annotator.name}: ECE {said['after']['ece']:.3f}")
    return failed


def change(said: dict[str, Any], key: str) -> str:
    if not said["before"]:
        return f"{'–':>15}"
    return f"{said['before'][key]:>6.3f} -> {said['after'][key]:.3f}"


def replayed(folder: Path, name: str) -> list[str]:
    """Combine the recorded votes as a judge's answers; compare the conflicts with the published.

    A judge that ties in one order only conflicts with itself, but exchanges no winner; so the
    published rate counts more than flips where there are ties.
    """
    stats = json.loads((folder / "STATS.json").read_text(encoding="utf-8"))[name]["llm"]
    given: dict[tuple[str, str], dict[int, Answered]] = defaultdict(dict)
    for vote in rows_of(folder / f"{name}.votes.jsonl.gz"):
        if (
            vote["kind"] == "llm"
            and vote["choice"] is not None
            and vote["position_swapped"] is not None
        ):
            order = int(vote["position_swapped"])
            given[vote["annotator"], vote["item_id"]].setdefault(order, answered(vote, order))
    flips, conflicts = defaultdict(list), defaultdict(list)
    for (judge, _), by_order in given.items():
        if len(by_order) == 2:
            verdict = combined([1, 2], by_order.values())
            flips[judge].append(bool(verdict.is_flipped))
            one, other = (said.ranking for said in verdict.by_order)
            conflicts[judge].append(one != other)
    failed = []
    for judge in sorted(flips):
        share = sum(conflicts[judge]) / len(conflicts[judge])
        flipped = sum(flips[judge]) / len(flips[judge])
        expected = stats[judge]["position_conflict_rate"]
        print(
            f"  {judge:40} {len(flips[judge]):>6} in both orders: conflicts {share:.3f}, "
            f"published {expected:.3f}; flips {flipped:.3f}"
        )
        if abs(share - expected) > HALF_A_DIGIT:
            failed.append(f"{name} {judge}: conflicts {share:.4f}, published {expected}")
    return failed


def answered(vote: dict[str, Any], order: int) -> Answered:
    tiers = [[1, 2]] if vote["choice"] == "tie" else [[1 + vote["choice"]], [2 - vote["choice"]]]
    return Answered(order, (2, 1) if order else (1, 2), "ranked", tiers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    arguments = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0)
    sys.exit(check(arguments.folder, list(arguments.sets)))
