from typing import Any

from annotation.domain.judges.money import amount_of
from curation.models import Simulation
from curation.selectors.routing_figures import ROUTE_WORDS
from curation.views import routing_plots

FROM = {
    "router": "People: one label is right with probability {:.2f}, measured on {:,} labels that "
    "others had judged, too.",
    "skills": "People: one label is right with probability {:.2f}, estimated from {:,} votes by "
    "how annotators contradict each other (Dawid and Skene).",
    "": "People: nobody knows yet how often one label is right, as too few comparisons were judged "
    "by several people.",
}


def figures_of(run: Simulation | None, active: int | None) -> dict[str, Any]:
    """What the page shows of a dry run; nothing without one that is done."""
    if run is None:
        return {"is_looked_at": False}
    told = run.result
    before = told["before"]
    asked = [
        {
            "name": judge["name"],
            "state": judge.get("state", ""),
            "left": amount_of(judge["left"]),
            "is_short": row["money"] > judge["left"],
            "money": amount_of(row["money"]),
            "comparisons": row["comparisons"],
            "requests": row["requests"],
        }
        for judge, row in zip(told["asked"], told["judges"], strict=True)
    ]
    return {
        "is_looked_at": True,
        "result": told,
        "finished_at": run.finished_at,
        "active_number": active,
        "is_outdated": told["active"] != active and run.policy.number != active,
        "seconds": {when: t["people"]["minutes"] * 60 for when, t in both(told).items()},
        "money": {when: money_of(t) for when, t in both(told).items()},
        "routes": [
            {"words": ROUTE_WORDS[now["route"]], "now": now, "before": then}
            for now, then in zip(told["routes"], before["routes"], strict=True)
        ],
        "moves": [
            {"from": ROUTE_WORDS[row["from"]], "to": ROUTE_WORDS[row["to"]], "n": row["n"]}
            for row in told["changes"]["moves"]
            if row["from"] != row["to"]
        ],
        "rules": [row | {"words": ROUTE_WORDS[row["route"]]} for row in told["rules"]],
        "asked": asked,
        "basis": basis_of(told),
        "plots": {
            "routes": routing_plots.routes(told["routes"], before["routes"]),
            "quality": routing_plots.quality(told, before),
        },
    }


def both(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"now": told, "before": told["before"]}


def money_of(told: dict[str, Any]) -> Any:
    return amount_of(sum(row["money"] for row in told["judges"]))


def basis_of(told: dict[str, Any]) -> list[str]:
    """Sentences on what is estimated, and what is not known."""
    basis, quality = told["basis"], told["quality"]
    said = [FROM[basis["people_from"]].format(basis["people"] or 0, basis["n_people"])]
    if basis["n_told"]:
        said.append(
            f"Judges: {basis['n_told']:,} comparisons have a verdict, each with a probability that "
            f"it is right, from {basis['n_judges']:,} comparisons with labels of both."
        )
    else:
        said.append("Judges: no judge has answered yet, so nobody knows how often they are right.")
    if basis["n_assumed"]:
        said.append(
            f"{basis['n_assumed']:,} comparisons have no verdict yet; judges are assumed to be as "
            "good there as on those that they have seen."
        )
    if quality["n_unknown"]:
        said.append(
            f"{quality['n_unknown']:,} of {quality['n_unknown'] + quality['n']:,} labels are in no "
            "figure on quality, as nothing is known of whoever would give them."
        )
    said.append(
        "Several people on one comparison are taken to err apart from one another; people and "
        "judges together are counted as the better of the two."
    )
    said.append(
        "Minutes are those of reading once at 238 words a minute. Money takes four characters for "
        "a token and the answers as long as they were so far, or as long as they may be."
    )
    if told["settled"]:
        said.append(f"{told['settled']:,} comparisons are left alone, as people have settled them.")
    return said
