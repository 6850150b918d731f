"""How much one order of the account may open, whatever a strategy has room for."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from domain.risk.limits import Limits


class OpenedUnit(NamedTuple):
    """What one unit of an order opens: a put, a covered call, or a spread with both its legs.

    Amounts are in the contract's currency. ``notional`` is strike × multiplier of what is sold,
    ``loss`` the most it can lose at expiry, zero of what shares cover.
    """

    name: str
    legs: int
    notional: Decimal
    loss: Decimal


def within_order_limits(wanted: int, unit: OpenedUnit, limits: Limits | None) -> tuple[int, str]:
    """``wanted`` units or as many of them as one order may open; else none, and why.

    An order above these limits would be refused after its approval. ``limits`` are None where
    the caller knows of none.
    """
    if limits is None:
        return wanted, ""
    bounds = (
        (limits.max_contracts, Decimal(unit.legs), "contracts are {}", "max_contracts"),
        (limits.max_notional, unit.notional, "notional is {}", "max_notional"),
        (limits.max_loss, unit.loss, "largest loss is {}", "max_loss"),
    )
    for limit, each, said, name in bounds:
        if each > limit:
            told = said.format(f"{each:,.0f}")
            return 0, f"One {unit.name}'s {told}; an order may have {limit:,.0f} ({name})."
    rooms = [Decimal(limit) / each for limit, each, _, _ in bounds if each > 0]
    return min([wanted, *(int(room.to_integral_value(ROUND_FLOOR)) for room in rooms)]), ""
