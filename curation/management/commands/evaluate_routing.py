import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from annotation.selectors.clock import database_now
from curation.domain.routing.evaluation import ROUTERS
from curation.management.drains import drain_all
from curation.models import RouterFit
from curation.selectors import routing_labels
from curation.services.routing import fitting

# The database keeps keys in an order of its own.
FIRST = ("n", "curves", "area", "normalised_gain", "quality_at", "ece", "auroc")
SHOWN = {"10": "10 %", "25": "25 %", "50": "50 %"}
LINE = "{:12}{:>10}{:>18}{:>10}{:>9}{:>9}{:>9}"


class Command(BaseCommand):
    help = "Tell how good labels are when routing sends a share of comparisons to people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument("--json", action="store_true", help="print all figures for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        drain_all(project)
        fit = routing_labels.last_fit(project)
        if fit is None or is_outdated(fit):
            fit = fitting.refit(project=project, now=database_now())
        if fit is None or "curves" not in fit.evaluation:
            raise CommandError(f"Nothing can be told yet: {reason(fit.evaluation if fit else {})}.")
        told = {name: fit.evaluation[name] for name in FIRST} | fit.evaluation
        self.stdout.write(json.dumps(told) if options["json"] else table(told))


def is_outdated(fit: RouterFit) -> bool:
    """Whether there is a label that the fit does not know, or a newer way to fit."""
    return fit.version < fitting.VERSION or fit.n_changes < routing_labels.n_changes(fit.project)


def reason(evaluation: dict[str, Any]) -> str:
    lacks = [
        f"{one['need']} {one['what']} are needed, {one['have']} are there"
        for one in evaluation.get("lacks", [])
    ]
    return "; ".join(lacks) or evaluation.get("error", "another process is fitting, try again")


def table(told: dict[str, Any]) -> str:
    """The figures by router, each area with its interval."""
    heads = LINE.format("", "area", "interval", "gain", *SHOWN.values())
    rows = [row(told, router) for router in ROUTERS]
    difference, (low, high) = (
        told["difference"]["learned_less_confidence"],
        told["intervals"]["difference"]["learned_less_confidence"],
    )
    return "\n".join(
        [
            f"{told['n']} comparisons of {told['n_prompts']} prompts with labels of both; quality "
            f"by share of comparisons that people judge.",
            heads,
            *rows,
            f"Learned less confidence {spoken(difference)} ({spoken(low)} to {spoken(high)}).",
            f"Judges are right {spoken(told['judge_quality'])}, one person "
            f"{spoken(told['human_quality'])}"
            + (
                f" (measured on {told['human_labels']} labels)."
                if told["human_labels"]
                else " (assumed: no two people judged the same)."
            ),
            "Calibration error: "
            + ", ".join(f"{k} {spoken(v)}" for k, v in told["ece"].items())
            + "; AUROC: "
            + ", ".join(f"{k} {spoken(v)}" for k, v in told["auroc"].items())
            + ".",
        ]
    )


def row(told: dict[str, Any], router: str) -> str:
    low, high = told["intervals"]["area"][router]
    return LINE.format(
        router,
        spoken(told["area"][router]),
        f"{spoken(low)} to {spoken(high)}",
        spoken(told["normalised_gain"].get(router)) if router in told["normalised_gain"] else "",
        *(spoken(told["quality_at"][router][share]) for share in SHOWN),
    )


def spoken(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
