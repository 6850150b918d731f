"""openOrder, orderStatus and completedOrder: long rows of fields, most of them always empty."""

from __future__ import annotations

from decimal import Decimal

from infra.simulator.contracts import ContractSpec
from infra.simulator.messages import TIME_ZONE, Message, contract_fields
from infra.simulator.order_wire import PRICE, TIME
from infra.simulator.preview import MarginPreview
from infra.simulator.records import OrderRecord, OrderStatus, OrderTerms
from infra.simulator.reference import NEW_YORK
from infra.simulator.wire import UNSET_DOUBLE

DEFAULT_OCA_TYPE = 3
"""Reduce without block: what TWS takes for an order that names no type."""
NO_PRICE = Decimal("0.0")


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
        *_adviser(terms, version),
        _kept(terms, "modelCode"),
        terms.good_till,
        _kept(terms, "rule80A"),
        "",  # percent offset
        _kept(terms, "settlingFirm"),
        *_short_sale(terms),
        0,  # auction strategy
        *["", "", "", "", ""],  # starting price, reference price, delta, stock range
        terms.display_size or 0,
        _kept(terms, "blockOrder", "0"),
        _kept(terms, "sweepToFill", "0"),
        terms.all_or_none,
        "",  # minimum quantity
        terms.oca_type or DEFAULT_OCA_TYPE,
        *[False, False, ""],  # electronic trade only, firm quote only, NBBO cap
        terms.parent_id,
        terms.trigger_method,
        *["", 0, "", ""],  # volatility and its delta-neutral order
        *[False, 0],  # continuous update, reference price type
        *["", "", "", ""],  # trailing stop and percentage, basis points and type
        *_legs(terms),
        *["", "", ""],  # scale order
        "",  # hedge type
        _kept(terms, "optOutSmartRouting", "0"),
        *_clearing(terms),
        0,  # delta-neutral contract
        *_algo(terms),
        terms.solicited,
        preview is not None,
        *_state(order.status, preview),
        *_random(terms),
        *_conditions(terms),
        *["None", "", "", "", "", "", "", 0],  # adjusted order
        *["", "", ""],  # soft dollar tier
        *["", False, False, "", False],  # cash quantity ... price management
        *([""] if version >= 158 else []),  # duration
        *([""] if version >= 160 else []),  # post to ATS
        *([False] if version >= 162 else []),  # auto-cancel parent
        *_peg_offsets(version),
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
        order.terms.parent_id,
        float(order.last_fill_price),
        order.client_id,
        order.why_held,
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
        *_adviser(terms, version),
        _kept(terms, "modelCode"),
        terms.good_till,
        *[_kept(terms, "rule80A"), ""],  # and the percent offset
        _kept(terms, "settlingFirm"),
        *_short_sale(terms),
        *["", "", "", "", ""],  # starting price, reference price, delta, stock range
        terms.display_size or 0,
        _kept(terms, "sweepToFill", "0"),
        *[terms.all_or_none, ""],  # and the minimum quantity
        terms.oca_type or DEFAULT_OCA_TYPE,
        terms.trigger_method,
        *["", 0, "", ""],  # volatility and its delta-neutral order
        *[False, 0],  # continuous update, reference price type
        *["", ""],  # trailing stop and percentage
        *_legs(terms),
        *["", "", ""],  # scale order
        "",  # hedge type
        *_clearing(terms),
        0,  # delta-neutral contract
        *_algo(terms),
        terms.solicited,
        order.status,
        *_random(terms),
        *_conditions(terms),
        *["", "", "", False, False],  # trailing stop, offset, cash quantity, hedge, OMS
        "",  # auto-cancel date
        order.filled,
        *["", False, "", False, False],  # futures id, cancel parent, shareholder, imbalance, BBO
        order.parent_perm_id,
        f"{completed_at:%Y%m%d %H:%M:%S} {TIME_ZONE}",
        order.completed_reason,
        *_peg_offsets(version),
    ]


def _head(terms: OrderTerms) -> Message:
    return [
        terms.side,
        terms.quantity,
        terms.order_type,
        terms.limit_price if terms.limit_price is not None else NO_PRICE,
        terms.stop_price if terms.stop_price is not None else NO_PRICE,
        terms.tif,
        terms.oca_group,
        terms.account,
        terms.open_close,
        terms.origin,
        terms.order_ref,
    ]


def _routing(terms: OrderTerms) -> Message:
    discretionary_amount = 0
    return [terms.outside_rth, terms.hidden, discretionary_amount, terms.good_after]


def _kept(terms: OrderTerms, name: str, default: str = "") -> str:
    return terms.echo.get(name, default)


def _adviser(terms: OrderTerms, version: int) -> Message:
    names = ("faGroup", "faMethod", "faPercentage")
    group_method_percentage: Message = [_kept(terms, name) for name in names]
    return group_method_percentage if version >= 177 else [*group_method_percentage, ""]


def _short_sale(terms: OrderTerms) -> Message:
    """Slot, location, exempt code."""
    return [
        _kept(terms, "shortSaleSlot", "0"),
        _kept(terms, "designatedLocation"),
        _kept(terms, "exemptCode", "-1"),
    ]


def _clearing(terms: OrderTerms) -> Message:
    return [
        _kept(terms, "clearingAccount"),
        _kept(terms, "clearingIntent", "IB"),
        _kept(terms, "notHeld", "0"),
    ]


def _random(terms: OrderTerms) -> Message:
    """Whether size and price are randomised."""
    return [_kept(terms, "randomizeSize", "0"), _kept(terms, "randomizePrice", "0")]


def _conditions(terms: OrderTerms) -> Message:
    fields: Message = [len(terms.conditions)]
    for condition in terms.conditions:
        joint = "a" if condition.is_and else "o"
        if condition.time:
            fields += [TIME, joint, condition.is_more, condition.time]
            continue
        fields += [PRICE, joint, condition.is_more, condition.price]
        fields += [condition.con_id, condition.exchange, condition.trigger_method]
    if terms.conditions:
        fields += [terms.conditions_ignore_rth, terms.conditions_cancel]
    return fields


def _peg_offsets(version: int) -> Message:
    """Minimum trade quantity, compete size and offsets: nothing of it is simulated."""
    return ["", "", "", "", ""] if version >= 170 else []


def _legs(terms: OrderTerms) -> Message:
    """The combo's description, its legs, their prices (none) and its routing parameters."""
    described = ",".join(f"{leg.con_id}|{leg.side.sign * leg.ratio}" for leg in terms.legs)
    fields: Message = [described, len(terms.legs)]
    for leg in terms.legs:
        fields += [leg.con_id, leg.ratio, leg.side, leg.exchange, leg.open_close, 0, "", -1]
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
        preview.least_commission,
        preview.most_commission,
        "USD",
        warning,
    ]
