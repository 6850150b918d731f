"""History as the wire tells it: what bars cover, how they are dated, and how often one may ask."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import ib_async
import pytest

from infra.calendars import trading_calendar
from infra.simulator.app import SimulatedGateway
from infra.simulator.bars import bar_size, spans, window_start
from infra.simulator.history_pacing import HistoryPacing, PacingScope
from tests.simulator.conftest import (
    Connect,
    Recorder,
    StartGateway,
    qualified,
    settle,
    spy_put,
    until,
)

CALENDAR = trading_calendar()
MONDAY_TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
SPY = ib_async.Stock("SPY", "SMART", "USD")


@pytest.mark.parametrize(
    ("duration", "start"),
    [
        ("1 D", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),
        ("2 D", datetime(2026, 11, 20, 14, 30, tzinfo=UTC)),
        ("1800 S", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),
        ("3600 S", datetime(2026, 11, 20, 20, 30, tzinfo=UTC)),
        ("1 W", MONDAY_TEN - timedelta(days=7)),
        ("1 Y", MONDAY_TEN - timedelta(days=365)),
    ],
)
def test_seconds_and_days_count_trading_time(duration: str, start: datetime):
    assert window_start(CALENDAR, MONDAY_TEN, duration) == start


def test_a_day_that_ends_at_an_opening_is_the_day_before():
    opening = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    assert window_start(CALENDAR, opening, "1 D") == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "duration", ["", "1", "D", "0 D", "-1 D", "1 X", "86401 S", "366 D", "½ D"]
)
def test_nonsensical_durations_are_refused(duration: str):
    with pytest.raises(ValueError, match="istorical data"):
        window_start(CALENDAR, MONDAY_TEN, duration)


def test_bar_sizes_have_other_names_too():
    assert (bar_size("1 secs"), bar_size("1 mins"), bar_size("1W")) == ("1 secs", "1 min", "1 week")
    with pytest.raises(ValueError, match="Legal ones are: 1 secs, 5 secs"):
        bar_size("7 mins")


def test_hours_begin_at_round_times_but_for_the_first_of_a_session():
    day = MONDAY_TEN.date()
    opening = CALENDAR.session_on(day).open_at
    found = spans(CALENDAR, day, opening, opening + timedelta(hours=3), "1 hour")
    assert [f"{span.opens:%H:%M}" for span in found] == ["14:30", "15:00", "16:00", "17:00"]
    assert found[-1].closes == opening + timedelta(hours=3)


async def test_weekly_bars_are_made_of_the_daily_ones(ib: Recorder):
    spy = await qualified(ib, SPY)
    days = await ib.reqHistoricalDataAsync(spy, "", "1 M", "1 day", "TRADES", True)
    weeks = await ib.reqHistoricalDataAsync(spy, "", "1 M", "1 week", "TRADES", True)
    last_full = [bar for bar in days if bar.date.isocalendar().week == 47]
    week = next(bar for bar in weeks if bar.date == last_full[-1].date)
    assert week.high == max(bar.high for bar in last_full)
    assert week.low == min(bar.low for bar in last_full)
    assert week.volume == sum(bar.volume for bar in last_full)


async def test_bid_and_ask_bars_enclose_the_midpoint_of_an_option(ib: Recorder):
    put = await spy_put(ib)
    rows = [
        await ib.reqHistoricalDataAsync(put, "", "2 D", "30 mins", what, True)
        for what in ("BID", "MIDPOINT", "ASK")
    ]
    assert len(rows[0]) == 14
    for bid, middle, ask in zip(*rows, strict=True):
        assert bid.close < middle.close < ask.close
        assert middle.volume == -1


async def test_a_bad_time_is_10314_and_a_bad_size_321(ib: Recorder):
    spy = await qualified(ib, SPY)
    await ib.reqHistoricalDataAsync(spy, "20261199 10:00:00", "1 D", "1 day", "TRADES", True)
    assert ib.codes()[-1] == 10314
    # ib_async takes 321 for a warning and waits on; the gateway has answered.
    asking = ib.reqHistoricalDataAsync(spy, "", "1 D", "7 mins", "TRADES", True, timeout=0)
    waiting = asyncio.ensure_future(asking)
    await until(lambda: ib.codes()[-1] == 321)
    waiting.cancel()


def _pacing(scope: PacingScope = PacingScope.ALL) -> tuple[HistoryPacing, list[float]]:
    clock = [0.0]
    return HistoryPacing(scope, lambda: clock[0]), clock


def test_the_same_request_within_fifteen_seconds_is_a_violation():
    pacing, clock = _pacing()
    assert pacing.admits("a", "SPY")
    clock[0] = 14.0
    assert not pacing.admits("a", "SPY")
    clock[0] = 15.0
    assert pacing.admits("a", "SPY")


def test_the_seventh_request_about_a_contract_within_two_seconds_is_a_violation():
    pacing, clock = _pacing()
    assert all(pacing.admits(n, "SPY") for n in range(6))
    assert not pacing.admits(7, "SPY")
    assert pacing.admits(7, "QQQ")
    clock[0] = 2.0
    assert pacing.admits(8, "SPY")


def test_sixty_requests_in_ten_minutes_are_the_limit_and_bid_ask_counts_twice():
    pacing, clock = _pacing()
    for number in range(29):
        clock[0] = number * 3.0
        assert pacing.admits(number, "SPY", weight=2)
    assert pacing.admits("58th and 59th", "QQQ", weight=1)
    assert not pacing.admits("two more", "QQQ", weight=2)
    clock[0] = 601.0
    assert pacing.admits("two more", "QQQ", weight=2)


def test_only_small_bars_are_paced_where_that_is_chosen():
    pacing, _ = _pacing(PacingScope.SMALL)
    assert all(pacing.admits("a", "SPY", bar_seconds=60) for _ in range(100))
    assert pacing.admits("a", "SPY", bar_seconds=5)
    assert not pacing.admits("a", "SPY", bar_seconds=5)


async def test_a_repeated_request_fails_with_162_on_the_wire(
    start_gateway: StartGateway, connect: Connect
):
    gateway: SimulatedGateway = await start_gateway()
    ib = await connect(gateway)
    spy = await qualified(ib, SPY)
    assert await ib.reqHistoricalDataAsync(spy, "", "1 D", "1 day", "TRADES", True)
    assert not await ib.reqHistoricalDataAsync(spy, "", "1 D", "1 day", "TRADES", True)
    await settle(ib)
    assert ib.errors[-1][1] == 162
    assert "pacing violation" in ib.errors[-1][2]
