"""The account as it would be if an order filled in full."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from domain.instruments import Leg, SecType
from domain.portfolio import ZERO, AccountState, PositionState
from domain.put_cover import settlement_of


def after_trade(account: AccountState, legs: Iterable[Leg], quantity: int) -> AccountState:
    """``account`` with ``quantity`` units of ``legs`` traded; its values are left as they are.

    What a position is worth changes in proportion to its quantity; a position that is new has no
    value yet.
    """
    positions = {position.key: position for position in account.positions}
    for leg in legs:
        change = Decimal(leg.side.sign * leg.ratio * quantity)
        key = leg.contract.key
        held = positions.pop(key, None)
        changed = _opened(leg, change) if held is None else _resized(held, held.quantity + change)
        if changed.quantity:
            positions[key] = changed
    return AccountState.of_checked(
        values=account.values,
        positions=tuple(positions.values()),
        underlyings=account.underlyings,
        benchmark=account.benchmark,
        as_of=account.as_of,
    )


def _opened(leg: Leg, quantity: Decimal) -> PositionState:
    return PositionState(
        key=leg.contract.key,
        description=leg.contract.describe(),
        symbol=leg.contract.symbol,
        currency=leg.contract.currency,
        sec_type=SecType.OPTION,
        option=leg.contract,
        settlement=settlement_of(leg.contract),
        quantity=quantity,
        average_cost=ZERO,
        multiplier=leg.contract.multiplier,
    )


def _resized(held: PositionState, quantity: Decimal) -> PositionState:
    value = held.market_value
    if value is not None:
        value = value * quantity / held.quantity
    return held.model_copy(update={"quantity": quantity, "market_value": value})
