import json
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.services import verification as annotation
from curation.services import verification as curation


class Command(BaseCommand):
    help = "Check every promise between rows and files; name the first one that is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = {}
        for promise, broken_by in chain(annotation.findings(), curation.findings()):
            found[promise] = broken_by
            if not options["json"]:
                self.stdout.write(f"{'BROKEN' if broken_by else 'ok':6}  {promise}")
        if options["json"]:
            broken = {promise: row for promise, row in found.items() if row}
            self.stdout.write(json.dumps({"checked": list(found), "broken": broken}))
        if wrong := [f"{promise}: {row}" for promise, row in found.items() if row]:
            raise CommandError(wrong[0])
