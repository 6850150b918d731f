"""What an option is worth when it is settled, and whether it is exercised."""

from __future__ import annotations

from decimal import Decimal

from domain.instruments import OptionContract, Right

AUTO_EXERCISE = Decimal("0.01")
"""OCC exercises by itself what is in the money by this much per share (exercise by exception, OCC
Rule 805); IBKR passes no contrary instruction on."""


def exercise_value(option: OptionContract, price: Decimal) -> Decimal:
    """Per share at that price of the underlying; below zero out of the money."""
    inside = price - option.strike
    return inside if option.right is Right.CALL else -inside


def is_exercised(option: OptionContract, price: Decimal) -> bool:
    return exercise_value(option, price) >= AUTO_EXERCISE


def shares_delivered(option: OptionContract, contracts: Decimal) -> Decimal:
    """Shares that come (+) or go (-) when ``contracts``, signed, are exercised or assigned."""
    sign = 1 if option.right is Right.CALL else -1
    return contracts * option.multiplier * sign
