"""When a waiting order wakes: stops, conditions, good-after and good-till times.

A stop on a stock is triggered by the last trade; on an option or a combo by the touch, where a
buy stop needs the bid at or above its price and a sell stop the ask at or below it, as TWS's
default methods do. Trigger methods 1 and 4 ask for the touch, 2 and 3 for the last trade, 7 for
either, 8 for the middle of the touch. One look at the market is enough for the "double" methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from domain.instruments import Side
from infra.simulator.contracts import Security
from infra.simulator.market import Quote
from infra.simulator.order_times import parse_time
from infra.simulator.records import Condition, OrderRecord, OrderStatus, OrderTerms
from infra.simulator.touch import Touch, package_touch
from infra.simulator.validation import Leg

TOUCH_METHODS, LAST_METHODS, EITHER_METHOD, MIDDLE_METHOD = {1, 4}, {2, 3}, 7, 8

Quoter = Callable[[int], tuple[Security, Quote] | None]
"""The market's view of a contract id."""


def reaches_stop(terms: OrderTerms, legs: Sequence[Leg], quotes: Sequence[Quote]) -> bool:
    """Whether the market has reached the stop price of a stop order."""
    if terms.stop_price is None:
        return False
    rising = terms.side is Side.BUY
    prices = _trigger_prices(legs, quotes, terms.trigger_method, rising)
    return any(p >= terms.stop_price if rising else p <= terms.stop_price for p in prices)


def conditions_met(terms: OrderTerms, now: datetime, quoter: Quoter, *, is_open: bool) -> bool:
    """Evaluate the conditions from left to right, each joined to what precedes it.

    Prices count during sessions only.
    """
    if not is_open and any(not c.time for c in terms.conditions):
        return False
    met, joined_by_and = True, True
    for condition in terms.conditions:
        holds = _holds(condition, now, quoter)
        met = (met and holds) if joined_by_and else (met or holds)
        joined_by_and = condition.is_and
    return met


def expiry_of(terms: OrderTerms) -> datetime | None:
    """When a good-till-date order ends, aware UTC."""
    return parse_time(terms.good_till) if terms.tif == "GTD" and terms.good_till else None


def woken(
    order: OrderRecord,
    legs: Sequence[Leg],
    quotes: Sequence[Quote],
    now: datetime,
    quoter: Quoter,
    *,
    is_open: bool,
) -> OrderRecord:
    """The order after a look at clock and market: activated, triggered, submitted, or as it was."""
    if not (order.transmitted and order.released):
        return order
    changes: dict[str, object] = {}
    if not order.activated and _is_activated(order.terms, now, quoter, is_open=is_open):
        changes["activated"] = True
    order = order.model_copy(update=changes)
    waits_for_stop = order.terms.is_stop and order.activated and not order.triggered
    if is_open and waits_for_stop and reaches_stop(order.terms, legs, quotes):
        order = order.model_copy(update={"triggered": True})
    if is_open and order.is_live:
        order = order.model_copy(update={"status": OrderStatus.SUBMITTED})
    return order


def _is_activated(terms: OrderTerms, now: datetime, quoter: Quoter, *, is_open: bool) -> bool:
    """Whether an order's good-after time and conditions let it work at ``now``."""
    if terms.good_after and now < parse_time(terms.good_after):
        return False
    return terms.conditions_cancel or conditions_met(terms, now, quoter, is_open=is_open)


def _holds(condition: Condition, now: datetime, quoter: Quoter) -> bool:
    if condition.time:
        moment = parse_time(condition.time)
        return now >= moment if condition.is_more else now <= moment
    seen = quoter(condition.con_id)
    if seen is None or condition.price is None:
        return False
    security, quote = seen
    legs = [Leg(security, 1)]
    prices = _trigger_prices(legs, [quote], condition.trigger_method, condition.is_more)
    wanted = condition.price
    return any(p >= wanted if condition.is_more else p <= wanted for p in prices)


def _trigger_prices(
    legs: Sequence[Leg], quotes: Sequence[Quote], method: int, rising: bool
) -> list[Decimal]:
    touch = package_touch(legs, quotes)
    side = touch.bid if rising else touch.ask
    by_touch = [] if side is None or touch.ask is None else [side]
    if len(legs) > 1:
        return by_touch
    last = [Decimal(str(round(quotes[0].last, 2)))] if quotes[0].last > 0 else []
    if method == MIDDLE_METHOD:
        return _middle(touch)
    if method == EITHER_METHOD:
        return by_touch + last
    if method in TOUCH_METHODS or (method == 0 and legs[0].security.is_option):
        return by_touch
    return last


def _middle(touch: Touch) -> list[Decimal]:
    return [] if touch.bid is None or touch.ask is None else [(touch.bid + touch.ask) / 2]
