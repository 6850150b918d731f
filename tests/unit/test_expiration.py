"""When options trade for the last time, and when they settle."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.expiration import (
    SettlementTime,
    last_trading_moment,
    settlement_moment,
    settlement_time,
)
from domain.instruments import OptionContract, Right
from infra.calendars import trading_calendar

CALENDAR = trading_calendar()


def option(trading_class: str, expiry: date) -> OptionContract:
    return OptionContract(
        symbol="X",
        trading_class=trading_class,
        expiry=expiry,
        strike=Decimal(100),
        right=Right.PUT,
        multiplier=Decimal(100),
        con_id=1,
    )


@pytest.mark.parametrize(
    ("trading_class", "settles"),
    [("SPX", "AM"), ("SPXW", "PM"), ("XSP", "PM"), ("RUT", "AM"), ("RUTW", "PM"), ("SPY", "PM")],
)
def test_the_trading_class_tells_how_an_option_settles(trading_class: str, settles: str):
    assert settlement_time(trading_class) is SettlementTime(settles)


def test_a_morning_settled_option_trades_to_the_close_and_settles_at_the_next_open():
    contract = option("SPX", date(2026, 12, 17))
    assert last_trading_moment(contract, CALENDAR) == datetime(2026, 12, 17, 21, 0, tzinfo=UTC)
    assert settlement_moment(contract, CALENDAR) == datetime(2026, 12, 18, 14, 30, tzinfo=UTC)


def test_an_early_close_ends_trading_and_settles():
    contract = option("SPXW", date(2026, 11, 27))
    early = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    assert last_trading_moment(contract, CALENDAR) == early
    assert settlement_moment(contract, CALENDAR) == early


def test_an_expiry_on_a_day_without_a_session_means_the_one_before():
    contract = option("SPY", date(2026, 11, 26))  # Thanksgiving
    assert last_trading_moment(contract, CALENDAR) == datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
