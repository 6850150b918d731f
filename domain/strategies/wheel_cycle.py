"""Turns of the wheel on one underlying, folded from what happened: what was earned, what shares
cost.

A cycle begins with the first trade on a flat underlying and ends when neither option nor share is
left. Premiums and dividends lower what assigned shares have cost: that adjusted basis is what
calls are held against.

    adjusted basis = (paid for the shares − premiums − dividends) / shares

All amounts are in the underlying's currency; commissions count against the premiums.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.instruments import Frozen, SecType

ZERO = Decimal(0)


class CycleEntryKind(StrEnum):
    """TRADE is an execution; DELIVERY shares bought or sold by assignment or exercise; GONE an
    option that expired, was assigned or settled; DIVIDEND cash on the shares; SPLIT a change of
    units at equal cost; CORRECTION a change whose effect on cash is not known."""

    TRADE = "TRADE"
    DELIVERY = "DELIVERY"
    GONE = "GONE"
    DIVIDEND = "DIVIDEND"
    SPLIT = "SPLIT"
    CORRECTION = "CORRECTION"


class CycleEntry(Frozen):
    """One change of what is held on an underlying.

    ``quantity`` is signed, in units of the instrument; ``cash`` what it did to the account's cash,
    commission included.
    """

    at: AwareDatetime
    kind: CycleEntryKind
    sec_type: SecType
    con_id: int
    quantity: Decimal = ZERO
    cash: Decimal = ZERO


class WheelCycle(Frozen):
    """One turn of the wheel, finished or under way.

    ``started_at`` is None where it began before the record did.
    ``premium_high`` is the highest the premiums have stood at after any step of the cycle, which a
    roll may give back only in part.
    """

    symbol: str
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None = None
    premium: Decimal = Field(default=ZERO, description="of options, net of what was paid back")
    premium_high: Decimal = ZERO
    dividends: Decimal = ZERO
    shares: Decimal = ZERO
    share_cost: Decimal = Field(default=ZERO, description="paid for the shares now held")
    realised: Decimal = Field(default=ZERO, description="on shares sold or called away")
    assignments: int = Field(default=0, ge=0, description="deliveries of shares, either way")
    rolls: int = Field(default=0, ge=0, description="options bought in and others sold at once")
    complete: bool = Field(
        default=True, description="false where its cost is not known to the cent"
    )

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def adjusted_basis(self) -> Decimal | None:
        """Per share held, after premiums and dividends; None without shares."""
        if self.shares <= 0:
            return None
        return (self.share_cost - self.premium - self.dividends - self.realised) / self.shares

    @property
    def result(self) -> Decimal:
        """What the cycle has brought in cash so far, shares still held at what they cost."""
        return self.premium + self.dividends + self.realised


@dataclass(slots=True)
class _Turn:
    """A cycle while it is being folded."""

    symbol: str
    started_at: datetime | None
    complete: bool
    held: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    last_at: datetime | None = None
    bought_in_at: datetime | None = None
    premium: Decimal = ZERO
    premium_high: Decimal = ZERO
    dividends: Decimal = ZERO
    shares: Decimal = ZERO
    share_cost: Decimal = ZERO
    realised: Decimal = ZERO
    assignments: int = 0
    rolls: int = 0

    def step(self, entry: CycleEntry) -> None:
        self.complete = self.complete and entry.kind is not CycleEntryKind.CORRECTION
        if entry.sec_type is SecType.OPTION:
            self._option(entry)
        elif entry.kind is CycleEntryKind.DIVIDEND:
            self.dividends += entry.cash
        elif entry.kind in (CycleEntryKind.SPLIT, CycleEntryKind.CORRECTION):
            self.shares += entry.quantity
        else:
            self.assignments += entry.kind is CycleEntryKind.DELIVERY
            self._shares(entry)

    def _option(self, entry: CycleEntry) -> None:
        before = self.held.get(entry.con_id, ZERO)
        left = before + entry.quantity
        self.held[entry.con_id] = left
        if not left:
            del self.held[entry.con_id]
        # A roll's two legs fill at one instant: the high is taken when the instant is over.
        if self.last_at is not None and entry.at > self.last_at:
            self.premium_high = max(self.premium_high, self.premium)
        if entry.kind is CycleEntryKind.TRADE:
            if entry.quantity > 0 > before:
                self.bought_in_at = entry.at
            elif entry.quantity < 0 and self.bought_in_at == entry.at:
                self.rolls += 1
                self.bought_in_at = None
        self.premium += entry.cash
        self.last_at = entry.at

    def _shares(self, entry: CycleEntry) -> None:
        """Shares at average cost; what is sold realises its difference."""
        if entry.quantity >= 0 or self.shares <= 0:
            self.shares += entry.quantity
            self.share_cost -= entry.cash
            return
        part = min(-entry.quantity / self.shares, Decimal(1))
        cost = self.share_cost * part
        self.realised += entry.cash - cost
        self.share_cost -= cost
        self.shares += entry.quantity

    @property
    def is_flat(self) -> bool:
        return not self.shares and not self.held

    def cycle(self, ended_at: datetime | None) -> WheelCycle:
        return WheelCycle(
            symbol=self.symbol,
            started_at=self.started_at,
            ended_at=ended_at,
            premium=self.premium,
            premium_high=max(self.premium_high, self.premium),
            dividends=self.dividends,
            shares=self.shares,
            share_cost=self.share_cost,
            realised=self.realised,
            assignments=self.assignments,
            rolls=self.rolls,
            complete=self.complete,
        )


def fold_cycles(
    symbol: str,
    entries: Iterable[CycleEntry],
    opening: Iterable[CycleEntry] = (),
) -> tuple[WheelCycle, ...]:
    """The cycles of one underlying in order of time; only the last may still be open.

    ``opening`` is what was held when the record begins (``cash`` what it is known to have cost, as
    a negative amount): the cycle it belongs to is marked incomplete, for what came before is not
    on record. Entries of one instant belong together, so that a roll, whose legs fill at once, or
    an assignment, which ends an option and delivers shares, never ends a cycle half-way.
    """
    done: list[WheelCycle] = []
    turn: _Turn | None = None
    for entry in opening:
        turn = turn or _Turn(symbol, None, complete=False)
        turn.step(entry)
    pending = sorted(entries, key=lambda entry: entry.at)
    for number, entry in enumerate(pending):
        if turn is None:
            if entry.kind is CycleEntryKind.DIVIDEND and done:
                # Paid after the shares were called away: it belongs to the cycle that held them.
                last = done[-1]
                done[-1] = last.model_copy(update={"dividends": last.dividends + entry.cash})
                continue
            turn = _Turn(symbol, entry.at, complete=True)
        turn.step(entry)
        is_last_of_instant = number + 1 == len(pending) or pending[number + 1].at > entry.at
        if is_last_of_instant and turn.is_flat:
            done.append(turn.cycle(entry.at))
            turn = None
    if turn is not None:
        done.append(turn.cycle(None))
    return tuple(done)


def open_cycle(cycles: Iterable[WheelCycle]) -> WheelCycle | None:
    """The cycle still under way, if there is one."""
    return next((cycle for cycle in cycles if cycle.is_open), None)
