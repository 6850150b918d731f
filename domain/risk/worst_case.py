"""The worst that options and shares of one underlying could come to, before and after a trade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from domain.instruments import Leg, OptionContract, Right, SecType
from domain.portfolio import ZERO, PositionState


class WorstCase(NamedTuple):
    """``slope``: value per unit of an endless rise, 0 or less; ``value``: the lowest anywhere."""

    slope: Decimal
    value: Decimal


class Holdings(NamedTuple):
    """Signed shares, and signed units (contracts × multiplier) of each option."""

    shares: Decimal
    options: Mapping[OptionContract, Decimal]


def never_worse_after(
    positions: Iterable[PositionState], legs: Iterable[Leg], quantity: int
) -> bool:
    """Whether trading ``quantity`` units of ``legs`` leaves the worst case no worse.

    ``positions`` are all the account holds on the underlying. Looked at from the day of every
    expiry, with only the options that live that long: a long option that expires before a short
    one is no cover for it. Values are those at expiry, which no short option can exceed.
    """
    before = _holdings(positions)
    options = dict(before.options)
    for leg in legs:
        change = leg.side.sign * leg.ratio * quantity * leg.contract.multiplier
        options[leg.contract] = options.get(leg.contract, ZERO) + change
    after = Holdings(before.shares, options)
    return all(
        worst_case(after, expiry).slope >= worst_case(before, expiry).slope
        and worst_case(after, expiry).value >= worst_case(before, expiry).value
        for expiry in {contract.expiry for contract in options}
    )


def _holdings(positions: Iterable[PositionState]) -> Holdings:
    shares, options = ZERO, dict[OptionContract, Decimal]()
    for position in positions:
        if position.option is not None:
            units = position.quantity * position.multiplier
            options[position.option] = options.get(position.option, ZERO) + units
        elif position.sec_type is SecType.STOCK:
            shares += position.quantity
    return Holdings(shares, options)


def worst_case(holdings: Holdings, from_day: date) -> WorstCase:
    """Of what is still alive on ``from_day``, at whatever price the underlying ends."""
    alive = {each: units for each, units in holdings.options.items() if each.expiry >= from_day}
    # The value is a broken line with its corners at the strikes.
    corners = {ZERO, *(contract.strike for contract in alive)}
    calls = sum((n for each, n in alive.items() if each.right is Right.CALL), ZERO)
    return WorstCase(
        slope=min(holdings.shares + calls, ZERO),
        value=min(
            holdings.shares * price
            + sum((n * _intrinsic(c, price) for c, n in alive.items()), ZERO)
            for price in corners
        ),
    )


def _intrinsic(contract: OptionContract, price: Decimal) -> Decimal:
    in_the_money = price - contract.strike
    return max(in_the_money if contract.right is Right.CALL else -in_the_money, ZERO)
