"""Controls on how much is done, how often, and against which orders of our own."""

from __future__ import annotations

from decimal import Decimal

from domain.errors import ErrorCode
from domain.instruments import Side, plain
from domain.risk.answers import Answer, at_most, exempt, judged, unlimited
from domain.risk.pretrade_inputs import PretradeInputs, RestingOrder
from domain.risk.ratios import ratio


def crosses_no_own_order(inputs: PretradeInputs) -> Answer:
    """An order that could trade with one of ours is a wash trade, and exchanges punish it.

    Prices are compared only between single contracts; within a package no leg has a price.
    """
    if inputs.record is None:
        return judged("own_order_crossing", None, "none", False, ErrorCode.OWN_ORDER_CROSSED)
    crossed = [each.key for each in inputs.record.opposite_orders if _would_trade(inputs, each)]
    value = ", ".join(crossed) or "none"
    return judged("own_order_crossing", value, "none", not crossed, ErrorCode.OWN_ORDER_CROSSED)


def _would_trade(inputs: PretradeInputs, other: RestingOrder) -> bool:
    if other.limit_price is None or inputs.trade.terms.is_package:
        return True
    if inputs.side is Side.SELL:
        return other.limit_price >= inputs.limit_price
    return other.limit_price <= inputs.limit_price


def no_other_order(inputs: PretradeInputs) -> Answer:
    keys = inputs.open_order_keys
    value = ", ".join(keys) or "none"
    return judged("no_other_order", value, "none", not keys, ErrorCode.DUPLICATE_ORDER)


def not_made_before(inputs: PretradeInputs) -> Answer:
    """The same contracts on the same sides, traded for another approval moments ago."""
    if inputs.reduces_risk:
        return exempt("duplicate_trade", "closing trade")

    def threshold() -> str:
        return f"none within {inputs.limits.duplicate_window_seconds} s"

    if inputs.record is None:
        return judged("duplicate_trade", None, threshold, False, ErrorCode.DUPLICATE_TRADE)
    same = inputs.record.same_trades
    value = ", ".join(same) or "none"
    return judged("duplicate_trade", value, threshold, not same, ErrorCode.DUPLICATE_TRADE)


def within_order_rate(inputs: PretradeInputs) -> Answer:
    """A desk that runs wild is stopped by its own count, this order included."""
    record, limit = inputs.record, inputs.limits.max_orders_per_minute
    count = None if record is None else record.orders_last_minute + 1
    return _counted(inputs, "orders_per_minute", count, limit, ErrorCode.ORDER_RATE)


def within_daily_orders(inputs: PretradeInputs) -> Answer:
    record, limit = inputs.record, inputs.limits.max_orders_per_day
    count = None if record is None else record.orders_today + 1
    return _counted(inputs, "orders_today", count, limit, ErrorCode.DAILY_ORDERS)


def within_daily_notional(inputs: PretradeInputs) -> Answer:
    record, limit = inputs.record, inputs.limits.max_daily_notional
    amount = None if record is None else record.notional_today + inputs.notional
    return _counted(inputs, "notional_today", amount, limit, ErrorCode.DAILY_NOTIONAL)


def _counted(
    inputs: PretradeInputs,
    rule: str,
    value: Decimal | int | None,
    limit: Decimal | int | None,
    code: ErrorCode,
) -> Answer:
    if inputs.reduces_risk:
        return exempt(rule, value)
    if limit is None:
        return unlimited(rule, value)
    return judged(rule, value, at_most(limit), value is not None and value <= limit, code)


def daily_loss(inputs: PretradeInputs) -> Answer:
    """Once a day has cost too much, nothing more is opened on it.

    Money paid in or out during the day counts as a gain or a loss: the broker tells only totals.
    """
    limit = inputs.limits.max_daily_loss
    lost = _lost_today(inputs)
    if inputs.reduces_risk:
        return exempt("daily_loss", lost)
    if limit is None:
        return unlimited("daily_loss", lost)
    code = ErrorCode.ACCOUNT_STALE if lost is None else ErrorCode.DAILY_LOSS
    passed = lost is not None and lost <= limit
    return judged(
        "daily_loss", lost, lambda: f"≤ {plain(limit)} of the day's first value", passed, code
    )


def _lost_today(inputs: PretradeInputs) -> Decimal | None:
    """The fall since the day began as a fraction, negative for a gain."""
    if inputs.account is None or inputs.record is None or inputs.record.equity_at_open is None:
        return None
    opened = inputs.record.equity_at_open
    return ratio(opened - inputs.account.values.net_liquidation, opened)
