"""Requests about orders and executions."""

from __future__ import annotations

from datetime import UTC, datetime

from infra.simulator import messages, order_messages
from infra.simulator.contracts import BAG_CON_ID
from infra.simulator.order_wire import read_order
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus, OrderTerms
from infra.simulator.reference import NEW_YORK
from infra.simulator.session import ClientSession
from infra.simulator.tws import TWS_CLIENT
from infra.simulator.validation import OrderRejectedError
from infra.simulator.wire import Fields, WireError


def place_order(session: ClientSession, fields: Fields) -> None:
    order_id = fields.int()
    exchange = session.gateway.exchange
    only_account = next(iter(exchange.accounts)) if len(exchange.accounts) == 1 else ""
    try:
        terms = read_order(fields, session.version, only_account)
        if terms.what_if:
            _preview(session, order_id, terms)
        else:
            session.gateway.faults.refusals.check_order(terms)
            exchange.place(session.client_id or 0, order_id, terms)
    except OrderRejectedError as refusal:
        session.error(order_id, refusal.code, refusal.message)


def _preview(session: ClientSession, order_id: int, terms: OrderTerms) -> None:
    gateway = session.gateway
    preview = gateway.exchange.preview(terms)
    order = OrderRecord(
        perm_id=next(gateway.preview_perm_ids),
        client_id=session.client_id or 0,
        order_id=order_id,
        terms=terms,
        status=OrderStatus.PRE_SUBMITTED,
        created_at=gateway.clock.now(),
    )
    spec = gateway.spec_of(order)
    session.send([order_messages.open_order(order, spec, session.version, preview)])


def cancel_order(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    order_id, client_id = fields.int(), session.client_id or 0
    gateway = session.gateway
    try:
        order = gateway.exchange.ledger.order_of(client_id, order_id)
        if order is not None:
            gateway.faults.refusals.check_cancel(order.order_ref)
        gateway.exchange.cancel(client_id, order_id)
    except OrderRejectedError as refusal:
        session.error(order_id, refusal.code, refusal.message)


def global_cancel(session: ClientSession, fields: Fields) -> None:
    session.gateway.exchange.cancel_all()


def own_open_orders(session: ClientSession, fields: Fields) -> None:
    """The client's own; client 0 thereby also binds the orders entered by hand so far."""
    exchange = session.gateway.exchange
    if session.client_id == TWS_CLIENT:
        exchange.bind_manual_orders()
    orders = exchange.working_orders()
    _open_orders(session, [o for o in orders if o.client_id == session.client_id])


def all_open_orders(session: ClientSession, fields: Fields) -> None:
    _open_orders(session, session.gateway.exchange.working_orders())


def _open_orders(session: ClientSession, orders: list[OrderRecord]) -> None:
    for order in orders:
        row = session.gateway.open_order(session, order)
        session.send([row, order_messages.order_status(order)])
    session.reply(53, 1)


def auto_open_orders(session: ClientSession, fields: Fields) -> None:
    """Client 0 asks that orders entered by hand from now on be bound as they appear."""
    fields.skip()
    if session.client_id != TWS_CLIENT:
        text = "Only the default client (i.e 0) can auto bind orders."
        session.error(-1, 327, text)
        return
    session.gateway.exchange.binds_manual_orders = fields.bool()


def completed_orders(session: ClientSession, fields: Fields) -> None:
    """Orders that ended today, by the exchange's date; on request those of the API alone."""
    api_only = fields.bool()
    gateway = session.gateway
    for order in gateway.exchange.ledger.completed_orders(gateway.exchange.today):
        if api_only and order.is_manual:
            continue
        spec = gateway.spec_of(order)
        session.send([order_messages.completed_order(order, spec, session.version)])
    session.reply(102)


def executions(session: ClientSession, fields: Fields) -> None:
    """Today's executions that pass the filter, commissions before the end marker."""
    fields.skip()
    request_id, client_id = fields.int(), fields.int()
    account, since = fields.str(), _filter_time(fields.str())
    symbol, sec_type, exchange, side = (fields.str() for _ in range(4))
    gateway = session.gateway
    records = [
        record
        for record in gateway.exchange.ledger.visible_executions(gateway.exchange.today)
        if client_id in {0, record.client_id}
        and account in {"", record.account}
        and (since is None or record.at >= since)
        and symbol in {"", record.symbol}
        and sec_type in {"", record.sec_type}
        and exchange in {"", "SMART", record.exchange}
        and side.upper() in {"", *_side_names(record)}
    ]
    session.send(gateway.execution(session, request_id, record) for record in records)
    session.send(messages.commission(r) for r in records if r.con_id != BAG_CON_ID)
    session.reply(55, 1, request_id)


def _side_names(record: ExecutionRecord) -> tuple[str, ...]:
    return ("BUY", "BOT") if record.side.sign > 0 else ("SELL", "SLD", "SSHORT")


def _filter_time(text: str) -> datetime | None:
    """``yyyymmdd-hh:mm:ss`` is UTC; ``yyyymmdd hh:mm:ss`` is the exchange's time."""
    if not text:
        return None
    stamp = " ".join(text.split(" ")[:2])
    for form, zone in (("%Y%m%d-%H:%M:%S", UTC), ("%Y%m%d %H:%M:%S", NEW_YORK)):
        try:
            return datetime.strptime(stamp, form).replace(tzinfo=zone)
        except ValueError:
            continue
    raise WireError(f"execution filter time {text!r}")


def next_id(session: ClientSession, fields: Fields) -> None:
    session.send([messages.next_valid_id(session.gateway.exchange.ledger.next_order_id())])


HANDLERS = {
    3: place_order,
    4: cancel_order,
    5: own_open_orders,
    7: executions,
    8: next_id,
    15: auto_open_orders,
    16: all_open_orders,
    58: global_cancel,
    99: completed_orders,
}
