"""The last report of a project's quality, for whoever asks: without going through all judgments."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from annotation.models import Project, QualityReport, VoteTally
from annotation.selectors.clock import database_now
from annotation.selectors.quality import Figures, Report, fresh_report, live_agreement

ORDINAL = "alpha_ordinal"  # the tally cannot tell it


@dataclass(frozen=True)
class Stored:
    """A report, when it was worked out, and whether judgments have changed since."""

    report: Report
    computed_at: datetime
    is_current: bool


def stored_report(project: Project) -> Stored:
    """Read the last report; before the first one, work it out now."""
    row = QualityReport.objects.filter(project=project, computed_at__isnull=False).first()
    if row is None or row.computed_at is None:
        return Stored(fresh_report(project), database_now(), is_current=True)
    tally = VoteTally.objects.filter(project=project, criterion__isnull=True)
    n_now = tally.values_list("n_changes", flat=True).first() or 0
    report = Report(row.figures, row.people, row.leaderboards)
    return Stored(report, row.computed_at, is_current=n_now <= row.n_changes)


def with_live_agreement(project: Project, report: Report) -> Figures:
    """Lay agreement as it is now over that of the report, whose intervals and the like stay."""
    flat = report.as_json()
    live = {key: now for key, now in asdict(live_agreement(project)).items() if key != ORDINAL}
    return flat | {"agreement": flat["agreement"] | live}


def figures_of(report: Report, annotator_id: int) -> dict[str, Any] | None:
    """Find one annotator's figures; None for somebody who has not judged."""
    everybody = [*report.people["annotators"], *report.people["judges"]]
    return next((one for one in everybody if one["id"] == annotator_id), None)


def leaderboard_of(report: Report, by: str) -> Figures:
    """The leaderboard by "human" or "llm" votes; one without places where there are none."""
    return report.leaderboards[by] or {
        "by": by,
        "places": [],
        "n_votes": 0,
        "n_annotators": 0,
        "intervals": "model",
        "tie_propensity": None,
        "n_components": 0,
        "is_separable": False,
        "n_left_out": 0,
        "win_matrix": {"models": [], "wins": [], "ties": []},
        "transitivity": None,
    }
