"""Requests about the past: bars, trading schedules, first data, past ticks, histograms."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.simulator import market_messages, messages, past_ticks
from infra.simulator.bars import (
    BAR_SECONDS,
    DAY_SIZES,
    PRICES,
    VOLATILITIES,
    Bar,
    bar_size,
    merged,
    price_bars,
    spans,
    volatility_bars,
    window_start,
)
from infra.simulator.contracts import Security
from infra.simulator.market import Market
from infra.simulator.reference import NEW_YORK
from infra.simulator.requests_contracts import find_one
from infra.simulator.session import ClientSession
from infra.simulator.streams import KeptBars
from infra.simulator.wire import Fields

_T = TypeVar("_T")

SLICE_SECONDS = 0.01
"""Long answers are computed in slices of about this length, so that nobody waits for them."""
MAX_BARS = 40_000
SCHEDULE = "SCHEDULE"
_ONLY_INDEXES_HAVE_NONE = frozenset({"MIDPOINT", "BID", "ASK", "BID_ASK"})
_BAD_TIME = (
    "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss "
    "xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern"
)


@dataclass(frozen=True, slots=True)
class BarRequest:
    """A historical data request as understood: bars of ``size`` that begin in [start, end)."""

    request_id: int
    security: Security
    what: str
    size: str
    start: datetime
    end: datetime
    epoch_seconds: bool
    """Intraday bars are dated in seconds since 1970 rather than in New York time."""

    def bars(self, market: Market) -> Iterator[Bar]:
        wanted = spans(market.calendar, market.history_from, self.start, self.end, self.size)
        compute = volatility_bars if self.what in VOLATILITIES else price_bars
        return compute(market, self.security, self.what, wanted)


def historical_data(session: ClientSession, fields: Fields) -> None:
    request_id, spec = fields.int(), fields.contract()
    fields.skip()  # include expired
    end_text, size_text, duration = fields.str(), fields.str(), fields.str()
    fields.skip()  # regular hours only: there are no others here
    what, form = fields.str().upper(), fields.int()
    if spec.sec_type == "BAG":
        fields.skip(4 * fields.count())
    keep = fields.bool()
    if spec.sec_type == "BAG":
        _no_data(session, request_id, "Combos have no history")
        return
    security = find_one(session, request_id, spec)
    if security is None:
        return
    end = _end(session, request_id, end_text)
    if end is None:
        return
    try:
        size = bar_size(size_text)
        start = window_start(session.gateway.market.calendar, end, duration)
        _check_what(what, size, end_text, keep=keep)
    except ValueError as error:
        session.invalid(request_id, str(error))
        return
    request = BarRequest(request_id, security, what, size, start, end, form == 2)
    if what == SCHEDULE:
        _schedule(session, request)
        return
    if not _admitted(session, request, (end_text, size, duration, what)):
        return
    session.work.start(("history", request_id), _answer(session, request, keep=keep))


def cancel_historical_data(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id = fields.int()
    running = session.work.cancel(("history", request_id))
    kept = session.streams.pop(("history", request_id), None)
    if running or kept is not None:
        _no_data(session, request_id, f"API historical data query cancelled: {request_id}")
    else:
        session.error(request_id, 366, f"No historical data query found for ticker id:{request_id}")


def head_timestamp(session: ClientSession, fields: Fields) -> None:
    request_id, spec = fields.int(), fields.contract()
    fields.skip(3)  # include expired, regular hours, what to show
    form = fields.int()
    if find_one(session, request_id, spec) is None:
        return
    market = session.gateway.market
    session_of_first = market.calendar.current_or_next_session(
        datetime.combine(market.history_from, datetime.min.time(), tzinfo=NEW_YORK)
    )
    first = session_of_first.open_at
    text = str(int(first.timestamp())) if form == 2 else f"{first:%Y%m%d-%H:%M:%S}"
    session.reply(88, request_id, text)


def histogram(session: ClientSession, fields: Fields) -> None:
    """Shares traded at each price over the days asked for, as counts per cent of price."""
    request_id, spec = fields.int(), fields.contract()
    fields.skip(2)  # include expired, regular hours
    count, _, unit = fields.str().partition(" ")
    security = find_one(session, request_id, spec)
    if security is None:
        return
    letter = unit[:1].upper()
    market, now = session.gateway.market, session.gateway.clock.now()
    try:
        start = window_start(market.calendar, now, f"{count} {letter}")
    except ValueError:
        session.invalid(request_id, f"Invalid time period '{count} {unit}'")
        return
    if security.is_option:
        _no_data(session, request_id, "HMDS query returned no data")
        return
    counts: Counter[float] = Counter()
    for span in spans(market.calendar, market.history_from, start, now, "1 day"):
        minutes = market.minute_prices(security.symbol, span.whole.date)
        known = int((span.closes - span.opens).total_seconds() // 60)
        counts.update(round(float(price), 2) for price in minutes[: known + 1])
    rows = [value for price in sorted(counts) for value in (price, 100 * counts[price])]
    session.reply(89, request_id, len(counts), *rows)


def historical_ticks(session: ClientSession, fields: Fields) -> None:
    request_id, spec = fields.int(), fields.contract()
    fields.skip()  # include expired
    start_text, end_text = fields.str(), fields.str()
    count, what = fields.int(), fields.str().upper()
    fields.skip(2)  # regular hours, ignore size
    security = find_one(session, request_id, spec)
    if security is None:
        return
    if what not in past_ticks.KINDS:
        session.invalid(request_id, "Incorrect data type of historical ticks")
        return
    if not 1 <= count <= past_ticks.MAX_TICKS:
        session.invalid(request_id, f"Number of ticks must be 1 to {past_ticks.MAX_TICKS}")
        return
    if bool(start_text) == bool(end_text):
        session.invalid(request_id, "Give a start or an end time, and not both")
        return
    if not past_ticks.has_kind(security, what):
        _no_data(session, request_id, "HMDS query returned no data")
        return
    now = session.gateway.clock.now()
    given = _time(start_text or end_text)
    if given is None:
        session.error(request_id, 10314, _BAD_TIME)
        return
    market = session.gateway.market
    forward = bool(start_text)
    times = past_ticks.tick_times(market, min(given, now), now, count, forward=forward)
    session.work.start(
        ("ticks", request_id), _answer_ticks(session, request_id, security, what, times)
    )


async def _answer_ticks(
    session: ClientSession, request_id: int, security: Security, what: str, times: list[datetime]
) -> None:
    ticks = past_ticks.ticks(session.gateway.market, security, what, times)
    session.send([past_ticks.message(request_id, what, await _in_slices(ticks))])


async def _answer(session: ClientSession, request: BarRequest, *, keep: bool) -> None:
    market = session.gateway.market
    bars = merged(await _in_slices(request.bars(market)), request.size)
    if not bars and not keep:
        spec = f"{request.security.symbol}@{request.security.exchange}"
        _no_data(session, request.request_id, f"HMDS query returned no data: {spec} {request.what}")
        return
    stamp = market_messages.bar_stamp
    rows = [
        value
        for bar in bars
        for value in (
            stamp(bar.start, session.version, epoch_seconds=request.epoch_seconds),
            *(bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.count),
        )
    ]
    begin, end = (messages.moment(t, session.version) for t in (request.start, request.end))
    session.reply(17, request.request_id, begin, end, len(bars), *rows)
    if keep:
        newest = bars[-1] if bars else None
        session.streams["history", request.request_id] = KeptBars(request, newest, session.version)


async def _in_slices(items: Iterator[_T]) -> list[_T]:
    """All items, computed without keeping other clients waiting."""
    collected: list[_T] = []
    pause_at = time.perf_counter() + SLICE_SECONDS
    for item in items:
        collected.append(item)
        if time.perf_counter() > pause_at:
            await asyncio.sleep(0)
            pause_at = time.perf_counter() + SLICE_SECONDS
    return collected


def _check_what(what: str, size: str, end_text: str, *, keep: bool) -> None:
    if what not in PRICES | VOLATILITIES | {SCHEDULE}:
        raise ValueError(f"Invalid what-to-show '{what}'")
    if what == "ADJUSTED_LAST" and end_text:
        raise ValueError("End date not supported with adjusted last")
    if what == SCHEDULE and size != "1 day":
        raise ValueError("Schedules are requested with a bar size of 1 day")
    if keep and end_text:
        raise ValueError("End date not supported with keep up to date")
    if keep and size in {"1 secs", "1 week", "1 month"}:
        raise ValueError("Bar size not supported with keep up to date")


def _admitted(session: ClientSession, request: BarRequest, key: tuple[str, ...]) -> bool:
    """Whether the request is small enough, makes sense for the contract, and is not too soon."""
    security, what = request.security, request.what
    lacks_market = security.underlying.is_index and not security.is_option
    if (lacks_market and what in _ONLY_INDEXES_HAVE_NONE) or (
        security.is_option and what in VOLATILITIES
    ):
        _no_data(session, request.request_id, f"HMDS query returned no data: {what}")
        return False
    seconds = BAR_SECONDS.get(request.size, 86400)
    sessions = 1 + (request.end - request.start).days * 5 // 7
    if request.size not in DAY_SIZES and sessions * 23400 // seconds > MAX_BARS:
        _no_data(session, request.request_id, "Time length exceed max.")
        return False
    weight = 2 if what == "BID_ASK" else 1
    about = (security.con_id, what)
    pacing = session.gateway.history_pacing
    if pacing.admits((security.con_id, *key), about, weight=weight, bar_seconds=seconds):
        return True
    _no_data(session, request.request_id, "Historical data request pacing violation")
    return False


def _schedule(session: ClientSession, request: BarRequest) -> None:
    market = session.gateway.market
    wanted = spans(market.calendar, market.history_from, request.start, request.end, "1 day")
    rows = []
    for span in wanted:
        opens, closes = (t.astimezone(NEW_YORK) for t in (span.whole.open_at, span.whole.close_at))
        rows += [f"{opens:%Y%m%d-%H:%M:%S}", f"{closes:%Y%m%d-%H:%M:%S}", span.whole.date]
    begin, end = (f"{t.astimezone(NEW_YORK):%Y%m%d-%H:%M:%S}" for t in (request.start, request.end))
    session.reply(106, request.request_id, begin, end, "US/Eastern", len(wanted), *rows)


def _no_data(session: ClientSession, request_id: int, reason: str) -> None:
    session.error(request_id, 162, f"Historical Market Data Service error message:{reason}")


def _end(session: ClientSession, request_id: int, text: str) -> datetime | None:
    """The end asked for, now at the latest; None once an error has been sent."""
    now, first = session.gateway.clock.now(), session.gateway.market.calendar.sessions[0].open_at
    end = _time(text) if text else now
    if end is None:
        session.error(request_id, 10314, f"End Date/Time: {_BAD_TIME}")
    elif end <= first + timedelta(days=7):
        _no_data(session, request_id, "HMDS query returned no data")
        return None
    return None if end is None else min(end, now)


def _time(text: str) -> datetime | None:
    """``yyyymmdd hh:mm:ss [zone]``, New York by default, or ``yyyymmdd-hh:mm:ss`` in UTC."""
    parts = text.split()
    try:
        if len(parts) == 1 and "-" in text:
            return datetime.strptime(text.strip(), "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
        if len(parts) == 1:
            parts.append("23:59:59")
        zone = ZoneInfo(parts[2]) if len(parts) > 2 else NEW_YORK
        naive = datetime.strptime(f"{parts[0]} {parts[1]}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007
        return naive.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, IndexError, OSError, OverflowError, ZoneInfoNotFoundError):
        return None


HANDLERS = {
    20: historical_data,
    25: cancel_historical_data,
    87: head_timestamp,
    88: histogram,
    96: historical_ticks,
}
