"""What short puts can cost when they are settled, and which long puts make up for it.

A long put is cover only where nothing can come between: of cash-settled European options, which
nobody can assign early, one of the same class and expiry settles at the very price that the short
one does. Anywhere else it may be sold, expire or be exercised apart from the short one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from domain.instruments import OptionContract, Right, Settlement
from domain.listed_options import CASH_SETTLED

ZERO = Decimal(0)
Series = tuple[str, str, date, Decimal, str]
PutUnits = tuple[OptionContract, Decimal]
"""A put, and how many contracts of it: signed, negative is short."""


def settlement_of(contract: OptionContract) -> Settlement:
    """How a listed US option settles, told by its symbol; PHYSICAL, the cautious side, for any
    that is not known to settle in cash."""
    in_cash = contract.symbol in CASH_SETTLED and contract.currency == "USD"
    return Settlement.CASH if in_cash else Settlement.PHYSICAL


def put_series(contract: OptionContract) -> Series:
    """What settles at one price in one instant."""
    kind = contract.symbol, contract.trading_class, contract.expiry
    return *kind, contract.multiplier, contract.currency


def most_at_settlement(puts: Iterable[PutUnits]) -> Decimal:
    """The most that cash-settled puts can cost, zero or more: each series at its own worst price.

    Of puts that are all short that is the index going to zero; of a spread its width.
    """
    puts = list(puts)
    if all(quantity <= 0 for _, quantity in puts):
        return -sum((put.strike * put.multiplier * quantity for put, quantity in puts), ZERO)
    series = defaultdict[Series, list[PutUnits]](list)
    for contract, quantity in puts:
        series[put_series(contract)].append((contract, quantity))
    return sum((_worst(each) for each in series.values()), ZERO)


def put_cash(puts: Iterable[PutUnits]) -> Decimal:
    """Cash that ``puts`` call for at worst: strikes where shares are delivered, whatever is held
    beside them; what can be lost at settlement where cash is."""
    in_cash, total = list[PutUnits](), ZERO
    for contract, quantity in puts:
        if contract.right is not Right.PUT:
            continue
        if settlement_of(contract) is Settlement.CASH:
            in_cash.append((contract, quantity))
        elif quantity < 0:
            total -= contract.strike * contract.multiplier * quantity
    return total + most_at_settlement(in_cash)


def _worst(puts: list[PutUnits]) -> Decimal:
    """Of one series. What it is worth is a broken line with its corners at the strikes."""
    multiplier = puts[0][0].multiplier
    corners = [ZERO, *(contract.strike for contract, _ in puts)]
    worst = min(
        sum((max(contract.strike - price, ZERO) * quantity for contract, quantity in puts), ZERO)
        for price in corners
    )
    return max(-worst, ZERO) * multiplier
