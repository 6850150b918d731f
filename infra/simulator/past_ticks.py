"""Ticks of the past, one for every refresh of the displayed market."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from infra.simulator.contracts import Security
from infra.simulator.market import REFRESH_SECONDS, Market, Quote
from infra.simulator.messages import Message

MAX_TICKS = 1000
STEP = timedelta(seconds=REFRESH_SECONDS)
MESSAGE_IDS = {"MIDPOINT": 96, "BID_ASK": 97, "TRADES": 98}
KINDS = frozenset(MESSAGE_IDS)


def has_kind(security: Security, what: str) -> bool:
    """Indexes are not quoted: they have trades alone."""
    return what == "TRADES" or security.tradable


def tick_times(
    market: Market, given: datetime, now: datetime, count: int, *, forward: bool
) -> list[datetime]:
    """``count`` refreshes within sessions from ``given`` on, or up to it; ascending."""
    step = STEP if forward else -STEP
    at = datetime.fromtimestamp(
        given.timestamp() // REFRESH_SECONDS * REFRESH_SECONDS, given.tzinfo
    )
    if forward and at < given:
        at += STEP
    earliest = market.calendar.session_on(
        market.calendar.add_sessions(market.history_from, 1)
    ).open_at
    times: list[datetime] = []
    while len(times) < count and earliest <= at <= now:
        if market.calendar.is_open(at):
            times.append(at)
            at += step
        elif forward:
            at = market.calendar.next_session(at).open_at
        else:
            at = market.calendar.previous_session(at).close_at - STEP
    return sorted(times)


def ticks(
    market: Market, security: Security, what: str, times: list[datetime]
) -> Iterator[Message]:
    """The fields of each tick, as its message carries them."""
    for at in times:
        yield tick(what, market.quote(security, at), at)


def tick(what: str, quote: Quote, at: datetime) -> Message:
    seconds = int(at.timestamp())
    if what == "BID_ASK":
        return [seconds, 0, quote.bid, quote.ask, quote.bid_size, quote.ask_size]
    if what == "TRADES":
        return [seconds, 0, quote.mark, quote.last_size, "SMART", ""]
    return [seconds, 0, round(quote.mid, 4), 0]


def message(request_id: int, what: str, rows: list[Message]) -> Message:
    """One answer: the ticks and the mark that nothing follows."""
    fields = [value for row in rows for value in row]
    return [MESSAGE_IDS[what], request_id, len(rows), *fields, True]
