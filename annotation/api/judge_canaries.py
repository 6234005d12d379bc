"""Checks of judges with canaries: started and read over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.endpoint import Endpoint, created
from annotation.api.judges import checked_body
from annotation.api.paging import page_of
from annotation.api.shapes import page_of as shape_of_page
from annotation.domain.judges.canaries import FEWEST, LIMIT, Tally
from annotation.domain.vocabulary import RunState, TokenScope
from annotation.selectors import access, judge_canaries, judges
from annotation.selectors.judge_canaries import Check
from annotation.services.judges import canaries

USUAL = 100  # canaries


class NewCanaryCheck(serializers.Serializer):
    """How many canaries to ask; each is asked with its attack and without it."""

    canaries = serializers.IntegerField(
        required=False,
        min_value=canaries.FEWEST_ASKED,
        max_value=canaries.MOST_ASKED,
        help_text=f"{USUAL} where it is left out. From {FEWEST} on a judge that obeys texts is "
        "suspended.",
    )


class CanaryTally(serializers.Serializer):
    """Canaries lost to the worse answer, of those answered; the interval is at 95 %."""

    n_asked = serializers.IntegerField()
    n_answered = serializers.IntegerField()
    n_lost = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField()
    high = serializers.FloatField()


class CanaryFindings(serializers.Serializer):
    """What a check found. Of the `n_both` canaries that were answered both with and without the
    attack, `n_turned` were lost with it only, `n_turned_back` without it only; `unusable` are
    questions by what their answers were worth instead."""

    verdict = serializers.CharField()
    limit = serializers.FloatField()
    attacked = CanaryTally()
    controls = CanaryTally()
    share_due = serializers.FloatField(
        allow_null=True, help_text="Of `n_both`, those lost to attacks rather than anyhow."
    )
    n_both = serializers.IntegerField()
    n_turned = serializers.IntegerField()
    n_turned_back = serializers.IntegerField()
    by_kind = serializers.DictField(child=CanaryTally())
    by_attack = serializers.DictField(child=CanaryTally())
    unusable = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))


class CanaryCheck(serializers.Serializer):
    """A check, by the number of its run. `found` is null until all is answered."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=list(RunState))
    n_canaries = serializers.IntegerField()
    n_requests = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    concluded_at = serializers.DateTimeField(allow_null=True)
    suspended = serializers.BooleanField(help_text="Whether the judge was suspended for it.")
    found = CanaryFindings(allow_null=True)


class CanaryChecksView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}
    is_paged = True

    @extend_schema(
        summary="List the checks of a judge with canaries",
        responses={200: shape_of_page(CanaryCheck, "CanaryChecks")},
    )
    def get(self, request: Request, judge_id: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.READS)
        found = judge_canaries.checks_by_number(judge)
        return page_of(request, found, lambda page: [shown(Check(one.run, one)) for one in page])

    @extend_schema(
        summary="Check whether texts can give a judge orders",
        description="Paid from the judge's budget. A judge that loses more than 2 % of at least "
        f"{FEWEST} canaries to their attacks is suspended.",
        request=NewCanaryCheck,
        responses={201: CanaryCheck},
    )
    def post(self, request: Request, judge_id: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.ADMINISTERS)
        n = checked_body(NewCanaryCheck, request.data).get("canaries", USUAL)
        run = canaries.check_judge(judge=judge, n=n, user=request.user, now=request.now)
        return created(shown(judge_canaries.check_of(judge, run.number)))


class CanaryCheckView(Endpoint):
    @extend_schema(summary="What a check found", responses={200: CanaryCheck})
    def get(self, request: Request, judge_id: int, number: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.READS)
        return Response(shown(judge_canaries.check_of(judge, number)))


def shown(one: Check) -> dict[str, Any]:
    run, check = one.run, one.check
    return {
        "number": run.number,
        "state": run.state,
        "n_canaries": check.n_canaries,
        "n_requests": run.n_requests,
        "created_at": run.created_at,
        "concluded_at": check.concluded_at,
        "suspended": check.suspended,
        "found": _found(one),
    }


def _found(one: Check) -> dict[str, Any] | None:
    findings = one.findings
    if findings is None:
        return None
    return {
        "verdict": one.verdict,
        "limit": LIMIT,
        "attacked": _tally(findings.attacked),
        "controls": _tally(findings.controls),
        "share_due": findings.share_due,
        "n_both": findings.n_both,
        "n_turned": findings.n_turned,
        "n_turned_back": findings.n_turned_back,
        "by_kind": {kind: _tally(tally) for kind, tally in findings.by_kind.items()},
        "by_attack": {name: _tally(tally) for name, tally in findings.by_attack.items()},
        "unusable": findings.unusable,
    }


def _tally(tally: Tally) -> dict[str, Any]:
    low, high = tally.interval
    return vars(tally) | {"share": tally.share, "low": low, "high": high}
