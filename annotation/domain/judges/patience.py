"""How long to wait before a judge's endpoint is asked again."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MOST_WAIT = 120.0  # seconds
OPENS_AT = 5  # failures in a row after which an endpoint is left alone
FIRST_WAIT = 1.0  # seconds
FIRST_PAUSE = 2.0  # seconds
LONGEST_LOOK = 60.0  # seconds between two looks at a batch


def retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header.

    Args:
        value: seconds or an HTTP date, as it came; None where there was none.
        now: aware, to compare a date with.
    Returns:
        Seconds to wait, within 0 and 120; None where it cannot be read.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    text = value.strip()
    if text.removeprefix("-").isdecimal() and text.isascii():
        return MOST_WAIT if len(text) > 9 and text[0] != "-" else clamped(float(text[:10]))
    try:
        at = parsedate_to_datetime(text)
        return clamped((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def back_off(n_tries: int, draw: float) -> float:
    """Seconds to wait before the next try: doubled with each one, spread by chance.

    Args:
        n_tries: tries so far, from 1.
        draw: uniform in [0, 1), so that what failed together does not come back together.
    Returns:
        Between half of 1, 2, 4 … 120 seconds and the whole of it.
    """
    return min(FIRST_WAIT * 2 ** min(n_tries - 1, 10), MOST_WAIT) * (0.5 + draw / 2)


def pause_after(n_failures: int) -> float:
    """Seconds to leave an endpoint alone after so many failures in a row: 0 before the fifth.

    Then 2, doubled with each further failure, 120 at most.
    """
    if n_failures < OPENS_AT:
        return 0.0
    return min(FIRST_PAUSE * 2 ** min(n_failures - OPENS_AT, 10), MOST_WAIT)


def look_again(n_looks: int) -> timedelta:
    """How long to wait before a batch is looked at again: 2 seconds, doubled to a minute."""
    return timedelta(seconds=min(FIRST_PAUSE * 2 ** min(n_looks, 10), LONGEST_LOOK))


def clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), MOST_WAIT)
