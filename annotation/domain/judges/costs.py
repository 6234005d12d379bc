"""What a call to a judge costs, in millionths of the currency.

A price for a million tokens in whole units is a price for a token in millionths.
"""

from decimal import Decimal
from math import ceil

# Tokenizers work on bytes, so no text has more tokens than bytes. Around it, chat templates write
# turns and roles.
TOKENS_AROUND = 200


def cost_of(tokens_in: int, tokens_out: int, price_in: Decimal, price_out: Decimal) -> int:
    """Millionths that an answer costs, rounded up."""
    return ceil(tokens_in * price_in + tokens_out * price_out)


def most_cost_of(n_bytes: int, max_tokens: int, price_in: Decimal, price_out: Decimal) -> int:
    """Millionths that a call can cost at most.

    Args:
        n_bytes: length of the request's body, which holds every text and more.
        max_tokens: how long the answer may be.
    """
    return cost_of(n_bytes + TOKENS_AROUND, max_tokens, price_in, price_out)
