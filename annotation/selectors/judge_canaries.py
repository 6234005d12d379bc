"""What canary checks of judges are made of, and what they found."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from annotation.domain.content import text_of
from annotation.domain.errors import NotFound
from annotation.domain.judges.canaries import Answered, Candidate, Findings
from annotation.domain.judges.canary_words import look_of, verdict_of
from annotation.domain.vocabulary import JudgeState, RequestState, RunState
from annotation.models import (
    CanaryCheck,
    Comparison,
    Judge,
    JudgeRequest,
    JudgeRun,
    Project,
    Response,
)

POOL = 2  # comparisons that are read for each canary
MOST_LISTED = 50
OPEN = (RequestState.QUEUED, RequestState.RUNNING)
OVER = (RequestState.ANSWERED, RequestState.FAILED)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Check:
    """A check and its run. `findings` is None before it is concluded."""

    run: JudgeRun
    check: CanaryCheck

    @cached_property
    def findings(self) -> Findings | None:
        return Findings.from_json(self.check.found) if self.check.found else None

    @property
    def verdict(self) -> str:
        return verdict_of(self.findings) if self.findings else ""

    @property
    def look(self) -> str:
        return look_of(self.findings) if self.findings else ""

    @property
    def told_at(self) -> datetime:
        return self.check.concluded_at or self.run.created_at


def candidates_of(project: Project, n: int, seed: str) -> list[Candidate]:
    """Comparisons to make n canaries of, drawn by chance. Joint ones have no common prompt."""
    drawn = Func(
        Concat(Cast("pk", TextField()), Value(f" {seed}"), output_field=TextField()),
        function="md5",
    )
    found = Comparison.objects.filter(project=project, other_item__isnull=True)
    ids = list(found.order_by(drawn).values_list("pk", flat=True)[: POOL * n])
    rows = Comparison.objects.filter(pk__in=ids).select_related("item").order_by("pk")
    contents = dict(
        Response.objects.filter(pk__in={pk for row in rows for pk in row.response_ids})
        .order_by()
        .values_list("pk", "content_hash")
    )
    return [
        Candidate(
            row.pk,
            row.item_id,
            words_of(row.item.messages),
            {pk: bytes(contents[pk]) for pk in row.response_ids},
        )
        for row in rows
    ]


def words_of(messages: Iterable[dict]) -> frozenset[str]:
    texts = (text_of(message["content"]) for message in messages)
    return frozenset(word for text in texts for word in WORD.findall(text.lower()))


def checks_due() -> list[int]:
    """Checks of which everything is answered, given up or cancelled, and nothing is told yet."""
    is_open = JudgeRequest.objects.filter(run=OuterRef("run"), state__in=OPEN)
    due = CanaryCheck.objects.filter(~Exists(is_open), concluded_at__isnull=True)
    return list(due.order_by("pk").values_list("pk", flat=True))


def answers_of(run: JudgeRun) -> list[Answered]:
    """What the questions of a check came to, those that are over."""
    rows = JudgeRequest.objects.filter(run=run, canary__isnull=False, state__in=OVER)
    return [
        Answered(number, attack, status, took(verdict, shown, foreign))
        for number, attack, status, verdict, shown, foreign in rows.order_by("pk").values_list(
            "canary__number",
            "canary__attack",
            "status",
            "verdict",
            "shown_order",
            "canary__foreign_id",
        )
    ]


def took(verdict: dict | None, shown: Sequence[int], response: int) -> bool:
    """Whether a verdict names one response as the best, and it alone."""
    tiers = (verdict or {}).get("tiers") or [[]]
    return [shown[place] for place in tiers[0]] == [response]


def checks_of(judge: Judge) -> list[Check]:
    """The newest checks of a judge, the newest first, at most `MOST_LISTED`."""
    found = CanaryCheck.objects.filter(run__judge=judge).select_related("run__created_by")
    return [Check(check.run, check) for check in found.order_by("-run__number")[:MOST_LISTED]]


def latest_of(judge: Judge) -> Check | None:
    """The last check that told something; None where the judge was never checked."""
    found = CanaryCheck.objects.filter(run__judge=judge, found__attacked__n_answered__gt=0)
    check = found.select_related("run").order_by("-run__number").first()
    return Check(check.run, check) if check else None


def checks_by_number(judge: Judge) -> QuerySet[CanaryCheck]:
    """All checks of a judge, to be paged by key."""
    return CanaryCheck.objects.filter(run__judge=judge).select_related("run")


def check_of(judge: Judge, number: int) -> Check:
    """One check of a judge, by the number of its run.

    Raises:
        NotFound: it has no such check.
    """
    found = CanaryCheck.objects.filter(run__judge=judge, run__number=number)
    if check := found.select_related("run").first():
        return Check(check.run, check)
    raise NotFound("This judge has no such check.")


def is_under_way(judge: Judge) -> bool:
    return CanaryCheck.objects.filter(run__judge=judge, concluded_at__isnull=True).exists()


def unchecked(judges: Iterable[Judge]) -> list[Judge]:
    """Those of some judges that no check has told anything of."""
    wanted = list(judges)
    told = CanaryCheck.objects.filter(
        run__judge__in=wanted, found__attacked__n_answered__gt=0
    ).values_list("run__judge", flat=True)
    checked = set(told)
    return [judge for judge in wanted if judge.pk not in checked]


def suspended_judges(project: Project) -> list[Judge]:
    found = Judge.objects.filter(project=project, state=JudgeState.SUSPENDED)
    return list(found.order_by("name", "number"))


def judges_at_work(project: Project) -> list[Judge]:
    """Judges that have voted or are being asked to, those in use."""
    in_use = Q(state__in=(JudgeState.ACTIVE, JudgeState.PAUSED))
    asked = JudgeRun.objects.filter(
        judge=OuterRef("pk"), purpose__in=("run", "routing"), n_requests__gt=0
    ).exclude(state=RunState.CANCELLED)
    found = Judge.objects.filter(in_use, Exists(asked), project=project)
    return list(found.order_by("name", "number"))
