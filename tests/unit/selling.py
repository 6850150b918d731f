"""A put held, the chains it may be seen in, and an index: for tests of strategies that sell."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from domain.instruments import ExerciseStyle, OptionContract, Right, Settlement
from domain.market import OptionChain
from domain.portfolio import PositionState
from tests.unit.trade_factories import GOOD_ROW, TODAY, chain, contract, option_position, row


def days(dte: int) -> int:
    """A chain's expiry column for an option ``dte`` days ahead."""
    return (TODAY - date(1970, 1, 1)).days + dte


def expiring(dte: int, **changes: Any) -> OptionContract:
    """A SPY put ``dte`` days ahead."""
    return contract(expiry=date.fromordinal(TODAY.toordinal() + dte), **changes)


def short(option: OptionContract, credit: str = "4.00", contracts: int = 1) -> PositionState:
    """``contracts`` of ``option`` sold for ``credit`` per share."""
    return option_position(-contracts, option, average_cost=Decimal(credit) * option.multiplier)


def seen(option: OptionContract, bid: float, ask: float, **changes: Any) -> dict[str, Any]:
    """The row of ``option`` in a chain."""
    sign = 1 if option.right is Right.CALL else -1
    fields: dict[str, Any] = {
        "trading_class": option.trading_class,
        "con_id": option.con_id,
        "strike": float(option.strike),
        "expiry": (option.expiry - date(1970, 1, 1)).days,
        "is_call": option.right is Right.CALL,
        "delta": sign * 0.25,
        "bid": bid,
        "ask": ask,
    }
    return row(**fields | changes)


def index_row(**changes: Any) -> dict[str, Any]:
    """An XSP put that passes every rule of Theta's default config."""
    fields: dict[str, Any] = {
        "trading_class": "XSP",
        "con_id": 7001,
        "strike": 620.0,
        "bid": 2.4,
        "ask": 2.5,
        "delta": -0.12,
        "expiry": days(30),
    }
    return GOOD_ROW | fields | changes


def index_chain(*rows: dict[str, Any], **changes: Any) -> OptionChain:
    fields: dict[str, Any] = {
        "symbol": "XSP",
        "underlying_price": 660.0,
        "style": ExerciseStyle.EUROPEAN,
        "settlement": Settlement.CASH,
    }
    return chain(*rows, **fields | changes)
