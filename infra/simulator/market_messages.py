"""Messages about contracts, chains, quotes and history, as lists of fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import isfinite

from domain.calendar import TradingCalendar
from domain.instruments import PriceIncrements
from infra.simulator.contracts import Security, full_spec
from infra.simulator.market import Quote
from infra.simulator.messages import TIME_ZONE, Message, moment
from infra.simulator.reference import NEW_YORK, OptionClass

MARKET_NAME = "NMS"
BBO_EXCHANGE = "9c0001"
SMART_COMPONENTS = {"A": "AMEX", "C": "CBOE", "N": "NYSE", "P": "ARCA", "Q": "NASDAQ"}
"""Exchanges by the letter that names them in quotes."""
VALID_EXCHANGES = "SMART,CBOE"
ORDER_TYPES = (
    "ACTIVETIM,ALGO,AON,COND,CONDORDER,DAY,FOK,GAT,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,WHATIF"
)
AUCTION_TYPES = "LOC,MOC,OPG"
"""For stocks only."""


def contract_details(
    request_id: int,
    security: Security,
    settles: str,
    calendar: TradingCalendar,
    now: datetime,
    version: int,
) -> Message:
    """Message 10; ``settles`` is the settlement date (yyyymmdd) of an option, else empty."""
    spec = full_spec(security)
    underlying = security.underlying
    trading, liquid = trading_hours(calendar, now)
    industry, category, subcategory = underlying.industry
    option = security.is_option
    exchanges = VALID_EXCHANGES if option or not underlying.is_index else underlying.exchange
    rules = ",".join([str(security.market_rule)] * (exchanges.count(",") + 1))
    last_trade = f"{spec.expiry} {'09:30' if _morning(security) else '16:00'} {TIME_ZONE}"
    return [
        10,
        *([8] if version < 164 else []),  # version of the message
        request_id,
        spec.symbol,
        spec.sec_type,
        last_trade if option else "",
        spec.strike,
        spec.right,
        spec.exchange,
        spec.currency,
        spec.local_symbol,
        spec.trading_class if option else MARKET_NAME,
        spec.trading_class,
        spec.con_id,
        float(security.increments.bands[0].increment),
        *([100] if version < 164 else []),  # size multiplier
        spec.multiplier,
        ORDER_TYPES if security.is_option else f"{ORDER_TYPES},{AUCTION_TYPES}",
        exchanges,
        1,
        underlying.con_id if option else 0,
        underlying.long_name,
        spec.primary_exchange,
        spec.expiry[:6],
        industry,
        category,
        subcategory,
        TIME_ZONE,
        trading,
        liquid,
        "",
        0,
        0,
        1 if option else 2147483647,
        underlying.symbol if option else "",
        underlying.sec_type if option else "",
        rules,
        settles,
        "" if option else underlying.stock_type,
        *_size_rules(version),
    ]


def _size_rules(version: int) -> Message:
    """Least size, size step and suggested size step."""
    if version >= 164:
        return [1, 1, 1]
    return [1] if version == 163 else []


def trading_hours(calendar: TradingCalendar, now: datetime, days: int = 6) -> tuple[str, str]:
    """Trading and liquid hours of the coming sessions, as contract details write them."""
    today = now.astimezone(NEW_YORK).date()
    start = calendar.last_trading_day_on_or_before(today)
    sessions = calendar.sessions_between(start, calendar.add_sessions(start, days))
    spans = []
    for session in sessions:
        opens, closes = (t.astimezone(NEW_YORK) for t in (session.open_at, session.close_at))
        spans.append(f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}")
    hours = ";".join(spans)
    return hours, hours


def bar_stamp(start: date | datetime, version: int, *, epoch_seconds: bool) -> str:
    """When a bar begins: a date for days and longer, else a time or seconds since 1970."""
    if not isinstance(start, datetime):
        return f"{start:%Y%m%d}"
    return str(int(start.timestamp())) if epoch_seconds else moment(start, version)


def option_parameters(
    request_id: int,
    exchange: str,
    underlying: Security,
    option_class: OptionClass,
    expiries: Sequence[str],
    strikes: Sequence[str],
) -> Message:
    return [
        75,
        request_id,
        exchange,
        underlying.con_id,
        option_class.name,
        option_class.multiplier,
        len(expiries),
        *expiries,
        len(strikes),
        *strikes,
    ]


def market_rule(rule_id: int, increments: PriceIncrements) -> Message:
    bands: Message = []
    for band in increments.bands:
        bands += [band.low_edge, band.increment]
    return [93, rule_id, len(increments.bands), *bands]


def symbol_samples(request_id: int, securities: Sequence[Security], version: int) -> Message:
    fields: Message = [79, request_id, len(securities)]
    for security in securities:
        underlying = security.underlying
        kind, currency = underlying.sec_type, "USD"
        fields += [security.con_id, underlying.symbol, kind, underlying.primary_exchange, currency]
        fields += [1, "OPT"]
        if version >= 176:
            fields += [underlying.long_name, ""]
    return fields


def tick_price(request_id: int, tick: int, price: float, size: int) -> Message:
    return [1, 6, request_id, tick, price, size, 0]


def tick_size(request_id: int, tick: int, size: int) -> Message:
    return [2, 6, request_id, tick, size]


def tick_generic(request_id: int, tick: int, value: float) -> Message:
    return [45, 6, request_id, tick, round(value, 6)]


def tick_string(request_id: int, tick: int, value: str) -> Message:
    return [46, 6, request_id, tick, value]


def tick_request_parameters(request_id: int, security: Security | None) -> Message:
    step = float(security.increments.bands[0].increment) if security else 0.01
    return [81, request_id, step, BBO_EXCHANGE, 4]


def market_data_type(request_id: int, kind: int) -> Message:
    return [58, 1, request_id, kind]


def option_computation(request_id: int, tick: int, quote: Quote, price: float) -> Message:
    """Greeks in TWS's units: theta per day, vega per volatility point, -1 and -2 for nothing."""

    def known(value: float, nothing: float, digits: int = 8) -> float:
        return round(value, digits) if isfinite(value) else nothing

    return [
        21,
        request_id,
        tick,
        1,
        known(quote.iv, -1.0),
        known(quote.delta, -2.0),
        known(price, -1.0),
        0.0,
        known(quote.gamma, -2.0),
        known(quote.vega / 100, -2.0),
        known(quote.theta_per_day, -2.0),
        known(quote.underlying_price, -1.0, 4),
    ]


def _morning(security: Security) -> bool:
    return security.option_class is not None and security.option_class.am_settled
