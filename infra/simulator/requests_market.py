"""Requests for market data as it happens: quotes, five-second bars, tick by tick."""

from __future__ import annotations

from infra.simulator import generic_ticks, messages, past_ticks
from infra.simulator.contracts import ContractSpec, Security
from infra.simulator.quality import DELAYED, DELAYED_FROZEN
from infra.simulator.requests_contracts import NO_DEFINITION, find, find_one
from infra.simulator.session import ClientSession
from infra.simulator.streams import TickByTick, real_time_bars
from infra.simulator.subscriptions import MarketDataLine
from infra.simulator.validation import Leg
from infra.simulator.wire import Fields, WireError

MAX_TICK_BY_TICK = 5
"""Tick-by-tick subscriptions of one client; IBKR grants a twentieth of the market data lines."""
_BAR_KINDS = frozenset({"TRADES", "MIDPOINT", "BID", "ASK"})
_TICK_KINDS = {"Last": "TRADES", "AllLast": "TRADES", "BidAsk": "BID_ASK", "MidPoint": "MIDPOINT"}


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
    generic, snapshot, regulatory = fields.str(), fields.bool(), fields.bool()
    snapshot = snapshot or regulatory
    if legs is None:
        return
    try:
        ticks = generic_ticks.parse(generic, legs[0].security if len(legs) == 1 else None)
        if ticks and snapshot:
            cause = "Snapshot market data subscription is not applicable to generic ticks"
            raise ValueError(cause)  # noqa: TRY301
    except ValueError as error:
        session.invalid(request_id, str(error))
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
    now, securities = gateway.clock.now(), [leg.security for leg in legs]
    data_type = gateway.quality.granted(securities, session.data_type, now)
    if data_type is None:
        offer = (
            "Delayed market data is available."
            if (gateway.quality.delayed_available(securities, now))
            else "Delayed market data is not available."
        )
        session.error(request_id, 354, f"Requested market data is not subscribed. {offer}")
        return
    if data_type in {DELAYED, DELAYED_FROZEN}:
        text = "Requested market data is not subscribed. Displaying delayed market data."
        session.error(request_id, 10167, text)
    line = MarketDataLine(request_id, legs, ticks, data_type, session.data_type)
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


def subscribe_bars(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, spec = fields.int(), fields.contract()
    fields.skip()  # bar size: five seconds whatever is asked for, as at IBKR
    what = fields.str().upper()
    security = find_one(session, request_id, spec)
    if security is None:
        return
    if what not in _BAR_KINDS:
        session.invalid(request_id, f"Invalid what-to-show '{what}'")
    elif not _shows(security, what):
        session.error(request_id, 420, "Invalid Real-time Query:No market data permissions")
    elif ("bars", request_id) in session.streams:
        session.error(request_id, 102, "Duplicate ticker ID.")
    else:
        now = session.gateway.clock.now()
        stream = real_time_bars(request_id, security, what, now)
        session.streams["bars", request_id] = stream


def cancel_bars(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    _end_stream(session, "bars", fields.int())


def tick_by_tick(session: ClientSession, fields: Fields) -> None:
    request_id, spec, kind = fields.int(), fields.contract(), fields.str()
    past, ignore_size = fields.int(), fields.bool()
    security = find_one(session, request_id, spec)
    if security is None:
        return
    if kind not in _TICK_KINDS or not 0 <= past <= past_ticks.MAX_TICKS:
        session.invalid(request_id, f"Invalid tick-by-tick request '{kind}'")
        return
    if security.is_option or not _shows(security, _TICK_KINDS[kind]):
        text = "Failed to request tick-by-tick data.No tick-by-tick data for this contract"
        session.error(request_id, 10189, text)
        return
    if sum(key[0] == "ticks" for key in session.streams) >= MAX_TICK_BY_TICK:
        session.error(request_id, 10190, "Max number of tick-by-tick requests has been reached.")
        return
    market, now = session.gateway.market, session.gateway.clock.now()
    if past:
        what = _TICK_KINDS[kind]
        times = past_ticks.tick_times(market, now, now, past, forward=False)
        rows = list(past_ticks.ticks(market, security, what, times))
        session.send([past_ticks.message(request_id, what, rows)])
    stream = TickByTick(request_id, security, kind, ignore_size)
    session.streams["ticks", request_id] = stream
    session.send(stream.rows(market, now))


def cancel_tick_by_tick(session: ClientSession, fields: Fields) -> None:
    _end_stream(session, "ticks", fields.int())


def _shows(security: Security, what: str) -> bool:
    """Indexes have trades alone."""
    return what == "TRADES" or security.tradable


def _end_stream(session: ClientSession, kind: str, request_id: int) -> None:
    if session.streams.pop((kind, request_id), None) is None:
        session.error(request_id, 300, f"Can't find EId with tickerId:{request_id}")


HANDLERS = {
    1: market_data,
    2: cancel_market_data,
    49: current_time,
    50: subscribe_bars,
    51: cancel_bars,
    97: tick_by_tick,
    98: cancel_tick_by_tick,
    59: market_data_type,
}
