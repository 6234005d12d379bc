import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from annotation.selectors.clock import database_now
from curation.management.drains import drain_all
from curation.selectors import difficulty
from curation.selectors.difficulty import as_report
from curation.services import difficulty as fits


class Command(BaseCommand):
    help = "Tell how well a project's difficulty is foretold, after doing what waits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument(
            "--refit", action="store_true", help="fit anew, even without new votes enough"
        )
        parser.add_argument("--json", action="store_true", help="print all figures for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        drain_all(project)
        if options["refit"]:
            fits.refit(project=project, now=database_now())
            drain_all(project)
        report = as_report(difficulty.fit_in_force(project), difficulty.lacking(project))
        self.stdout.write(json.dumps(report) if options["json"] else summary(report))


def summary(report: dict[str, Any]) -> str:
    if not report["is_fitted"]:
        lacks = [f"has {one['have']} {one['what']}, needs {one['need']}" for one in report["lacks"]]
        why = "; ".join(lacks) or report["error"] or "it waits for the next fit"
        return f"Not fitted yet: {why}. Until then, difficulty is {report['heuristic']}."
    best = report["singles"][0] if report["singles"] else None
    lines = [
        f"Fit {report['fit']}, on {report['n_comparisons']} comparisons and "
        f"{report['n_judgments']} votes; measured on {report['n']} comparisons.",
        f"Spearman with votes kept back {spoken(report['spearman'])}, "
        f"ceiling {spoken(report['ceiling'])}, share of it {spoken(report['share_of_ceiling'])}.",
        f"Largest error of a decile {spoken(report['max_decile_error'])}.",
    ]
    if best:
        lines.append(f"Best single signal {best['name']}, {spoken(best['spearman'])}.")
    return "\n".join(lines)


def spoken(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
