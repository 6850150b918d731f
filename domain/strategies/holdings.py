"""Short options that are held, alone or with a wing, found again in the market they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from domain.instruments import OptionContract, Right, Side
from domain.market import OptionChain, decimal_of
from domain.portfolio import ZERO, PositionState
from domain.strategies.filters import EPOCH
from domain.strategies.screening import Screen, screen_chain_data
from domain.strategies.wings import HeldUnit


@dataclass(frozen=True, slots=True)
class HeldWing:
    """The long put of a spread that is held. ``bid`` is None where nobody pays anything for it."""

    position: PositionState
    row: int
    bid: Decimal | None
    ask: Decimal


@dataclass(frozen=True, slots=True)
class HeldShort:
    """A short option held and its place in the chain. ``credit`` is per share, as it was sold.

    With a wing, ``credit``, ``bid`` and ``ask`` are net: those of the spread.
    """

    position: PositionState
    option: OptionContract
    row: int
    credit: Decimal
    bid: Decimal
    ask: Decimal
    dte: int
    is_tested: bool
    """The underlying has reached the strike."""
    wing: HeldWing | None = None

    @property
    def closing_rows(self) -> tuple[tuple[int, Side], ...]:
        """What is traded to close it. A wing that nobody bids for is left to expire."""
        if self.wing is None or self.wing.bid is None:
            return ((self.row, Side.BUY),)
        return (self.row, Side.BUY), (self.wing.row, Side.SELL)

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def contracts(self) -> int:
        return int(abs(self.position.quantity))

    @property
    def captured(self) -> Decimal:
        """The part of the credit earned so far; negative for a loss."""
        return 1 - self.mid / self.credit


def find_held(
    chain: OptionChain, units: Sequence[HeldUnit], today: date, *, fresh: bool
) -> list[HeldShort | str]:
    """Each short option, with its wing if it has one, and its market; or in words why it cannot be
    judged.

    Data faults are those of anything that is traded; a fault never moves a position. Only the rows
    that are held are looked at.
    """
    rows = [_row_of(chain, unit.short) for unit in units]
    # Of two units with wings apart, one row.
    part = chain.part(np.array(sorted({row for row in rows if row is not None}), dtype=np.int64))
    screen = Screen.of(part)
    screen.require("quote_fresh", fresh)
    if len(part):
        screen_chain_data(screen, part, part.dte(today))
    return [
        _held_in(chain, unit, row, screen, today) for unit, row in zip(units, rows, strict=True)
    ]


def _row_of(chain: OptionChain, position: PositionState) -> int | None:
    if position.option is None or not position.is_short:
        return None
    found = (chain.con_id == position.option.con_id).nonzero()[0]
    return int(found[0]) if found.size == 1 else None


def _held_in(
    chain: OptionChain, unit: HeldUnit, row: int | None, screen: Screen, today: date
) -> HeldShort | str:
    position, option = unit.short, unit.short.option
    if option is None or not position.is_short:
        return f"{position.description or position.key} is no short option."
    if row is None:
        return f"{option.describe()} cannot be judged: the chain does not have it."
    for rule, con_ids in screen.removed.items():
        if option.con_id in con_ids:
            return f"{option.describe()} cannot be judged: its market fails {rule}."
    credit = position.average_cost / position.multiplier
    bid, ask = decimal_of(float(chain.bid[row])), decimal_of(float(chain.ask[row]))
    wing = None if unit.wing is None else _find_wing(chain, unit.wing)
    if isinstance(wing, str):
        return f"{option.describe()} cannot be judged: {wing}"
    if wing is not None:
        credit -= wing.position.average_cost / wing.position.multiplier
        if wing.bid is not None:
            bid, ask = bid - wing.ask, ask - wing.bid
    if credit <= 0:
        return f"{option.describe()} cannot be judged: what it was sold for is not known."
    spot, strike = chain.underlying_price, float(option.strike)
    return HeldShort(
        position=position,
        option=option,
        row=row,
        credit=credit,
        bid=bid,
        ask=ask,
        dte=int(chain.expiry[row]) - (today - EPOCH).days,
        is_tested=spot <= strike if option.right is Right.PUT else spot >= strike,
        wing=wing,
    )


def _find_wing(chain: OptionChain, position: PositionState) -> HeldWing | str:
    """The long put of a spread in the chain, or what is wrong with it.

    Far out of the money nobody may bid for it, which is no fault: it is worth nothing then.
    """
    assert position.option is not None
    found = np.flatnonzero(chain.con_id == position.option.con_id)
    if found.size != 1:
        return f"the chain does not have its wing, the {position.option.describe()}."
    row = int(found[0])
    bid, ask = float(chain.bid[row]), float(chain.ask[row])
    if not bid > 0:
        return HeldWing(position, row, None, ZERO)
    if not bid <= ask < chain.strike[row]:
        return f"the market of its wing, the {position.option.describe()}, is faulty."
    return HeldWing(position, row, decimal_of(bid), decimal_of(ask))
