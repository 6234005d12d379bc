import io
import json

import pytest
from django.core.management import CommandError, call_command

from annotation.models import ApiToken
from tests.api.conftest import Api


def issue(*arguments):
    printed = io.StringIO()
    call_command("issue_token", *arguments, stdout=printed)
    return printed.getvalue().strip()


class TestIssueToken:
    def test_prints_a_token_that_opens_the_api_and_keeps_only_its_digest(self, ann):
        token = issue("ann", "--scope", "read")

        stored = ApiToken.objects.values().get()
        assert Api(token).get("projects/").status_code == 200
        assert token not in str(stored)

    def test_prints_json_for_programs(self, ann):
        report = json.loads(issue("ann", "--scope", "write", "--days", "7", "--json"))

        assert report["scope"] == "write"
        assert report["expires_at"]
        assert Api(report["token"]).get("projects/").status_code == 200

    @pytest.mark.parametrize(
        "arguments",
        [
            ("nobody", "--scope", "read"),
            ("ann", "--scope", "all"),
            ("ann",),
            ("ann", "--scope", "read", "--days", "0"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, ann, arguments):
        with pytest.raises(CommandError):
            issue(*arguments)

        assert not ApiToken.objects.exists()
