import json
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from annotation.management.quality_tables import tables_of
from annotation.models import Project
from annotation.selectors.quality import fresh_report


def said(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ArgumentTypeError("give KEY=VALUE")
    return key, value


class Command(BaseCommand):
    help = (
        "Work out a project's quality from its judgments: agreement, people, judges, bias, models."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument(
            "--only",
            metavar="KEY=VALUE",
            type=said,
            action="append",
            default=[],
            help="only judgments whose metadata say so; may be given again",
        )
        parser.add_argument("--json", action="store_true", help="print all figures for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        report = fresh_report(project, dict(options["only"])).as_json()
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False, allow_nan=False))
            return
        console = Console(file=self.stdout, width=None if sys.stdout.isatty() else 120)
        for table in tables_of(report):
            console.print(table)
