"""Historical bars: which stretches of time they cover, and what prices did in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby

import numpy as np

from domain.calendar import Session, TradingCalendar
from infra.simulator.contracts import Security
from infra.simulator.market import Market
from infra.simulator.path import FloatArray
from infra.simulator.reference import NEW_YORK

BAR_SECONDS = {
    "1 secs": 1,
    "5 secs": 5,
    "10 secs": 10,
    "15 secs": 15,
    "30 secs": 30,
    "1 min": 60,
    "2 mins": 120,
    "3 mins": 180,
    "5 mins": 300,
    "10 mins": 600,
    "15 mins": 900,
    "20 mins": 1200,
    "30 mins": 1800,
    "1 hour": 3600,
    "2 hours": 7200,
    "3 hours": 10800,
    "4 hours": 14400,
    "8 hours": 28800,
}
DAY_SIZES = ("1 day", "1 week", "1 month")
SIZES = (*BAR_SECONDS, *DAY_SIZES)
_OTHER_NAMES = {"1 sec": "1 secs", "1 hours": "1 hour", "1D": "1 day", "1W": "1 week"}
_OTHER_NAMES |= {"1w": "1 week", "1M": "1 month", "1m": "1 month", "1 mins": "1 min"}

PRICES = frozenset({"TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST"})
VOLATILITIES = frozenset({"OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY"})
_TRADED = frozenset({"TRADES", "ADJUSTED_LAST"})
_CALENDAR_DAYS = {"W": 7, "M": 30, "Y": 365}
_MONTH = timedelta(days=30)
_SAMPLES_PER_BAR = 8
"""Quotes looked at within a bar that has no minute prices of its own; its ends are two of them."""


@dataclass(frozen=True, slots=True)
class Span:
    """One bar's stretch of market time within a session; ``label`` is how TWS dates it.

    ``whole`` is the session; a span that its request cuts short ends before it would.
    """

    label: date | datetime
    opens: datetime
    closes: datetime
    whole: Session


@dataclass(frozen=True, slots=True)
class Bar:
    """``start`` is the session date of a daily bar, else the aware start time.

    ``volume``, ``average`` and ``count`` are -1 where nothing is traded, as TWS sends them.
    """

    start: date | datetime
    open: float
    high: float
    low: float
    close: float
    volume: int = -1
    average: float = -1.0
    count: int = -1


def bar_size(text: str) -> str:
    """The canonical name of a bar size; ValueError otherwise."""
    size = _OTHER_NAMES.get(text.strip(), text.strip())
    if size not in SIZES:
        legal = ", ".join(SIZES)
        raise ValueError(f"Historical data bar size setting is invalid. Legal ones are: {legal}")
    return size


def window_start(calendar: TradingCalendar, end: datetime, duration: str) -> datetime:
    """Where a request of ``duration`` up to ``end`` begins; ValueError for nonsense.

    Seconds and days count trading time: ``1 D`` is the session of ``end``, ``2 D`` begins with the
    one before. Weeks, months and years are calendar time.
    """
    count_text, _, unit = duration.strip().partition(" ")
    if not (count_text.isascii() and count_text.isdigit()) or unit not in {*"SDWMY"}:
        raise ValueError("Invalid historical data duration")
    count = int(count_text[:9])
    if count == 0:
        raise ValueError("Invalid historical data duration")
    if unit == "S":
        if count > 86400:
            raise ValueError(
                "Historical data requests for durations longer than 86400 seconds must be made "
                "in days"
            )
        return _trading_seconds_before(calendar, end, count)
    if unit == "D":
        if count > 365:
            raise ValueError(
                "Historical data requests for durations longer than 365 days must be made in years"
            )
        return _sessions_up_to(calendar, end, count)
    if count > 1000:
        raise ValueError("Invalid historical data duration")
    earliest = calendar.sessions[0].open_at
    return max(end - timedelta(days=min(count * _CALENDAR_DAYS[unit], 36500)), earliest)


def spans(
    calendar: TradingCalendar, first: date, start: datetime, end: datetime, size: str
) -> list[Span]:
    """The bars that begin in [start, end), on or after ``first``, the last perhaps unfinished.

    Intraday bars begin at round times of the day, the first of a session at its open. Weekly and
    monthly bars are made of the daily ones: their spans are those of the days.
    """
    low = max(start.astimezone(NEW_YORK).date(), first)
    found: list[Span] = []
    for session in calendar.sessions_between(low, end.astimezone(NEW_YORK).date()):
        if session.open_at >= end:
            break
        if size in DAY_SIZES:
            closes = min(session.close_at, end)
            found.append(Span(session.date, session.open_at, closes, session))
        else:
            found += _intraday(session, start, end, BAR_SECONDS[size])
    return found


def price_bars(market: Market, security: Security, what: str, wanted: list[Span]) -> Iterator[Bar]:
    """What prices did in each span, one bar at a time."""
    for span in wanted:
        bid, ask, trades = _points(market, security, what, span)
        yield _bar(market, security, what, span, (bid, ask, trades))


def volatility_bars(
    market: Market, security: Security, what: str, wanted: list[Span]
) -> Iterator[Bar]:
    """30-day implied volatility, or realised volatility, through each span."""
    underlying = security.underlying
    for span in wanted:
        values = []
        for at in (span.opens, span.closes - timedelta(seconds=1)):
            if what == "HISTORICAL_VOLATILITY":
                values.append(market.realised_vol(underlying, at))
            else:
                values.append(market.atm_vol(underlying, at, _MONTH / timedelta(days=365)))
        first, last = (round(value, 6) for value in values)
        yield Bar(span.label, first, max(first, last), min(first, last), last)


def merged(bars: list[Bar], size: str) -> list[Bar]:
    """Daily bars as weekly or monthly ones, dated by their last session."""
    if size not in {"1 week", "1 month"}:
        return bars

    def period(bar: Bar) -> tuple[int, int]:
        week = bar.start.isocalendar()
        return (week.year, week.week) if size == "1 week" else (bar.start.year, bar.start.month)

    return [_merge(list(group)) for _, group in groupby(bars, key=period)]


def _merge(bars: list[Bar]) -> Bar:
    volume = sum(bar.volume for bar in bars)
    traded = bars[0].volume >= 0
    weighted = sum(bar.average * bar.volume for bar in bars)
    return Bar(
        start=bars[-1].start,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=volume if traded else -1,
        average=round(weighted / volume, 4) if traded and volume else bars[-1].average,
        count=sum(bar.count for bar in bars) if traded else -1,
    )


def _intraday(session: Session, start: datetime, end: datetime, seconds: int) -> Iterator[Span]:
    midnight = session.open_at.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0)
    opens = session.open_at
    while opens < min(session.close_at, end):
        # Sessions lie within one New York day, so wall time and elapsed time agree in them.
        elapsed = int((opens - midnight).total_seconds())
        following = opens + timedelta(seconds=seconds - elapsed % seconds)
        if opens >= start:
            yield Span(opens, opens, min(following, session.close_at, end), session)
        opens = following


def _last_session(calendar: TradingCalendar, end: datetime) -> Session:
    """The last session with time before ``end``: at an opening that is the one before."""
    return calendar.session_at(end - timedelta(seconds=1)) or calendar.previous_session(end)


def _trading_seconds_before(calendar: TradingCalendar, end: datetime, seconds: int) -> datetime:
    session = _last_session(calendar, end)
    left = timedelta(seconds=seconds)
    start = min(end, session.close_at)
    while start - session.open_at < left:
        left -= start - session.open_at
        session = calendar.previous_session(session.open_at - timedelta(seconds=1))
        start = session.close_at
    return start - left


def _sessions_up_to(calendar: TradingCalendar, end: datetime, count: int) -> datetime:
    """The open of the ``count``-th session back, that of ``end`` (or the last one) included."""
    session = _last_session(calendar, end)
    try:
        first = calendar.add_sessions(session.date, 1 - count)
    except LookupError:
        return calendar.sessions[0].open_at
    return calendar.session_on(first).open_at


def _points(
    market: Market, security: Security, what: str, span: Span
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bid, ask and trade prices through a span; shape (samples,) each.

    Underlyings have a price for every minute; everything else is looked at a few times a bar.
    """
    begin = (span.opens - span.whole.open_at).total_seconds()
    finish = (span.closes - span.whole.open_at).total_seconds()
    if not security.is_option and begin % 60 == 0 and finish - begin >= 60:
        minutes = market.minute_prices(security.symbol, span.whole.date)
        trades = minutes[int(begin // 60) : int(finish // 60) + 1]
        if finish % 60:
            trades = np.append(trades, market.spot(security.symbol, span.closes))
        half = 0.0
        if what not in _TRADED and security.tradable:
            quote = market.quote(security, span.opens)
            half = max(quote.ask - quote.bid, 0.0) / 2
        return trades - half, trades + half, trades
    samples = int(min(finish - begin, _SAMPLES_PER_BAR)) if finish - begin > 60 else 1
    step = (span.closes - span.opens) / samples
    # The instant of the close belongs to the night; its last second is still the session's.
    last = span.whole.close_at - timedelta(seconds=1)
    times = [min(span.opens + step * i, last) for i in range(samples + 1)]
    quotes = [market.quote(security, at) for at in times]
    bid, ask, mark = np.array([(q.bid, q.ask, q.mark) for q in quotes]).T
    return bid, ask, mark


def _bar(
    market: Market,
    security: Security,
    what: str,
    span: Span,
    points: tuple[FloatArray, FloatArray, FloatArray],
) -> Bar:
    bid, ask, trades = points
    if what == "BID_ASK":
        # TWS: time average bid, highest ask, lowest bid, time average ask.
        return _rounded(span, bid.mean(), ask.max(), bid.min(), ask.mean(), digits=4)
    series = {"BID": bid, "ASK": ask, "MIDPOINT": (bid + ask) / 2}.get(what, trades)
    digits = 3 if what == "MIDPOINT" else 2
    bar = _rounded(span, series[0], series.max(), series.min(), series[-1], digits=digits)
    if what not in _TRADED:
        return bar
    volume = _volume(market, security, span)
    average = round(float(series.mean()), 4)
    return replace(bar, volume=volume, average=average, count=-(-volume // 100))


def _rounded(
    span: Span, opening: float, high: float, low: float, closing: float, *, digits: int
) -> Bar:
    opening, high, low, closing = (round(float(p), digits) for p in (opening, high, low, closing))
    return Bar(span.label, opening, high, low, closing)


def _volume(market: Market, security: Security, span: Span) -> int:
    if not security.tradable:
        return 0
    last = span.whole.close_at - timedelta(seconds=1)
    after = market.quote(security, min(span.closes, last)).volume
    before = 0
    if span.opens > span.whole.open_at:
        before = market.quote(security, span.opens).volume
    return max(after - before, 0)
