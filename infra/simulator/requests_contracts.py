"""Requests about contracts: details, chains, price steps, symbols, what-if option values."""

from __future__ import annotations

from domain.instruments import plain
from domain.pricing import european
from domain.pricing.implied_vol import implied_vol
from infra.simulator import market_messages
from infra.simulator.contracts import ContractSpec, Security
from infra.simulator.market import Quote
from infra.simulator.reference import (
    MARKET_RULES,
    NEW_YORK,
    RISK_FREE_RATE,
)
from infra.simulator.session import ClientSession
from infra.simulator.wire import Fields

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
        row = market_messages.contract_details(
            request_id, security, text, calendar, now, session.version
        )
        rows.append(row)
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
    underlying = gateway.market.book.underlyings.get(symbol)
    if underlying is None or con_id not in {0, underlying.con_id}:
        session.error(request_id, 200, NO_DEFINITION)
        return
    now = gateway.clock.now()
    today = now.astimezone(NEW_YORK).date()
    book, price = gateway.market.book, gateway.market.reference_prices(now)[symbol]
    for option_class in book.classes(symbol, today):
        expiries = [f"{day:%Y%m%d}" for day in book.expiries(option_class, today)]
        strikes = [plain(strike) for strike in book.strikes(option_class, price)]
        for exchange in ("SMART", "CBOE"):
            session.send(
                [
                    market_messages.option_parameters(
                        request_id,
                        exchange,
                        book.underlying(symbol),
                        option_class,
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
        session.invalid(-1, f"Invalid rule {rule_id}")
        return
    session.send([market_messages.market_rule(rule_id, increments)])


def matching_symbols(session: ClientSession, fields: Fields) -> None:
    request_id, pattern = fields.int(), fields.str().upper()
    book = session.gateway.market.book
    found = [
        book.underlying(u.symbol)
        for u in book.underlyings.values()
        if pattern and (u.symbol.startswith(pattern) or pattern in u.long_name.upper())
    ]
    session.send([market_messages.symbol_samples(request_id, found, session.version)])


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
        session.invalid(request_id, "Invalid prices")
        return
    market, now = session.gateway.market, session.gateway.clock.now()
    terms = (spot, float(security.strike or 0), market.years_left(security, now), RISK_FREE_RATE)
    dividend, call = security.underlying.dividend_yield, security.is_call
    iv = float(implied_vol(given, *terms, dividend, call)) if from_price else given
    g = european.greeks(*terms, dividend, iv, call)
    price = given if from_price else float(g.price)
    quote = Quote(
        0, 0, 0, 0, 0, 0, 0, 0, 0, spot, price, iv,
        float(g.delta), float(g.gamma), float(g.vega), float(g.theta_per_day),
    )  # fmt: skip
    session.send([market_messages.option_computation(request_id, 53, quote, price)])


def smart_components(session: ClientSession, fields: Fields) -> None:
    """The exchanges behind the letters of a quote's bid, ask and last exchange."""
    request_id, bbo_exchange = fields.int(), fields.str()
    if bbo_exchange != market_messages.BBO_EXCHANGE:
        session.invalid(request_id, "Invalid BBO exchange")
        return
    rows = [
        value
        for bit, (letter, exchange) in enumerate(market_messages.SMART_COMPONENTS.items())
        for value in (bit, exchange, letter)
    ]
    session.reply(82, request_id, len(market_messages.SMART_COMPONENTS), *rows)


HANDLERS = {
    9: contract_details,
    54: calculate_implied_volatility,
    55: calculate_option_price,
    78: option_parameters,
    81: matching_symbols,
    83: smart_components,
    91: market_rule,
}
