from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.judges.costs import TOKENS_AROUND, cost_of, most_cost_of
from annotation.domain.judges.patience import (
    MOST_WAIT,
    OPENS_AT,
    back_off,
    pause_after,
    retry_after,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("told", "seconds"),
        [
            (None, None),
            ("", None),
            ("soon", None),
            ("0", 0.0),
            (" 7 ", 7.0),
            ("-5", 0.0),
            ("1000000000", MOST_WAIT),
            ("9" * 400, MOST_WAIT),
            ("٣", None),
            ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
            ("Sun, 01 Mar 2020 12:00:30 GMT", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", MOST_WAIT),
        ],
    )
    def test_reads_seconds_and_dates_and_nothing_else(self, told, seconds):
        assert retry_after(told, NOW) == seconds

    @given(st.text(max_size=40))
    def test_stays_within_two_minutes_whatever_comes(self, told):
        seconds = retry_after(told, NOW)

        assert seconds is None or 0 <= seconds <= MOST_WAIT

    @given(st.integers(0, 119))
    def test_waits_until_the_date_that_is_named(self, seconds):
        date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

        assert retry_after(date, NOW) == seconds


class TestBackOff:
    @given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
    def test_doubles_up_to_two_minutes(self, tries, draw):
        whole = min(2.0 ** min(tries - 1, 20), MOST_WAIT)

        assert whole / 2 <= back_off(tries, draw) <= whole

    def test_comes_at_different_times(self):
        assert len({back_off(3, draw / 10) for draw in range(10)}) == 10


class TestPauseAfter:
    def test_begins_with_the_fifth_failure_and_doubles(self):
        pauses = [pause_after(n) for n in range(OPENS_AT - 1, OPENS_AT + 4)]

        assert pauses == [0, 2, 4, 8, 16]

    def test_is_two_minutes_at_most(self):
        assert pause_after(10_000) == MOST_WAIT


class TestCosts:
    def test_count_tokens_in_millionths_rounded_up(self):
        assert cost_of(1_000, 100, Decimal("2.5"), Decimal("10")) == 3_500
        assert cost_of(1, 0, Decimal("0.000001"), Decimal(0)) == 1

    @given(st.text(max_size=300), st.integers(0, 500), st.decimals(0, 100, places=6))
    def test_are_never_above_the_most(self, text, tokens_out, price):
        n_bytes = len(text.encode())

        most = most_cost_of(n_bytes, 500, price, price)

        assert cost_of(n_bytes + TOKENS_AROUND, tokens_out, price, price) <= most
