"""Money of judges: typed in whole units of a currency, counted in millionths of it."""

from decimal import ROUND_HALF_UP, Decimal

MILLION = 1_000_000
MOST = Decimal(1_000_000_000)  # units of currency


def millionths(amount: Decimal) -> int:
    """Turn an amount of currency into whole millionths of it, rounded half up."""
    return int((amount * MILLION).to_integral_value(ROUND_HALF_UP))


def amount_of(n_millionths: int) -> Decimal:
    """Turn millionths into an amount of currency, exactly."""
    return Decimal(n_millionths) / MILLION


def plainly(amount: Decimal) -> str:
    """Write an amount without exponent and without zeros at its end: "100", "0.15"."""
    return f"{amount.normalize():f}"
