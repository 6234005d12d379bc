"""What asking a judge would cost, before anybody asks it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db import connection
from django.db.models import Avg

from annotation.domain.judges.asking import chat_of, new_nonce
from annotation.domain.judges.costs import most_cost_of
from annotation.domain.judges.money import MILLION
from annotation.domain.judges.questions import Asked, Template
from annotation.domain.vocabulary import AnswerStatus, OrderPolicy
from annotation.models import Comparison, Judge, JudgeAnswer
from annotation.selectors.votes import CHARACTERS_PER_TOKEN

SAMPLED = 200  # comparisons whose length is measured
FEWEST_ANSWERS = 10  # of the judge, from which its own tokens are told
LONGEST_ATTACK = 1_500  # bytes of an attack as a request writes it, escapes included
TOKENS_OF_VERDICT, TOKENS_OF_WHY = 40, 160

LENGTHS = """
    SELECT avg(length(i.messages::text) + texts.n),
           max(octet_length(i.messages::text) + texts.n_bytes)
    FROM comparison c
    JOIN item i ON i.id = c.item_id
    CROSS JOIN LATERAL (
        SELECT sum(length(r.content::text)) AS n, sum(octet_length(r.content::text)) AS n_bytes
        FROM response r WHERE r.id = ANY(c.response_ids)
    ) texts
    WHERE c.id = ANY(%s)
"""


@dataclass(frozen=True)
class Estimate:
    """What a run would cost, in units of currency. `worst` is where every answer is as long as it
    may be and every text of the longest kind; `is_measured` says whether earlier answers of the
    judge told what to expect."""

    n_comparisons: int
    n_requests: int
    expected: Decimal
    worst: Decimal
    left: Decimal
    is_measured: bool

    @property
    def fits(self) -> bool:
        return self.expected <= self.left


def estimate_of(judge: Judge, comparison_ids: Sequence[int], by_batch: bool = False) -> Estimate:
    """Estimate what asking about these comparisons costs: from the judge's own answers, where it
    has some, else from the length of the first `SAMPLED` texts."""
    n_requests = len(comparison_ids) * _orders(judge) * judge.n_samples
    full = _estimate(judge, comparison_ids[:SAMPLED], len(comparison_ids), n_requests)
    share = judge.endpoint.batch_price_share if by_batch else Decimal(1)
    return replace(full, expected=full.expected * share, worst=full.worst * share)


def estimate_of_check(judge: Judge, n_canaries: int) -> Estimate:
    """Estimate what a check with canaries costs: each is asked once with its attack and once
    without. Their texts are as long as those of the project's comparisons."""
    drawn = Comparison.objects.filter(project=judge.project_id, other_item__isnull=True)
    sampled = list(drawn.order_by("-pk").values_list("pk", flat=True)[:SAMPLED])
    return _estimate(judge, sampled, n_canaries, 2 * n_canaries * _orders(judge), LONGEST_ATTACK)


def _orders(judge: Judge) -> int:
    return 2 if judge.order_policy == OrderPolicy.BOTH else 1


def _estimate(
    judge: Judge, sampled: Sequence[int], n_comparisons: int, n_requests: int, beside: int = 0
) -> Estimate:
    """`beside` are bytes that any text may hold more than its comparison."""
    mean, longest = _lengths(sampled)
    around = _around(judge)
    measured = _mean_cost(judge)
    tokens_in = (mean + around) / CHARACTERS_PER_TOKEN
    tokens_out = TOKENS_OF_VERDICT + (TOKENS_OF_WHY if judge.template.asks_why else 0)
    expected = _cost(judge, tokens_in, min(tokens_out, judge.max_tokens))
    most = most_cost_of(
        longest + around + beside, judge.max_tokens, judge.price_in, judge.price_out
    )
    return Estimate(
        n_comparisons=n_comparisons,
        n_requests=n_requests,
        expected=n_requests * (expected if measured is None else measured),
        worst=Decimal(n_requests * most) / MILLION,
        left=Decimal(judge.budget - judge.spent - judge.reserved) / MILLION,
        is_measured=measured is not None,
    )


def _lengths(comparison_ids: Sequence[int]) -> tuple[float, int]:
    """Mean length in characters, and the longest in bytes, of the texts of comparisons."""
    with connection.cursor() as cursor:
        cursor.execute(LENGTHS, [list(comparison_ids)])
        mean, longest = cursor.fetchone()
    return float(mean or 0), int(longest or 0)


def _around(judge: Judge) -> int:
    """Characters of a request that are no text of the comparison."""
    kept = judge.template
    template = Template(kept.kind, kept.asks_why, kept.uses_reference, kept.instructions)
    chat = chat_of(template, Asked(prompt=[], answers=[[], []]), nonce=new_nonce())
    return len(json.dumps([chat.messages, chat.response_format]))


def _mean_cost(judge: Judge) -> Decimal | None:
    """What an answer of this judge has cost on average; None before `FEWEST_ANSWERS`."""
    answers = JudgeAnswer.objects.filter(request__judge=judge, status=AnswerStatus.USABLE)
    if answers[:FEWEST_ANSWERS].count() < FEWEST_ANSWERS:
        return None
    told = answers.aggregate(tokens_in=Avg("tokens_in"), tokens_out=Avg("tokens_out"))
    return _cost(judge, told["tokens_in"], told["tokens_out"])


def _cost(judge: Judge, tokens_in: float, tokens_out: float) -> Decimal:
    spent = Decimal(tokens_in) * judge.price_in + Decimal(tokens_out) * judge.price_out
    return spent / MILLION
