import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.domain.vocabulary import TokenScope
from annotation.models import User
from annotation.selectors.clock import database_now
from annotation.services import people


class Command(BaseCommand):
    help = "Make an API token for a person and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--scope",
            required=True,
            choices=[scope.value for scope in TokenScope],
            help="what the token may do; each includes those before it",
        )
        parser.add_argument("--name", default="made on the command line", help="what it is for")
        parser.add_argument("--days", type=int, help="days until it expires; never, if left out")
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *, username: str, scope: str, name: str, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user called {username!r}")
        days = options["days"]
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--days must be from 1 to 36500")
        now = database_now()
        expires_at = None if days is None else now + timedelta(days=days)
        token = people.issue_token(
            user=user, scope=TokenScope(scope), name=name, now=now, expires_at=expires_at
        )
        expiry = expires_at.isoformat() if expires_at else None
        report = {"username": username, "scope": scope, "token": token, "expires_at": expiry}
        self.stdout.write(json.dumps(report) if options["json"] else token)
