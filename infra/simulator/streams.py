"""What keeps flowing besides quotes: bars kept up to date, five-second bars, every tick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from infra.simulator import market_messages
from infra.simulator.bars import DAY_SIZES, Bar, Span, price_bars
from infra.simulator.contracts import Security
from infra.simulator.market import Market, Quote
from infra.simulator.messages import Message

if TYPE_CHECKING:
    from infra.simulator.requests_history import BarRequest

REAL_TIME_BAR = timedelta(seconds=5)
LONGEST_BACKLOG = 60
"""Five-second bars sent at once when market time leaps; older ones are left out."""


class Stream(Protocol):
    """A subscription that has something to say when market time has moved."""

    def rows(self, market: Market, now: datetime) -> Iterable[Message]:
        """What is new since the last call."""
        ...


class KeptBars:
    """The newest bars of a historical data request, as they change (message 90)."""

    def __init__(self, request: BarRequest, newest: Bar | None, version: int) -> None:
        self._request = request
        self._newest = newest
        self._version = version

    def rows(self, market: Market, now: datetime) -> list[Message]:
        start: datetime = self._request.end
        if self._request.size in DAY_SIZES:
            start = now
        elif self._newest is not None and isinstance(self._newest.start, datetime):
            start = self._newest.start
        fresh = list(replace(self._request, start=start, end=now).bars(market))
        changed = [bar for bar in fresh if bar != self._newest]
        if fresh:
            self._newest = fresh[-1]
        return [self._update(bar) for bar in changed]

    def _update(self, bar: Bar) -> Message:
        epoch = self._request.epoch_seconds
        stamp = market_messages.bar_stamp(bar.start, self._version, epoch_seconds=epoch)
        prices = (bar.open, bar.close, bar.high, bar.low)
        return [90, self._request.request_id, bar.count, stamp, *prices, bar.average, bar.volume]


@dataclass
class RealTimeBars:
    """Finished five-second bars (message 50)."""

    request_id: int
    security: Security
    what: str
    next_start: datetime

    def rows(self, market: Market, now: datetime) -> Iterable[Message]:
        earliest = now - LONGEST_BACKLOG * REAL_TIME_BAR
        if self.next_start < earliest:
            self.next_start = _five_seconds(earliest)
        while self.next_start + REAL_TIME_BAR <= now:
            start, end = self.next_start, self.next_start + REAL_TIME_BAR
            self.next_start = end
            session = market.calendar.session_at(start)
            if session is None:
                continue
            span = Span(start, start, min(end, session.close_at), session)
            bar = next(price_bars(market, self.security, self.what, [span]))
            seconds = int(start.timestamp())
            prices = (bar.open, bar.high, bar.low, bar.close)
            tail = (max(bar.volume, 0), bar.average, max(bar.count, 0))
            yield [50, 3, self.request_id, seconds, *prices, *tail]


def real_time_bars(request_id: int, security: Security, what: str, now: datetime) -> RealTimeBars:
    return RealTimeBars(request_id, security, what, _five_seconds(now))


@dataclass
class TickByTick:
    """Every change of one security's market (message 99)."""

    request_id: int
    security: Security
    kind: str
    """Last, AllLast, BidAsk or MidPoint."""
    ignore_size: bool = False
    shown: tuple[float, ...] = ()

    def rows(self, market: Market, now: datetime) -> Iterable[Message]:
        if not market.calendar.is_open(now):
            return
        quote = market.quote(self.security, now)
        seen = self._seen(quote)
        if seen == self.shown:
            return
        self.shown = seen
        yield self._message(quote, int(now.timestamp()))

    def _seen(self, quote: Quote) -> tuple[float, ...]:
        if self.kind == "BidAsk":
            sizes = () if self.ignore_size else (quote.bid_size, quote.ask_size)
            return (quote.bid, quote.ask, *sizes)
        if self.kind == "MidPoint":
            return (quote.mid,)
        return (quote.last, quote.volume)

    def _message(self, quote: Quote, seconds: int) -> Message:
        match self.kind:
            case "BidAsk":
                sizes = (quote.bid_size, quote.ask_size)
                return [99, self.request_id, 3, seconds, quote.bid, quote.ask, *sizes, 0]
            case "MidPoint":
                return [99, self.request_id, 4, seconds, round(quote.mid, 4)]
            case _:
                kind = 1 if self.kind == "Last" else 2
                trade = (quote.last, quote.last_size, 0, "SMART", "")
                return [99, self.request_id, kind, seconds, *trade]


def _five_seconds(at: datetime) -> datetime:
    step = int(REAL_TIME_BAR.total_seconds())
    return datetime.fromtimestamp(at.timestamp() // step * step, at.tzinfo)
