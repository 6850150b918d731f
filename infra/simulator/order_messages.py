"""openOrder, orderStatus and completedOrder: long rows of fields, most of them always empty."""

from __future__ import annotations

from decimal import Decimal

from infra.simulator.contracts import ContractSpec
from infra.simulator.messages import TIME_ZONE, Message, contract_fields
from infra.simulator.preview import MarginPreview
from infra.simulator.records import OrderRecord, OrderStatus, OrderTerms
from infra.simulator.reference import NEW_YORK
from infra.simulator.wire import UNSET_DOUBLE


def open_order(
    order: OrderRecord, spec: ContractSpec, version: int, preview: MarginPreview | None = None
) -> Message:
    """Message 5, in the order a client of this server version reads it."""
    terms = order.terms
    return [
        5,
        order.api_order_id,
        *contract_fields(spec),
        *_head(terms),
        order.client_id,
        order.perm_id,
        *_routing(terms),
        "",  # shares allocation, long unused
        *_adviser(version),
        "",  # model code
        "",  # good till date
        "",  # rule 80A
        "",  # percent offset
        *["", 0, "", -1, 0],  # settling firm, short sale slot, location, exempt code, auction
        *["", "", "", "", ""],  # starting price, reference price, delta, stock range
        terms.display_size or 0,
        *[False, False, False],  # block order, sweep to fill, all or none
        "",  # minimum quantity
        3,  # OCA type: reduce without block, TWS's default
        *[False, False, ""],  # electronic trade only, firm quote only, NBBO cap
        0,  # parent id
        0,  # trigger method
        *["", 0, "", ""],  # volatility and its delta-neutral order
        *[False, 0],  # continuous update, reference price type
        *["", "", "", ""],  # trailing stop and percentage, basis points and type
        *_legs(terms),
        *["", "", ""],  # scale order
        "",  # hedge type
        *[False, "", "IB", False],  # opt out of smart routing, clearing, not held
        0,  # delta-neutral contract
        *_algo(terms),
        terms.solicited,
        preview is not None,
        *_state(order.status, preview),
        *[False, False],  # randomise size and price
        0,  # conditions
        *["None", "", "", "", "", "", "", 0],  # adjusted order
        *["", "", ""],  # soft dollar tier
        *["", False, False, "", False],  # cash quantity ... price management
        *["", "", False],  # duration, post to ATS, auto-cancel parent
        *["", "", "", "", ""],  # minimum trade quantity, compete sizes and offsets
    ]


def order_status(order: OrderRecord) -> Message:
    return [
        3,
        order.api_order_id,
        order.status,
        order.filled,
        order.remaining,
        round(float(order.average_price), 8),
        order.perm_id,
        0,
        float(order.last_fill_price),
        order.client_id,
        "",
        0,
    ]


def completed_order(order: OrderRecord, spec: ContractSpec, version: int) -> Message:
    """Message 101; TWS names neither the order id nor the client of a completed order."""
    terms = order.terms
    completed_at = (order.completed_at or order.created_at).astimezone(NEW_YORK)
    return [
        101,
        *contract_fields(spec),
        *_head(terms),
        order.perm_id,
        *_routing(terms),
        *_adviser(version),
        *["", "", "", ""],  # model code, good till date, rule 80A, percent offset
        *["", 0, "", -1],  # settling firm, short sale slot, location, exempt code
        *["", "", "", "", ""],  # starting price, reference price, delta, stock range
        terms.display_size or 0,
        *[False, False, ""],  # sweep to fill, all or none, minimum quantity
        3,  # OCA type
        0,  # trigger method
        *["", 0, "", ""],  # volatility and its delta-neutral order
        *[False, 0],  # continuous update, reference price type
        *["", ""],  # trailing stop and percentage
        *_legs(terms),
        *["", "", ""],  # scale order
        "",  # hedge type
        *["", "IB", False],  # clearing, not held
        0,  # delta-neutral contract
        *_algo(terms),
        terms.solicited,
        order.status,
        *[False, False],  # randomise size and price
        0,  # conditions
        *["", "", "", False, False],  # trailing stop, offset, cash quantity, hedge, OMS
        "",  # auto-cancel date
        order.filled,
        *["", False, "", False, False],  # futures id, cancel parent, shareholder, imbalance, BBO
        0,  # parent permId
        f"{completed_at:%Y%m%d %H:%M:%S} {TIME_ZONE}",
        order.completed_reason,
        *["", "", "", "", ""],  # minimum trade quantity, compete sizes and offsets
    ]


def _head(terms: OrderTerms) -> Message:
    return [
        terms.side,
        terms.quantity,
        terms.order_type,
        terms.limit_price if terms.limit_price is not None else Decimal("0.0"),
        Decimal("0.0"),
        terms.tif,
        terms.oca_group,
        terms.account,
        terms.open_close,
        terms.origin,
        terms.order_ref,
    ]


def _routing(terms: OrderTerms) -> Message:
    discretionary_amount, good_after = 0, ""
    return [terms.outside_rth, terms.hidden, discretionary_amount, good_after]


def _adviser(version: int) -> Message:
    group_method_percentage: Message = ["", "", ""]
    return group_method_percentage if version >= 177 else [*group_method_percentage, ""]


def _legs(terms: OrderTerms) -> Message:
    """The combo's description, its legs, their prices (none) and its routing parameters."""
    described = ",".join(f"{leg.con_id}|{leg.side.sign * leg.ratio}" for leg in terms.legs)
    fields: Message = [described, len(terms.legs)]
    for leg in terms.legs:
        fields += [leg.con_id, leg.ratio, leg.side, leg.exchange, 0, 0, "", -1]
    fields += [0, len(terms.routing_params)]
    for tag, value in terms.routing_params:
        fields += [tag, value]
    return fields


def _algo(terms: OrderTerms) -> Message:
    if not terms.algo_strategy:
        return [""]
    fields: Message = [terms.algo_strategy, len(terms.algo_params)]
    for tag, value in terms.algo_params:
        fields += [tag, value]
    return fields


def _state(status: OrderStatus, preview: MarginPreview | None) -> Message:
    """Status, nine margin figures (before, change, after), commissions and a warning."""
    if preview is None:
        return [status, *[UNSET_DOUBLE] * 9, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, "", ""]
    before, after = preview.before, preview.after
    pairs = [
        (before.margin.initial, after.margin.initial),
        (before.margin.maintenance, after.margin.maintenance),
        (before.equity_with_loan, after.equity_with_loan),
    ]
    warning = "Insufficient funds for this order" if preview.is_short_of_funds else ""
    return [
        status,
        *[round(old, 2) for old, _ in pairs],
        *[round(new - old, 2) for old, new in pairs],
        *[round(new, 2) for _, new in pairs],
        preview.commission,
        UNSET_DOUBLE,
        UNSET_DOUBLE,
        "USD",
        warning,
    ]
