"""Reads a placeOrder message (3), whose length depends on what the order contains."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain.instruments import Side
from infra.simulator.records import ComboLeg, OrderTerms
from infra.simulator.validation import OrderRejectedError, invalid
from infra.simulator.wire import Fields, WireError

_CONDITION_FIELDS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}
"""Fields of each order condition after its type: price, time, margin, execution, volume, change."""


def read_order(fields: Fields, version: int, default_account: str) -> OrderTerms:
    """The terms of an order, read from behind its order id.

    Raises WireError when the fields do not follow the layout, OrderRejectedError when they are
    in place and make no order. Whatever this exchange does not simulate is named in
    ``unsupported``.
    """
    unsupported: list[str] = []
    contract = fields.contract()
    fields.skip(2)  # security id type and id
    action, quantity, order_type = fields.str(), fields.decimal(), fields.str()
    limit_price, _stop_price = fields.decimal(), fields.decimal()
    tif, oca_group, account, open_close = fields.str(), fields.str(), fields.str(), fields.str()
    origin, order_ref, transmit = fields.int(), fields.str(), fields.bool()
    parent_id = fields.int()
    fields.skip(2)  # block order, sweep to fill
    display_size = fields.int()
    fields.skip()  # trigger method
    outside_rth, hidden = fields.bool(), fields.bool()
    legs, routing = _combo(fields) if contract.sec_type == "BAG" else ((), ())
    unsupported += _middle(fields, version)
    algo_strategy = fields.str()
    algo_params = tuple(fields.pairs(fields.count())) if algo_strategy else ()
    fields.skip()  # algo id
    what_if = fields.bool()
    fields.skip()  # miscellaneous options
    solicited = fields.bool()
    unsupported += _tail(fields, order_type, version)
    if parent_id:
        unsupported.append("Attached orders.")
    if oca_group:
        unsupported.append("One-cancels-all groups.")
    if action not in {"BUY", "SELL"}:
        raise invalid(f"Invalid action '{action}'")
    if quantity is None or quantity <= 0:
        raise OrderRejectedError(434, "The order size cannot be zero or negative.")
    if contract.sec_type == "BAG":
        contract = replace(contract, con_id=0)
    return OrderTerms(
        account=account or default_account,
        contract=contract,
        legs=legs,
        side=Side(action),
        quantity=_plain(quantity),
        order_type=order_type,
        limit_price=None if limit_price is None or order_type == "MKT" else limit_price,
        tif=tif or "DAY",
        order_ref=order_ref,
        open_close=open_close,
        origin=origin,
        outside_rth=outside_rth,
        hidden=hidden,
        display_size=display_size,
        oca_group=oca_group,
        routing_params=routing,
        algo_strategy=algo_strategy,
        algo_params=algo_params,
        solicited=solicited,
        what_if=what_if,
        transmit=transmit,
        unsupported=" ".join(unsupported),
    )


def _plain(quantity: Decimal) -> Decimal:
    """10.0 as 10: TWS echoes whole quantities as integers."""
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity


def _combo(fields: Fields) -> tuple[tuple[ComboLeg, ...], tuple[tuple[str, str], ...]]:
    legs = []
    for _ in range(fields.count()):
        con_id, ratio, action, exchange = fields.int(), fields.int(), fields.str(), fields.str()
        fields.skip(4)  # open/close, short sale slot, location, exempt code
        if action not in {"BUY", "SELL"} or ratio < 1:
            raise WireError(f"combo leg {con_id}: action {action!r}, ratio {ratio}")
        legs.append(ComboLeg(con_id=con_id, ratio=ratio, side=Side(action), exchange=exchange))
    fields.skip(fields.count())  # prices per leg: the exchange sets them
    return tuple(legs), tuple(fields.pairs(fields.count()))


def _middle(fields: Fields, version: int) -> list[str]:
    """From the deprecated shares allocation up to the algo; returns what is unsupported."""
    unsupported: list[str] = []
    fields.skip()
    discretionary_amount = fields.decimal()
    good_after_time, _good_till_date = fields.str(), fields.str()
    fields.skip(3 if version >= 177 else 4)  # adviser group, method, percentage(, profile)
    fields.skip(4)  # model code, short sale slot, location, exempt code
    fields.skip(3)  # OCA type, rule 80A, settling firm
    all_or_none = fields.bool()
    fields.skip(12)  # minimum quantity ... override percentage constraints
    fields.skip(2)  # volatility and its type
    if fields.str():  # delta-neutral order type
        unsupported.append("Delta-neutral orders.")
        fields.skip(9)
    else:
        fields.skip()
    fields.skip(6)  # continuous update ... scale subsequent size
    increment = fields.decimal()
    if increment is not None and increment > 0:
        unsupported.append("Scale orders.")
        fields.skip(7)
    fields.skip(3)  # scale table, active start and stop
    if fields.str():
        unsupported.append("Hedge orders.")
        fields.skip()
    fields.skip(4)  # opt out of smart routing, clearing account and intent, not held
    if fields.bool():
        unsupported.append("Delta-neutral contracts.")
        fields.skip(3)
    if discretionary_amount:
        unsupported.append("Discretionary amounts.")
    if good_after_time:
        unsupported.append("Good-after times.")
    if all_or_none:
        unsupported.append("All-or-none.")
    return unsupported


def _tail(fields: Fields, order_type: str, version: int) -> list[str]:
    """What follows the algo and its flags; returns what is unsupported."""
    fields.skip(2)  # randomise size and price
    if order_type in {"PEG BENCH", "PEGBENCH"}:
        fields.skip(5)
    unsupported = []
    conditions = fields.count()
    if conditions:
        unsupported.append("Conditions.")
        for _ in range(conditions):
            kind = fields.int()
            if kind not in _CONDITION_FIELDS:
                raise WireError(f"condition type {kind}")
            fields.skip(_CONDITION_FIELDS[kind])
        fields.skip(2)
    fields.skip(7)  # adjusted order
    fields.skip()  # external operator
    fields.skip(2)  # soft dollar tier
    fields.skip()  # cash quantity
    fields.skip(4)  # MiFID decision makers and algos
    fields.skip(4)  # auto price for hedge, OMS container, discretionary limit, price management
    fields.skip(4)  # duration, post to ATS, auto-cancel parent, advanced error override
    if version >= 169:
        fields.skip()  # manual order time
    return unsupported
