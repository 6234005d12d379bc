"""What a judge should be, before it is written: its fields, their bounds, its money."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from annotation.domain.errors import InvalidField
from annotation.domain.families import model_family
from annotation.domain.judges.money import MOST, millionths
from annotation.domain.vocabulary import OrderPolicy
from annotation.models import Endpoint, PromptTemplate

HIGHEST_PRICE = 100_000  # for a million tokens
BOUNDS = {"temperature": (0, 2), "max_tokens": (1, 32_000), "n_samples": (1, 20)}
SHAPING = (
    "endpoint",
    "template",
    "model_name",
    "temperature",
    "max_tokens",
    "seed",
    "n_samples",
    "reads_logprobs",
    "order_policy",
)


@dataclass(frozen=True)
class JudgeDraft:
    """What a judge should be. Prices are for a million tokens, `budget` is a total; both in whole
    units of currency. A family left empty is taken from the model's name."""

    name: str
    endpoint: Endpoint
    template: PromptTemplate
    model_name: str
    price_in: Decimal
    price_out: Decimal
    budget: Decimal
    family: str = ""
    temperature: float = 0.0
    max_tokens: int = 512
    seed: int | None = None
    n_samples: int = 1
    reads_logprobs: bool = True
    order_policy: OrderPolicy = OrderPolicy.BOTH


def plain(*, draft: JudgeDraft) -> dict[str, Any]:
    """The fields that a judge takes over as they are."""
    kept = {field.name for field in fields(draft)} - {"price_in", "price_out", "budget", "family"}
    return {name: getattr(draft, name) for name in kept}


def priced(*, draft: JudgeDraft) -> dict[str, Any]:
    """What may change while the judge stays the same."""
    return {
        "price_in": draft.price_in,
        "price_out": draft.price_out,
        "family": draft.family.strip().lower() or model_family(draft.model_name)[:60],
    }


def check_bounds(*, draft: JudgeDraft) -> None:
    for name in ("price_in", "price_out"):
        price = getattr(draft, name)
        if not price.is_finite() or not 0 <= price <= HIGHEST_PRICE:
            raise InvalidField(
                f"A price is from 0 to {HIGHEST_PRICE:,} for a million tokens; type 0 where "
                "nothing is paid.",
                field=name,
            )
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(draft, name) <= most:
            raise InvalidField(f"This is from {least} to {most:,}.", field=name)


def budget_of(*, amount: Decimal) -> int:
    if not amount.is_finite() or not 0 <= amount <= MOST:
        raise InvalidField(f"A budget is from 0 to {MOST:,}.", field="budget")
    return millionths(amount)
