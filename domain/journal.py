"""What each contract of an account has earned, and what it would have earned: folded from records.

Realised is what ended brought against what it had cost on average, commissions included; it is
counted at the moment of the ending. An option that was assigned realises its premium, and the
shares it delivers cost its strike: the wheel's own basis, which lets premiums lower the cost of
shares, is told by `domain.strategies.wheel_cycle`.

All amounts are in the contract's currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pydantic import AwareDatetime

from domain.instruments import Frozen, Leg, OptionContract, Right
from domain.strategies.wheel_cycle import CycleEntry, CycleEntryKind

ZERO = Decimal(0)


class Realised(NamedTuple):
    at: datetime
    amount: Decimal


@dataclass(slots=True)
class ContractResult:
    """One contract of one account from the first entry on record.

    ``opened_at`` is None where it was held before the record began.
    ``cost`` is what was paid for the ``quantity`` still held, negative for what was received.
    ``complete`` is false where a change of unknown cash is among the entries, or what was held
    before the record began.
    """

    con_id: int
    opened_at: datetime | None
    ended_at: datetime | None = None
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: list[Realised] = field(default_factory=list[Realised])
    complete: bool = True

    def step(self, entry: CycleEntry) -> None:
        match entry.kind:
            case CycleEntryKind.DIVIDEND:
                self.realised.append(Realised(entry.at, entry.cash))
            case CycleEntryKind.SPLIT:
                self.quantity += entry.quantity
            case CycleEntryKind.CORRECTION:
                self._correct(entry)
            case _:
                self._trade(entry)
        self.ended_at = None if self.quantity else entry.at

    def _trade(self, entry: CycleEntry) -> None:
        if self.quantity * entry.quantity >= 0:
            self.quantity += entry.quantity
            self.cost -= entry.cash
            return
        ended = min(abs(entry.quantity), abs(self.quantity))
        cash = entry.cash * ended / abs(entry.quantity)
        basis = self.cost * ended / abs(self.quantity)
        self.realised.append(Realised(entry.at, cash - basis))
        self.quantity += entry.quantity
        # What goes through zero opens the other side with the rest of the cash.
        is_through = abs(entry.quantity) > ended
        self.cost = cash - entry.cash if is_through else self.cost - basis

    def _correct(self, entry: CycleEntry) -> None:
        self.complete = False
        before = self.quantity
        self.quantity += entry.quantity
        if before and self.quantity * before >= 0:
            self.cost *= min(self.quantity / before, Decimal(1))
        else:
            self.cost = ZERO

    def realised_since(self, since: datetime | None) -> Decimal:
        """Of what ended at ``since`` or later; all of it without."""
        return sum(
            (each.amount for each in self.realised if since is None or each.at >= since), ZERO
        )

    def unrealised(self, market_value: Decimal | None) -> Decimal | None:
        """Against what it has cost; None where it is held and its value is not known."""
        if not self.quantity:
            return ZERO
        return None if market_value is None else market_value - self.cost


def contract_results(
    entries: Iterable[CycleEntry], opening: Iterable[CycleEntry] = ()
) -> list[ContractResult]:
    """Each contract's result, in order of their first entries; ``opening`` is what was held when
    the record begins, at what it is known to have cost."""
    found: dict[int, ContractResult] = {}
    for entry in opening:
        result = found.setdefault(entry.con_id, ContractResult(entry.con_id, None))
        result.step(entry)
        result.complete = False
    for entry in sorted(entries, key=lambda each: each.at):
        result = found.setdefault(entry.con_id, ContractResult(entry.con_id, entry.at))
        result.step(entry)
    return list(found.values())


class Mark(Frozen):
    """What one contract was worth per share, when, and by what: a quote's middle, or what was
    left of it by the price that settled it."""

    price: Decimal
    at: AwareDatetime
    is_final: bool


def value_at_expiry(option: OptionContract, settlement: Decimal) -> Decimal:
    """Per share, at the underlying's price that settles it."""
    over = settlement - option.strike
    return max(over if option.right is Right.CALL else -over, ZERO)


def worth_of(legs: Iterable[Leg], quantity: Decimal, marks: dict[int, Mark]) -> Decimal | None:
    """What holding ``quantity`` of the traded legs is worth by these marks, signed; None where a
    leg has no mark."""
    total = ZERO
    for leg in legs:
        mark = marks.get(leg.contract.con_id)
        if mark is None:
            return None
        total += leg.side.sign * leg.ratio * quantity * mark.price * leg.contract.multiplier
    return total
