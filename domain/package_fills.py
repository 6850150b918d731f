"""How much of an order has been executed, told from single executions.

Of a package the broker reports each fill several times: once for the package at the net price,
and once for every leg. They arrive one after the other, each may be late, repeated or corrected,
and the package's own may be missing. The legs are what moves positions, profit and commissions, so
they decide; the package's own executions are held against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from domain.instruments import Leg, Side
from domain.order_evidence import Fill, effective_fills

ZERO = Decimal(0)
PRICE_PLACES = Decimal("1e-8")


class Executed(NamedTuple):
    """Whole units of an order that were executed.

    ``begun`` counts the units of which any execution speaks: so much is not left to be traded
    again. ``complete`` counts those that every leg has traded. Of a single option they are the
    same. ``package`` counts the units of the package's own executions, None where there are none.
    """

    begun: Decimal
    complete: Decimal
    average_price: Decimal | None
    package: Decimal | None = None

    @property
    def agrees(self) -> bool:
        """Whether all that the broker reported of the fills tells the same."""
        return self.begun == self.complete and self.package in (None, self.complete)

    def describe(self) -> str:
        """``3``; of a package whose executions differ, ``3, in every leg 2``."""
        if self.begun == self.complete:
            return f"{self.begun:f}"
        return f"{self.begun:f}, in every leg {self.complete:f}"


def executed_option(side: Side, fills: tuple[Fill, ...]) -> Executed:
    """Of an order in one option: the last revisions of what was executed on its side."""
    counted = [fill for fill in effective_fills(fills) if fill.side is side]
    quantity = _quantity(counted)
    return Executed(quantity, quantity, _average(_value(counted), quantity))


def executed_package(legs: Sequence[Leg], fills: tuple[Fill, ...]) -> Executed:
    """Of a package's order: the last revisions of what was executed of it and of its legs."""
    counted = effective_fills(fills)
    of_package = [fill for fill in counted if fill.is_package and fill.side is Side.BUY]
    of_legs = [[fill for fill in counted if _is_of(leg, fill)] for leg in legs]
    units = [_quantity(part) / leg.ratio for leg, part in zip(legs, of_legs, strict=True)]
    package = _quantity(of_package)
    begun = max(package, *units).to_integral_value(ROUND_CEILING)
    complete = min(units).to_integral_value(ROUND_FLOOR)
    if begun == complete:
        parts = zip(legs, of_legs, strict=True)
        net = sum((leg.side.sign * _value(part) for leg, part in parts), ZERO)
        price = _average(net, complete)
    else:
        price = _average(_value(of_package), package)
    return Executed(begun, complete, price, package if of_package else None)


def stray_fill(legs: Sequence[Leg], fill: Fill) -> bool:
    """Whether an execution is neither the package's own nor one of its legs'."""
    if fill.is_package:
        return fill.side is not Side.BUY
    return not any(_is_of(leg, fill) for leg in legs)


def _is_of(leg: Leg, fill: Fill) -> bool:
    same_contract = not fill.is_package and fill.con_id == leg.contract.con_id
    return same_contract and fill.side is leg.side


def _quantity(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity for fill in fills), ZERO)


def _value(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity * fill.price for fill in fills), ZERO)


def _average(value: Decimal, quantity: Decimal) -> Decimal | None:
    return (value / quantity).quantize(PRICE_PLACES) if quantity else None
