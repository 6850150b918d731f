"""Requests about contracts, chains, quotes and history."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.instruments import plain
from domain.pricing import european
from infra.simulator import market_messages, messages
from infra.simulator.bars import (
    BAR_MINUTES,
    PRICES,
    VOLATILITIES,
    Bar,
    historical_bars,
    parse_duration,
    volatility_bars,
)
from infra.simulator.contracts import ContractSpec, Security
from infra.simulator.market import Quote
from infra.simulator.reference import (
    CLASSES_BY_SYMBOL,
    MARKET_RULES,
    NEW_YORK,
    RISK_FREE_RATE,
    UNDERLYINGS,
)
from infra.simulator.session import ClientSession
from infra.simulator.subscriptions import LIVE, MarketDataLine
from infra.simulator.validation import Leg
from infra.simulator.wire import Fields, WireError

NO_DEFINITION = "No security definition has been found for the request"
AMBIGUOUS = "The contract description specified for %s is ambiguous."


def find(session: ClientSession, spec: ContractSpec, *, limit: int = 0) -> list[Security]:
    """Listed securities that match; at most ``limit`` when given."""
    gateway = session.gateway
    now = gateway.clock.now()
    today = now.astimezone(NEW_YORK).date()
    found: list[Security] = []
    for security in gateway.market.book.find(spec, today, gateway.market.reference_prices(now)):
        found.append(security)
        if limit and len(found) == limit:
            break
    return found


def find_one(session: ClientSession, request_id: int, spec: ContractSpec) -> Security | None:
    """The one security meant; else an error 200 is sent and None returned."""
    found = find(session, spec, limit=2)
    if len(found) == 1:
        return found[0]
    session.error(request_id, 200, AMBIGUOUS % spec.symbol if found else NO_DEFINITION)
    return None


def contract_details(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, spec = fields.int(), fields.contract()
    gateway = session.gateway
    found = find(session, spec)
    if not found:
        session.error(request_id, 200, NO_DEFINITION)
        return
    now, calendar = gateway.clock.now(), gateway.market.calendar
    rows = []
    for security in found:
        settles = gateway.market.book.settlement_date(security)
        text = f"{settles:%Y%m%d}" if settles else ""
        rows.append(market_messages.contract_details(request_id, security, text, calendar, now))
    session.send(rows)
    session.reply(52, 1, request_id)


def option_parameters(session: ClientSession, fields: Fields) -> None:
    request_id, symbol, _fop_exchange, _kind = (
        fields.int(),
        fields.str(),
        fields.str(),
        fields.str(),
    )
    con_id = fields.int()
    gateway = session.gateway
    underlying = UNDERLYINGS.get(symbol)
    if underlying is None or con_id not in {0, underlying.con_id}:
        session.error(request_id, 200, NO_DEFINITION)
        return
    now = gateway.clock.now()
    today = now.astimezone(NEW_YORK).date()
    book, price = gateway.market.book, gateway.market.reference_prices(now)[symbol]
    for option_class in CLASSES_BY_SYMBOL[symbol]:
        expiries = [f"{day:%Y%m%d}" for day in book.expiries(option_class, today)]
        strikes = [plain(strike) for strike in book.strikes(option_class, price)]
        for exchange in ("SMART", "CBOE"):
            session.send(
                [
                    market_messages.option_parameters(
                        request_id,
                        exchange,
                        book.underlying(symbol),
                        option_class.name,
                        expiries,
                        strikes,
                    )
                ]
            )
    session.reply(76, request_id)


def market_rule(session: ClientSession, fields: Fields) -> None:
    rule_id = fields.int()
    increments = MARKET_RULES.get(rule_id)
    if increments is None:
        session.error(-1, 321, f"Error validating request.-'bN' : cause - Invalid rule {rule_id}")
        return
    session.send([market_messages.market_rule(rule_id, increments)])


def matching_symbols(session: ClientSession, fields: Fields) -> None:
    request_id, pattern = fields.int(), fields.str().upper()
    book = session.gateway.market.book
    found = [
        book.underlying(u.symbol)
        for u in UNDERLYINGS.values()
        if pattern and (u.symbol.startswith(pattern) or pattern in u.long_name.upper())
    ]
    session.send([market_messages.symbol_samples(request_id, found, session.version)])


def current_time(session: ClientSession, fields: Fields) -> None:
    session.send([messages.current_time(session.gateway.clock.now())])


def market_data_type(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    kind = fields.int()
    if kind not in {1, 2, 3, 4}:
        raise WireError(f"market data type {kind}")
    session.data_type = kind


def market_data(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, spec = fields.int(), fields.contract()
    legs = _read_legs(session, fields, request_id, spec)
    if fields.bool():  # delta-neutral contract
        fields.skip(3)
    generic, snapshot = fields.str(), fields.bool()
    if legs is None:
        return
    if request_id in session.lines:
        session.error(
            request_id, 322, "Error processing request.-'bW' : cause - Duplicate ticker id"
        )
        return
    gateway = session.gateway
    limit = gateway.market_data_lines
    if not snapshot and limit and len(session.lines) >= limit:
        session.error(request_id, 101, "Max number of tickers has been reached")
        return
    # A live subscription is granted whatever delay was asked for, as where one is entitled.
    data_type = LIVE if session.data_type == 3 else session.data_type
    data_type = 2 if data_type == 4 else data_type
    ticks = frozenset(int(t) for t in generic.replace(" ", "").split(",") if t.isdigit())
    line = MarketDataLine(request_id, legs, ticks, data_type)
    session.send([*line.opening(), *gateway.ticks(line, gateway.clock.now())])
    if snapshot:
        session.reply(57, 1, request_id)
    else:
        session.lines[request_id] = line


def _read_legs(
    session: ClientSession, fields: Fields, request_id: int, spec: ContractSpec
) -> tuple[Leg, ...] | None:
    """The legs of the contract asked for; None once an error has been sent."""
    if spec.sec_type != "BAG":
        security = find_one(session, request_id, spec)
        return None if security is None else (Leg(security, 1),)
    legs: list[Leg] | None = []
    for _ in range(fields.count()):
        con_id, ratio, action = fields.int(), fields.int(), fields.str()
        fields.skip()
        found = find(session, ContractSpec(con_id=con_id))
        if not found or ratio < 1 or action not in {"BUY", "SELL"}:
            legs = None
        elif legs is not None:
            legs.append(Leg(found[0], ratio if action == "BUY" else -ratio))
    if not legs:
        session.error(request_id, 200, NO_DEFINITION)
        return None
    return tuple(legs)


def cancel_market_data(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id = fields.int()
    if session.lines.pop(request_id, None) is None:
        session.error(request_id, 300, f"Can't find EId with tickerId:{request_id}")


def historical_data(session: ClientSession, fields: Fields) -> None:
    request_id, spec = fields.int(), fields.contract()
    fields.skip()  # include expired
    end_text, size, duration_text = fields.str(), fields.str(), fields.str()
    _regular_hours, what, form = fields.bool(), fields.str(), fields.int()
    security = find_one(session, request_id, spec)
    if security is None:
        return
    market, now = session.gateway.market, session.gateway.clock.now()
    try:
        end = min(_end_time(end_text) or now, now)
        duration = parse_duration(duration_text)
    except ValueError as error:
        session.error(request_id, 321, f"Error validating request.-'bN' : cause - {error}")
        return
    if security.is_option or (size != "1 day" and size not in BAR_MINUTES):
        bars: list[Bar] = []
    elif what in VOLATILITIES and size == "1 day":
        bars = list(volatility_bars(market, security.underlying, end, duration, what))
    elif what in PRICES:
        bars = historical_bars(market, security.underlying, end, duration, size)
    else:
        bars = []
    if not bars:
        reason = "HMDS query returned no data"
        session.error(
            request_id,
            162,
            f"Historical Market Data Service error message:{reason}: "
            f"{spec.symbol}@{security.exchange} {what}",
        )
        return
    stamps = [_bar_stamp(bar, form) for bar in bars]
    rows = [
        value
        for stamp, b in zip(stamps, bars, strict=True)
        for value in (stamp, b.open, b.high, b.low, b.close, b.volume, b.close, 1)
    ]
    session.reply(17, request_id, _stamp(end - duration), _stamp(end), len(bars), *rows)


def head_timestamp(session: ClientSession, fields: Fields) -> None:
    request_id, spec = fields.int(), fields.contract()
    if find_one(session, request_id, spec) is not None:
        market = session.gateway.market
        first = market.calendar.session_on(
            market.calendar.add_sessions(market.history_from, 1)
        ).open_at
        session.reply(88, request_id, f"{first:%Y%m%d-%H:%M:%S}")


def calculate_implied_volatility(session: ClientSession, fields: Fields) -> None:
    _calculate(session, fields, from_price=True)


def calculate_option_price(session: ClientSession, fields: Fields) -> None:
    _calculate(session, fields, from_price=False)


def _calculate(session: ClientSession, fields: Fields, *, from_price: bool) -> None:
    fields.skip()
    request_id, spec = fields.int(), fields.contract()
    given, spot = float(fields.decimal() or 0), float(fields.decimal() or 0)
    security = find_one(session, request_id, spec)
    if security is None:
        return
    if not security.is_option or spot <= 0 or given <= 0:
        session.error(request_id, 321, "Error validating request.-'bN' : cause - Invalid prices")
        return
    market, now = session.gateway.market, session.gateway.clock.now()
    terms = (spot, float(security.strike or 0), market.years_left(security, now), RISK_FREE_RATE)
    dividend, call = security.underlying.dividend_yield, security.is_call
    iv = float(european.implied_vol(given, *terms, dividend, call)) if from_price else given
    g = european.greeks(*terms, dividend, iv, call)
    price = given if from_price else float(g.price)
    quote = Quote(
        0, 0, 0, 0, 0, 0, 0, 0, 0, spot, price, iv,
        float(g.delta), float(g.gamma), float(g.vega), float(g.theta_per_day),
    )  # fmt: skip
    session.send([market_messages.option_computation(request_id, 53, quote, price)])


def _end_time(text: str) -> datetime | None:
    """``yyyymmdd hh:mm:ss [zone]`` (exchange time by default) or ``yyyymmdd-hh:mm:ss`` (UTC)."""
    if not text:
        return None
    if "-" in text:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    parts = text.split()
    zone = UTC if parts[-1] in {"UTC", "GMT"} else NEW_YORK
    return datetime.strptime(" ".join(parts[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=zone)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} {messages.TIME_ZONE}"


def _bar_stamp(bar: Bar, form: int) -> str:
    if not isinstance(bar.start, datetime):
        return f"{bar.start:%Y%m%d}"
    return str(int(bar.start.timestamp())) if form == 2 else _stamp(bar.start)


HANDLERS = {
    1: market_data,
    2: cancel_market_data,
    9: contract_details,
    20: historical_data,
    49: current_time,
    54: calculate_implied_volatility,
    55: calculate_option_price,
    59: market_data_type,
    78: option_parameters,
    81: matching_symbols,
    87: head_timestamp,
    91: market_rule,
}
