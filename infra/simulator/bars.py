"""Historical bars of the synthetic market's underlyings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from infra.simulator.market import Market
from infra.simulator.path import FloatArray
from infra.simulator.reference import NEW_YORK, Underlying

BAR_MINUTES = {
    "1 min": 1,
    "2 mins": 2,
    "3 mins": 3,
    "5 mins": 5,
    "10 mins": 10,
    "15 mins": 15,
    "20 mins": 20,
    "30 mins": 30,
    "1 hour": 60,
}
_SPANS = {"S": 1, "D": 86400, "W": 7 * 86400, "M": 31 * 86400, "Y": 366 * 86400}
PRICES = frozenset({"TRADES", "MIDPOINT", "BID", "ASK", "ADJUSTED_LAST"})
VOLATILITIES = frozenset({"OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY"})


@dataclass(frozen=True, slots=True)
class Bar:
    """``start`` is the session date of a daily bar, else the aware start time."""

    start: date | datetime
    open: float
    high: float
    low: float
    close: float
    volume: int


def parse_duration(text: str) -> timedelta:
    """``"1 Y"``, ``"30 D"``, ``"3600 S"``; ValueError otherwise."""
    count, _, unit = text.strip().partition(" ")
    if unit not in _SPANS or not count.isdigit() or not 0 < int(count) <= 400_000:
        raise ValueError(f"duration {text!r}")
    return timedelta(seconds=int(count) * _SPANS[unit])


def historical_bars(
    market: Market, underlying: Underlying, end: datetime, duration: timedelta, size: str
) -> list[Bar]:
    """Bars that had started by ``end``, the last one possibly unfinished, oldest first."""
    first, last = (end - duration).astimezone(NEW_YORK).date(), end.astimezone(NEW_YORK).date()
    first = max(first, market.history_from)
    bars: list[Bar] = []
    for session in market.calendar.sessions_between(first, last):
        prices = market.minute_prices(underlying.symbol, session.date)
        known = min(len(prices) - 1, int((end - session.open_at).total_seconds() // 60))
        if known < 1:
            continue
        if size == "1 day":
            seen = prices[: known + 1]
            bars.append(_bar(session.date, seen, underlying, len(prices) - 1))
            continue
        step = BAR_MINUTES[size]
        for start in range(0, known, step):
            begins = session.open_at + timedelta(minutes=start)
            if begins >= end - duration:
                chunk = prices[start : min(start + step, known) + 1]
                bars.append(_bar(begins, chunk, underlying, len(prices) - 1))
    return bars


def volatility_bars(
    market: Market, underlying: Underlying, end: datetime, duration: timedelta, what: str
) -> Iterator[Bar]:
    """Daily 30-day implied volatility, or realised volatility, at each close."""
    first, last = (end - duration).astimezone(NEW_YORK).date(), end.astimezone(NEW_YORK).date()
    first = max(first, market.history_from)
    for session in market.calendar.sessions_between(first, last):
        at = min(session.close_at, end)
        if at <= session.open_at:
            continue
        if what == "OPTION_IMPLIED_VOLATILITY":
            value = market.atm_vol(underlying, at, 30 / 365)
        else:
            value = market.realised_vol(underlying, at)
        rounded = round(value, 6)
        yield Bar(session.date, rounded, rounded, rounded, rounded, 0)


def _bar(start: date | datetime, prices: FloatArray, underlying: Underlying, minutes: int) -> Bar:
    share = (len(prices) - 1) / minutes
    return Bar(
        start=start,
        open=round(float(prices[0]), 2),
        high=round(float(prices.max()), 2),
        low=round(float(prices.min()), 2),
        close=round(float(prices[-1]), 2),
        volume=int(underlying.average_volume * share),
    )
