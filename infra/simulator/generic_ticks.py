"""Generic ticks: what a market data request may ask for besides the quote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from infra.simulator.contracts import Security
from infra.simulator.market import Market, Quote
from infra.simulator.reference import exchange_date

LEGAL = {
    100: "Option Volume",
    101: "Option Open Interest",
    104: "Historical Volatility",
    105: "Average Opt Volume",
    106: "Implied Volatility",
    162: "Index Future Premium",
    165: "Misc. Stats",
    221: "Mark Price",
    225: "Auction",
    232: "Mark Price",
    233: "RTVolume",
    236: "Shortable",
    256: "Inventory",
    258: "Fundamental Ratios",
    292: "News",
    293: "Trade Count",
    294: "Trade Rate",
    295: "Volume Rate",
    318: "Last RTH Trade",
    370: "Participation Monitor",
    375: "RT Trade Volume",
    377: "CttTickTag",
    381: "IB Rate",
    384: "RfqTickRespTag",
    387: "DMM",
    388: "Issuer Fundamentals",
    391: "IBWarrantImpVolCompeteTick",
    407: "FuturesMargins",
    411: "RT Historical Volatility",
    428: "Monetary Close Price",
    439: "MonitorTickTag",
    456: "IB Dividends",
    459: "RTCLOSE",
    460: "Bond Factor Multiplier",
    499: "Fee and Rebate Rate",
    506: "midptiv",
    511: "hvolrt30",
    512: "hvolrt50",
    513: "hvolrt75",
    514: "hvolrt100",
    515: "hvolrt150",
    516: "hvolrt200",
    521: "fzmidptiv",
    545: "vsiv",
    576: "EtfNavBidAsk",
    577: "EtfNavLast",
    578: "EtfNavClose",
    584: "Average Opening Vol.",
    585: "Average Closing Vol.",
    586: "IPO price data",
    587: "Pl Price Delayed",
    588: "Futures Open Interest",
    595: "Short-Term Volume X Mins",
    614: "EtfNavMisc",
    619: "Creditman Slow Mark Price",
    623: "EtfFrozenNavLast",
}
"""What TWS takes for any kind of contract; most of it has no data here and is left unanswered."""
NO_TOP_OF_BOOK = "mdoff"


def parse(text: str, security: Security | None) -> frozenset[int]:
    """The generic ticks of a comma-separated list; ValueError names the one that is illegal."""
    wanted: set[int] = set()
    for entry in text.replace(" ", "").split(","):
        number = entry.partition(":")[0]  # news may name a provider: 292:BRFG
        if not number or number == NO_TOP_OF_BOOK:
            continue
        if not (number.isascii() and number.isdigit()) or int(number[:9]) not in LEGAL:
            kind = security.sec_type.value if security else "BAG"
            legal = ",".join(f"{tick}({name})" for tick, name in LEGAL.items())
            raise ValueError(
                f"Incorrect generic tick list of {text[:200]}. Legal ones for ({kind}) are: {legal}"
            )
        wanted.add(int(number))
    return frozenset(wanted)


_MONTH_YEARS = 30 / 365
_WEEKS_AND_TICKS = ((13, 15, 16), (26, 17, 18), (52, 19, 20))
_EASY_TO_BORROW = 3.0
"""Above 2.5 at least a thousand shares can be borrowed."""


class TickKind(Enum):
    """The four messages a tick can travel in."""

    PRICE = 1
    SIZE = 2
    GENERIC = 45
    STRING = 46


@dataclass(frozen=True, slots=True)
class Tick:
    kind: TickKind
    number: int
    value: float | int | str


def ticks(
    wanted: frozenset[int], security: Security, quote: Quote, market: Market, at: datetime
) -> Iterator[Tick]:
    """Those of the wanted generic ticks that this market can tell."""
    if not wanted:
        return
    if 456 in wanted and not security.is_option and not security.underlying.is_index:
        yield Tick(TickKind.STRING, 59, _dividends(security, market, at))
    if wanted & {221, 232, 619}:
        yield Tick(TickKind.PRICE, 37, round(quote.mark, 4))
    if 233 in wanted and quote.last_size:
        yield Tick(TickKind.STRING, 48, _trades_so_far(quote, at))
    if 375 in wanted and quote.last_size:
        yield Tick(TickKind.STRING, 77, _trades_so_far(quote, at))
    if 318 in wanted:
        yield Tick(TickKind.PRICE, 57, quote.last)
    if 293 in wanted and security.tradable:
        yield Tick(TickKind.GENERIC, 54, quote.volume // 100)
    if security.is_option:
        yield from _of_option(wanted, security, quote)
    else:
        yield from _of_underlying(wanted, security, quote, market, at)


def _of_option(wanted: frozenset[int], security: Security, quote: Quote) -> Iterator[Tick]:
    """Calls and puts are told apart by tick; the other side of the contract is 0."""
    own, other = (0, 1) if security.is_call else (1, 0)
    if 100 in wanted:
        yield Tick(TickKind.SIZE, 29 + own, quote.volume)
        yield Tick(TickKind.SIZE, 29 + other, 0)
    if 101 in wanted:
        yield Tick(TickKind.SIZE, 27 + own, quote.open_interest)
        yield Tick(TickKind.SIZE, 27 + other, 0)


def _of_underlying(
    wanted: frozenset[int], security: Security, quote: Quote, market: Market, at: datetime
) -> Iterator[Tick]:
    underlying = security.underlying
    traded = security.tradable
    if 100 in wanted and traded:
        yield Tick(TickKind.SIZE, 29, quote.volume // 400)
        yield Tick(TickKind.SIZE, 30, quote.volume // 300)
    if 101 in wanted and traded:
        yield Tick(TickKind.SIZE, 27, underlying.average_volume // 40)
        yield Tick(TickKind.SIZE, 28, underlying.average_volume // 30)
    if wanted & {104, 411}:
        realised = round(market.realised_vol(underlying, at), 4)
        if 104 in wanted:
            yield Tick(TickKind.GENERIC, 23, realised)
        if 411 in wanted:
            yield Tick(TickKind.GENERIC, 58, realised)
    if 105 in wanted and traded:
        yield Tick(TickKind.SIZE, 87, underlying.average_volume // 170)
    if 106 in wanted:
        yield Tick(TickKind.GENERIC, 24, round(market.atm_vol(underlying, at, _MONTH_YEARS), 4))
    if 165 in wanted:
        yield from _statistics(security, market, at)
    if 236 in wanted and traded:
        yield Tick(TickKind.GENERIC, 46, _EASY_TO_BORROW)
        yield Tick(TickKind.SIZE, 89, underlying.average_volume // 10)


def _statistics(security: Security, market: Market, at: datetime) -> Iterator[Tick]:
    """Lowest and highest closes of 13, 26 and 52 weeks, and the average daily volume."""
    day = at.date()
    first = max(day - timedelta(weeks=52), market.history_from)
    closes = [
        (session.date, market.previous_close(security.symbol, session.open_at))
        for session in market.calendar.sessions_between(first, day)
    ]
    for weeks, low, high in _WEEKS_AND_TICKS:
        since = day - timedelta(weeks=weeks)
        prices = [round(close, 2) for date, close in closes if date >= since]
        if prices:
            yield Tick(TickKind.PRICE, low, min(prices))
            yield Tick(TickKind.PRICE, high, max(prices))
    yield Tick(TickKind.SIZE, 21, security.underlying.average_volume)


def _trades_so_far(quote: Quote, at: datetime) -> str:
    """RTVolume: price, size, milliseconds, volume, average price, one market maker or several."""
    milliseconds = int(at.timestamp() * 1000)
    return f"{quote.last};{quote.last_size};{milliseconds};{quote.volume};{quote.last};true"


def _dividends(security: Security, market: Market, at: datetime) -> str:
    """Paid in the last year, expected in the next, the next ex-date and its amount."""
    today, year = exchange_date(at), timedelta(days=365)
    past = market.dividends(security.symbol, today - year, today)
    ahead = market.dividends(security.symbol, today, today + year)
    sums = [f"{sum(d.amount for d in paid):f}" for paid in (past, ahead)]
    following = [f"{ahead[0].ex_date:%Y%m%d}", f"{ahead[0].amount:f}"] if ahead else ["", ""]
    return ",".join([*sums, *following])
